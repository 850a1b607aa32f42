#include <algorithm>

#include "serve/call_chain.h"
#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/execution.h"
#include "serve/members.h"
#include "serve/result_stream.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostInLine = 64;  // of executions that keep state
constexpr std::string_view kLines = "application/x-ndjson";

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
  auto chain = chain_of(request, (*pipeline)->link);
  if (!chain) return refuse(request, chain.error());
  auto items = items_of(request);
  if (!items) return refuse(request, items.error());
  auto admitted = admit(*std::move(pipeline), control.host.state_dir, kMostInLine);
  if (!admitted) return refuse(request, admitted.error());
  admitted->chain = *std::move(chain);
  admitted->trace = request.trace();
  admitted->tracer = control.host.tracer;
  if (request.content_type() == kLines) return stream_results(*std::move(admitted), *control.host.lanes, *std::move(items), std::move(request));
  execute_one(control, *std::move(admitted), *std::move(items), std::move(request));
}

}  // namespace heddle
