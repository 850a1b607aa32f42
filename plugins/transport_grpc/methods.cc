#include "methods.h"

#include <grpc/health/v1/health.pb.h>
#include <heddle/v1/heddle.pb.h>

#include <algorithm>
#include <array>

#include "each_messages.h"
#include "messages.h"
#include "stream_messages.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::to_view;
namespace v1 = heddle::v1;
using grpc::ByteBuffer;

constexpr std::string_view kSentOperation = "manifests.execute", kLines = "application/x-ndjson";

// What a member of an answer says, or nothing: "{}".
std::string json_at(ValueRef map, std::string_view key) {
  const ValueRef found = map.find(key);
  return found ? json_of(found) : "{}";
}

template <class Message>
Wanted read_empty(const ByteBuffer& message) {
  read_message<Message>(message);
  return Wanted();
}
template <class Message>
ByteBuffer write_empty(const heddle_request&) {
  return write_message(Message());
}

// Execute

Wanted read_execute(const ByteBuffer& message) {
  const auto request = read_message<v1::ExecuteRequest>(message);
  if (request.has_manifest())
    return {{}, Value::map({{"manifest", parsed(request.manifest(), "the manifest")}, {"input", Value::list({parsed(request.input(), "the input")})}}), true};
  if (request.pipeline().empty()) throw Error(HEDDLE_INVALID, "the request names no pipeline, and brings no manifest");
  return {{{"name", request.pipeline()}}, Value::bytes(std::as_bytes(std::span(request.input())))};
}
ByteBuffer write_executed(ValueRef body) {
  v1::ExecuteReply reply;
  const ValueRef outputs = list_of(body, "outputs"), failed = list_of(body, "failed");
  for (size_t i = 0; i < outputs.size(); ++i) reply.add_outputs(json_of(outputs.at(i)));
  for (size_t i = 0; i < failed.size(); ++i) reply.add_failed(json_of(failed.at(i)));
  return write_message(reply);
}
ByteBuffer write_execute(const heddle_request& r) {
  v1::ExecuteRequest request;
  if (to_view(r.operation) != kSentOperation) {
    request.set_pipeline(parameter(r, "name"));
    if (r.body) request.set_input(json_of(ValueRef(r.body)));
    return write_message(request);
  }
  const Value body = body_of(r);
  const ValueRef input = member(r, body, "input", HEDDLE_LIST);
  if (input.size() != 1) throw Error(HEDDLE_UNSUPPORTED, std::string(kSentOperation) + " of application/json carries one item, not " + std::to_string(input.size()));
  request.set_manifest(json_of(member(r, body, "manifest", HEDDLE_MAP)));
  request.set_input(json_of(input.at(0)));
  return write_message(request);
}
Value read_executed(const ByteBuffer& message) {
  const auto reply = read_message<v1::ExecuteReply>(message);
  return Value::map({{"outputs", parsed_list(reply.outputs(), "an output")}, {"failed", parsed_list(reply.failed(), "a failed item")}});
}

// ListPipelines

ByteBuffer write_pipelines(ValueRef body) {
  v1::ListPipelinesReply reply;
  const ValueRef list = list_of(body, "pipelines");
  for (size_t i = 0; i < list.size(); ++i) {
    v1::Pipeline& one = *reply.add_pipelines();
    one.set_name(text_of(list.at(i), "name"));
    one.set_description(text_of(list.at(i), "description"));
    one.set_nodes(static_cast<uint32_t>(list.at(i).find("nodes").as_int().value_or(0)));
  }
  return write_message(reply);
}
Value read_pipelines(const ByteBuffer& message) {
  const auto reply = read_message<v1::ListPipelinesReply>(message);
  std::vector<Value> list;
  for (const v1::Pipeline& one : reply.pipelines())
    list.push_back(Value::map({{"name", Value::string(one.name())}, {"description", Value::string(one.description())}, {"nodes", Value::integer(one.nodes())}}));
  return Value::map({{"pipelines", Value::list(std::move(list))}});
}

// ListNodeTypes

