#include "each_messages.h"

#include <google/protobuf/arena.h>
#include <heddle/v1/heddle.pb.h>

#include <array>
#include <string>
#include <vector>

#include "messages.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::to_view;
namespace v1 = heddle::v1;
using google::protobuf::Arena;  // of a message: one place for all of its small parts
using grpc::ByteBuffer;
using JsonTexts = google::protobuf::RepeatedPtrField<std::string>;

Value items_of(const JsonTexts& texts) {
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(texts.size()));
  for (const std::string& text : texts) {
    if (text.empty()) throw Error(HEDDLE_INVALID, "item " + std::to_string(items.size() + 1) + " is empty: it must be JSON");
    try {
      items.push_back(Value::parse(text));
    } catch (const Error& wrong) {
      throw Error(wrong.status(), "item " + std::to_string(items.size() + 1) + " is no JSON text: " + wrong.what());
    }
  }
  return Value::list(std::move(items));
}

void add_texts(ValueRef list, JsonTexts& to) {
  const size_t size = list.size();
  to.Reserve(to.size() + static_cast<int>(size));
  for (size_t i = 0; i < size; ++i) {
    const std::string_view json = list.at(i).json();
    to.Add()->assign(json.data(), json.size());
  }
}

void add_result(ValueRef result, v1::ExecuteEachReply& reply) {
  const int64_t item = result.find("item").as_int().value_or(0);
  if (item < 1 || item > UINT32_MAX) throw Error(HEDDLE_INTERNAL, "a result in the host's answer has no \"item\" that says which one it is of, from 1");
  v1::ItemResult& to = *reply.add_results();
  to.set_item(static_cast<uint32_t>(item));
  if (result.find("outputs")) add_texts(list_of(result, "outputs"), *to.mutable_outputs());
  if (result.find("failed")) add_texts(list_of(result, "failed"), *to.mutable_failed());
  to.set_more(result.find("more").as_bool().value_or(false));
}

Value read_result(const v1::ItemResult& from) {
  if (from.item() == 0) throw Error(HEDDLE_INVALID, "a result does not say which item it is of");
  std::array<Value::Entry, 4> entries;
  size_t size = 0;
  entries[size++] = {"item", Value::integer(from.item())};
  if (from.outputs_size() > 0) entries[size++] = {"outputs", parsed_list(from.outputs(), "an output")};
  if (from.failed_size() > 0) entries[size++] = {"failed", parsed_list(from.failed(), "a failed item")};
  if (from.more()) entries[size++] = {"more", Value::boolean(true)};
  return Value::map(std::span(entries).first(size));
}

}  // namespace

Wanted read_each_request(const ByteBuffer& message) {
  Arena arena;
  auto& request = *Arena::CreateMessage<v1::ExecuteEachRequest>(&arena);
  read_message(message, request);
  if (request.has_manifest()) return {{}, Value::map({{"manifest", parsed(request.manifest(), "the manifest")}, {"items", items_of(request.items())}}), true};
  if (request.pipeline().empty()) throw Error(HEDDLE_INVALID, "the request names no pipeline, and brings no manifest");
  return {{{"name", request.pipeline()}}, Value::map({{"items", items_of(request.items())}})};
}

ByteBuffer write_each_request(const heddle_request& r) {
  Arena arena;
  auto& request = *Arena::CreateMessage<v1::ExecuteEachRequest>(&arena);
  const Value body = body_of(r);
  if (to_view(r.operation) == kSentEachOperation) request.set_manifest(std::string(member(r, body, "manifest", HEDDLE_MAP).json()));
  else request.set_pipeline(parameter(r, "name"));
  add_texts(member(r, body, "items", HEDDLE_LIST), *request.mutable_items());
  return write_message(request);
}

ByteBuffer write_each_part(ValueRef part) {
  Arena arena;
  auto& reply = *Arena::CreateMessage<v1::ExecuteEachReply>(&arena);
  const ValueRef results = list_of(part, "results");
  const size_t size = results.size();
  reply.mutable_results()->Reserve(static_cast<int>(size));
  for (size_t i = 0; i < size; ++i) add_result(results.at(i), reply);
  return write_message(reply);
}

Value read_each_part(const ByteBuffer& message) {
  Arena arena;
  auto& reply = *Arena::CreateMessage<v1::ExecuteEachReply>(&arena);
  read_message(message, reply);
  std::vector<Value> results;
  results.reserve(static_cast<size_t>(reply.results_size()));
  for (const v1::ItemResult& result : reply.results()) results.push_back(read_result(result));
  return Value::map({{"results", Value::list(std::move(results))}});
}

}  // namespace transport_grpc
