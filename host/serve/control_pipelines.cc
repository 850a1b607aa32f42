#include <algorithm>

#include "serve/call_chain.h"
#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/each_results.h"
#include "serve/execution.h"
#include "serve/members.h"
#include "serve/result_stream.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr std::string_view kLines = "application/x-ndjson", kEvents = "text/event-stream";

Result<std::vector<Value>> read_lines(std::string_view text) {
  std::vector<Value> items;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == line.npos) continue;
    auto item = Value::parse(line);
    if (!item) return Error("invalid", "line " + std::to_string(number) + " of the body is not JSON").because(std::move(item).error());
    items.push_back(*std::move(item));
  }
  return items;
}

// A line each, or one.
Result<std::vector<Value>> items_of(const Request& request) {
  if (request.content_type() == kLines) return read_lines(request.body_text());
  auto item = request.json_body();
  if (!item) return std::move(item).error();
  return std::vector<Value>{*std::move(item)};
}

Result<ServedPipelinePtr> asked_pipeline(const Control::State& control, const Request& request) {
  Members fields = Members::of_parameters(request.parameters());
  const std::string name = fields.text("name").value_or("");
  if (auto read = fields.end(); !read) return std::move(read).error();
  if (ServedPipelinePtr found = control.host.pipelines->find(name)) return found;
  std::vector<std::string> names;
  for (const ServedPipelinePtr& one : control.host.pipelines->all()) names.push_back(one->name);
  return Error("not-found", "there is no pipeline \"" + name + "\"" + suggestion(name, names));
}

void execute_one(const Control::State& control, Admitted admitted, std::vector<Value> items, Request request) {
  const auto given_up = std::make_shared<GivenUp>();
  request.on_gone([given_up] { given_up->give_up(); });
  const auto asked = std::make_shared<Request>(std::move(request));  // a std::function wants to be copied
  given_up->watch(Execution::start(std::move(admitted), *control.host.lanes, std::move(items), [asked](Executed done) {
    if (!done.run) return refuse(*asked, done.run.error());
    asked->answer(json_object({{"outputs", Value::list(std::move(done.outputs))}, {"failed", Value::list(std::move(done.failed))}}));
  }));
}

// The admission of these items, and their execution.
void execute(Control::State& control, ServedPipelinePtr pipeline, std::vector<Value> items, Request request) {
  auto chain = chain_of(request, pipeline->link);
  if (!chain) return refuse(request, chain.error());
  auto admitted = admit(std::move(pipeline), control.host.state_dir, kMostInLine);
  if (!admitted) return refuse(request, admitted.error());
  admitted->chain = *std::move(chain);
  admitted->trace = request.trace();
  admitted->tracer = control.host.tracer;
  const bool events = request.accepts(kEvents);
  if (events || request.content_type() == kLines || request.accepts(kLines)) {
    auto feed = request.has_more() ? sent_items(std::move(items), request.parts()) : given_items(std::move(items));
    return stream_results(*std::move(admitted), *control.host.lanes, std::move(feed), std::move(request), events ? ToldAs::kEvents : ToldAs::kLines);
  }
  if (request.has_more()) return refuse(request, Error("unsupported", "a request in parts is one of " + std::string(kLines)));
  execute_one(control, *std::move(admitted), std::move(items), std::move(request));
}

void execute_each(Control::State& control, ServedPipelinePtr pipeline, std::vector<Value> items, Request request) {
  auto chain = chain_of(request, pipeline->link);
  if (!chain) return refuse(request, chain.error());
  answer_each(control, std::move(pipeline), *std::move(chain), std::move(items), std::move(request));
}

std::vector<Value> elements_of(const Value& list) {
  std::vector<Value> elements;
  elements.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) elements.push_back(list.at(i));
  return elements;
}

// The member "items".
std::vector<Value> items_in(Members& fields) {
  fields.need("items");
  const Value list = fields.any("items");
  if (!list) return {};
  if (list.kind() != HEDDLE_LIST || list.size() == 0 || list.size() > kMostOfEach) {
    fields.wrong("\"items\" must be a list of 1 to " + std::to_string(kMostOfEach) + " items, not " + describe(list));
    return {};
  }
  return elements_of(list);
}

// A manifest with its input, as a peer sends them.
struct SentManifest {
  std::string text;
  std::vector<Value> items;
};