ByteBuffer write_types(ValueRef body) {
  v1::ListNodeTypesReply reply;
  const ValueRef list = list_of(body, "types");
  for (size_t i = 0; i < list.size(); ++i) {
    const ValueRef type = list.at(i), aliases = list_of(type, "aliases");
    v1::NodeType& one = *reply.add_types();
    one.set_name(text_of(type, "name"));
    one.set_plugin(text_of(type, "plugin"));
    one.set_version(text_of(type, "version"));
    one.set_summary(text_of(type, "summary"));
    one.set_inline_(type.find("inline").as_bool().value_or(false));
    for (size_t a = 0; a < aliases.size(); ++a) one.add_aliases(std::string(aliases.at(a).as_text().value_or("")));
    one.set_capabilities(json_at(type, "capabilities"));
  }
  reply.set_capabilities(json_at(body, "capabilities"));
  return write_message(reply);
}
Value read_types(const ByteBuffer& message) {
  const auto reply = read_message<v1::ListNodeTypesReply>(message);
  std::vector<Value> list;
  for (const v1::NodeType& one : reply.types()) {
    std::vector<Value> aliases;
    for (const std::string& alias : one.aliases()) aliases.push_back(Value::string(alias));
    list.push_back(Value::map({{"name", Value::string(one.name())},
                               {"plugin", Value::string(one.plugin())},
                               {"inline", Value::boolean(one.inline_())},
                               {"version", Value::string(one.version())},
                               {"summary", Value::string(one.summary())},
                               {"aliases", Value::list(std::move(aliases))},
                               {"capabilities", parsed(one.capabilities(), "a type's capabilities")}}));
  }
  return Value::map({{"types", Value::list(std::move(list))}, {"capabilities", parsed(reply.capabilities(), "the host's capabilities")}});
}

// Version

ByteBuffer write_version(ValueRef body) {
  v1::VersionReply reply;
  reply.set_version(text_of(body, "version"));
  reply.set_host(json_of(body));
  return write_message(reply);
}
Value read_version(const ByteBuffer& message) { return parsed(read_message<v1::VersionReply>(message).host(), "what the host says of itself"); }

// grpc.health.v1

constexpr const char* kHostService = "heddle.v1.Host";

Wanted read_health(const ByteBuffer& message) {
  if (!knows_health_of(message)) throw Error(HEDDLE_NOT_FOUND, "there is no such service: health is known of \"\" and \"" + std::string(kHostService) + "\"");
  return {};
}
ByteBuffer write_health(ValueRef) { return health_reply(Health::kServing); }

constexpr Method kMethods[] = {
    {"/heddle.v1.Host/Execute", "pipelines.execute", kSentOperation, false, false, read_execute, write_executed, write_execute, read_executed},
    {"/heddle.v1.Host/Stream", "pipelines.execute", kSentOperation, true, true, nullptr, write_part},
    {"/heddle.v1.Host/ExecuteEach", "pipelines.each", kSentEachOperation, false, true, read_each_request, write_each_part, write_each_request, read_each_part},
    {"/heddle.v1.Host/ListPipelines", "pipelines.list", "", false, false, read_empty<v1::ListPipelinesRequest>, write_pipelines, write_empty<v1::ListPipelinesRequest>, read_pipelines},
    {"/heddle.v1.Host/ListNodeTypes", "types.list", "", false, false, read_empty<v1::ListNodeTypesRequest>, write_types, write_empty<v1::ListNodeTypesRequest>, read_types},
    {"/heddle.v1.Host/Version", "host", "", false, false, read_empty<v1::VersionRequest>, write_version, write_empty<v1::VersionRequest>, read_version},
    {kHealthPath, kHealthOperation, "", false, false, read_health, write_health},
    {kWatchPath, kHealthOperation, "", false, true},
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

const Method* method_for(std::string_view operation, std::string_view content_type) {
  const auto fits = [&](const Method& m) {
    return (m.operation == operation || m.sent_operation == operation) && (m.takes_stream ? content_type == kLines : m.write_request && content_type != kLines);
  };
  const auto found = std::find_if(std::begin(kMethods), std::end(kMethods), fits);
  return found == std::end(kMethods) ? nullptr : &*found;
}

ByteBuffer health_reply(Health health) {
  using Reply = grpc::health::v1::HealthCheckResponse;
  Reply reply;
  reply.set_status(health == Health::kServing ? Reply::SERVING : health == Health::kNotServing ? Reply::NOT_SERVING : Reply::SERVICE_UNKNOWN);
  return write_message(reply);
}
bool knows_health_of(const ByteBuffer& request) {
  const auto asked = read_message<grpc::health::v1::HealthCheckRequest>(request);
  return asked.service().empty() || asked.service() == kHostService;
}
ByteBuffer health_request() { return write_message(grpc::health::v1::HealthCheckRequest()); }
bool is_serving(const ByteBuffer& reply) {
  return read_message<grpc::health::v1::HealthCheckResponse>(reply).status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

}  // namespace transport_grpc