Result<std::string> manifest_in(Members& fields) {
  fields.need("manifest");
  const Value manifest = fields.any("manifest");
  if (manifest && manifest.kind() != HEDDLE_MAP) fields.wrong("\"manifest\" must be an object, not " + describe(manifest));
  if (auto read = fields.end(); !read) return std::move(read).error();
  return manifest.json();
}

Result<SentManifest> sent_lines(const Request& request) {
  auto lines = read_lines(request.body_text());
  if (!lines) return std::move(lines).error();
  if (lines->empty()) return Error("invalid", "the first line of the body must be {\"manifest\": …}");
  Members fields = Members::of_body(std::move(lines->front()));
  auto text = manifest_in(fields);
  if (!text) return Error("invalid", "the first line of the body").because(std::move(text).error());
  lines->erase(lines->begin());
  return SentManifest{*std::move(text), *std::move(lines)};
}

Result<SentManifest> sent_by(const Request& request) {
  if (request.content_type() == kLines) return sent_lines(request);
  auto body = request.json_body();
  if (!body) return std::move(body).error();
  Members fields = Members::of_body(*std::move(body));
  fields.need("input");
  const Value input = fields.any("input");
  auto text = manifest_in(fields);
  if (!text) return std::move(text).error();
  return SentManifest{*std::move(text), input.kind() == HEDDLE_LIST ? elements_of(input) : std::vector<Value>{input}};
}

Result<SentManifest> sent_for_each(const Request& request) {
  auto body = request.json_body();
  if (!body) return std::move(body).error();
  Members fields = Members::of_body(*std::move(body));
  std::vector<Value> items = items_in(fields);
  auto text = manifest_in(fields);
  if (!text) return std::move(text).error();
  return SentManifest{*std::move(text), std::move(items)};
}

// Reads what was sent, plans the manifest if that is a new one, and executes it.
void execute_sent(Control::State& control, Request request, Result<SentManifest> (*read)(const Request&),
                  void (*execute)(Control::State&, ServedPipelinePtr, std::vector<Value>, Request)) {
  if (!control.host.sent) return refuse(request, Error("denied", "this host runs no manifests that are sent to it"));
  SentManifests& manifests = *control.host.sent;
  if (auto allowed = manifests.allowed(); !allowed) return refuse(request, allowed.error());
  auto sent = read(request);
  if (!sent) return refuse(request, sent.error());
  if (ServedPipelinePtr known = manifests.find(sent->text)) return execute(control, std::move(known), std::move(sent->items), std::move(request));
  struct Asked {
    SentManifest sent;
    Request request;
  };
  const auto asked = std::make_shared<Asked>(Asked{*std::move(sent), std::move(request)});  // a std::function wants to be copied
  control.errands.run([&control, &manifests, execute, asked] {
    auto planned = manifests.plan(asked->sent.text);
    if (!planned) return refuse(asked->request, planned.error());
    execute(control, *std::move(planned), std::move(asked->sent.items), std::move(asked->request));
  });
}

}  // namespace

Result<Value> list_pipelines(Control::State& control, const Request&) {
  std::vector<Value> all;
  for (const ServedPipelinePtr& one : control.host.pipelines->all()) {
    all.push_back(json_object(
        {{"name", json_text(one->name)}, {"description", json_text(one->description)}, {"nodes", json_count(one->pipeline.nodes.size())}}));
  }
  return json_object({{"pipelines", Value::list(std::move(all))}});
}

void execute_pipeline(Control::State& control, Request request) {
  auto pipeline = asked_pipeline(control, request);
  if (!pipeline) return refuse(request, pipeline.error());
  auto items = items_of(request);
  if (!items) return refuse(request, items.error());
  execute(control, *std::move(pipeline), *std::move(items), std::move(request));
}

void execute_manifest(Control::State& control, Request request) { execute_sent(control, std::move(request), sent_by, execute); }

void execute_pipeline_for_each(Control::State& control, Request request) {
  auto pipeline = asked_pipeline(control, request);
  if (!pipeline) return refuse(request, pipeline.error());
  auto body = request.json_body();
  if (!body) return refuse(request, body.error());
  Members fields = Members::of_body(*std::move(body));
  std::vector<Value> items = items_in(fields);
  if (auto read = fields.end(); !read) return refuse(request, read.error());
  execute_each(control, *std::move(pipeline), std::move(items), std::move(request));
}

void execute_manifest_for_each(Control::State& control, Request request) { execute_sent(control, std::move(request), sent_for_each, execute_each); }

}  // namespace heddle
