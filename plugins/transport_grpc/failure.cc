#include "failure.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace transport_grpc {
namespace {

using heddle::sdk::Value;
using heddle::sdk::ValueRef;

struct Row {
  std::string_view code;  // empty: any
  heddle_status status;
  grpc::StatusCode grpc;
  std::string_view error_class;  // of a failure that the transport itself gives
};

// The first row that fits counts, in both directions.
constexpr Row kRows[] = {
    {"unauthenticated", HEDDLE_DENIED, grpc::UNAUTHENTICATED, "permanent"},
    {"full", HEDDLE_EXHAUSTED, grpc::UNAVAILABLE, "retryable"},
    {"too-large", HEDDLE_INVALID, grpc::RESOURCE_EXHAUSTED, "permanent"},
    {"invalid", HEDDLE_INVALID, grpc::INVALID_ARGUMENT, "permanent"},
    {"denied", HEDDLE_DENIED, grpc::PERMISSION_DENIED, "permanent"},
    {"untrusted", HEDDLE_DENIED, grpc::PERMISSION_DENIED, "permanent"},
    {"not-found", HEDDLE_NOT_FOUND, grpc::NOT_FOUND, "permanent"},
    {"conflict", HEDDLE_CONFLICT, grpc::ABORTED, "permanent"},
    {"request-timeout", HEDDLE_DEADLINE, grpc::DEADLINE_EXCEEDED, "retryable"},
    {"deadline", HEDDLE_DEADLINE, grpc::DEADLINE_EXCEEDED, "retryable"},
    {"cancelled", HEDDLE_CANCELLED, grpc::CANCELLED, "cancelled"},
    {"not-understood", HEDDLE_UNSUPPORTED, grpc::UNIMPLEMENTED, "permanent"},
    {"unsupported", HEDDLE_UNSUPPORTED, grpc::UNIMPLEMENTED, "permanent"},
    {"unreachable", HEDDLE_UNAVAILABLE, grpc::UNAVAILABLE, "retryable"},
    {"connection-lost", HEDDLE_UNAVAILABLE, grpc::UNAVAILABLE, "retryable"},
    {"given-up", HEDDLE_UNAVAILABLE, grpc::UNAVAILABLE, "retryable"},
    {"internal", HEDDLE_INTERNAL, grpc::INTERNAL, "permanent"},
    {"", HEDDLE_INVALID, grpc::INVALID_ARGUMENT, "permanent"},
    {"", HEDDLE_DENIED, grpc::PERMISSION_DENIED, "permanent"},
    {"", HEDDLE_NOT_FOUND, grpc::NOT_FOUND, "permanent"},
    {"", HEDDLE_CONFLICT, grpc::ABORTED, "permanent"},
    {"", HEDDLE_EXHAUSTED, grpc::RESOURCE_EXHAUSTED, "retryable"},
    {"", HEDDLE_CANCELLED, grpc::CANCELLED, "cancelled"},
    {"", HEDDLE_UNSUPPORTED, grpc::UNIMPLEMENTED, "permanent"},
    {"", HEDDLE_UNAVAILABLE, grpc::UNAVAILABLE, "retryable"},
    {"", HEDDLE_DEADLINE, grpc::DEADLINE_EXCEEDED, "retryable"},
    {"", HEDDLE_INTERNAL, grpc::INTERNAL, "permanent"},
    // Of peers that are not heddle; never given.
    {"", HEDDLE_DENIED, grpc::UNAUTHENTICATED, "permanent"},
    {"", HEDDLE_CONFLICT, grpc::ALREADY_EXISTS, "permanent"},
    {"", HEDDLE_CONFLICT, grpc::FAILED_PRECONDITION, "permanent"},
    {"", HEDDLE_INVALID, grpc::OUT_OF_RANGE, "permanent"},
};

constexpr size_t kMostMessage = 4000;

std::string text(ValueRef map, std::string_view key, std::string otherwise) {
  const auto found = map.find(key).as_text();
  return found ? std::string(*found) : std::move(otherwise);
}

std::string field(const Fields& fields, const char* name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : std::string(found->second.data(), found->second.size());
}

}  // namespace

grpc::StatusCode grpc_code(heddle_status status, std::string_view code) {
  const auto fits = [&](const Row& row) { return row.status == status && (row.code.empty() || row.code == code); };
  const auto found = std::find_if(std::begin(kRows), std::end(kRows), fits);
  return found == std::end(kRows) ? grpc::INTERNAL : found->grpc;
}

grpc::Status status_of(const Failure& failure) {
  std::string message = failure.message.substr(0, kMostMessage);
  // Not in the middle of a character.
  if (message.size() < failure.message.size())
    while (!message.empty() && (static_cast<unsigned char>(failure.message[message.size()]) & 0xc0) == 0x80) message.pop_back();
  return {grpc_code(failure.status, failure.code), message};
}

Failure failure(std::string_view code, std::string message) {
  const auto found = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& row) { return row.code == code; });
  if (found == std::end(kRows)) return {HEDDLE_INTERNAL, std::string(code), "permanent", std::move(message)};
  return {found->status, std::string(code), std::string(found->error_class), std::move(message)};
}

Failure failure_of(heddle_status status, ValueRef body, uint32_t retry_after_ms) {
  return {status, text(body, "code", "internal"), text(body, "class", "permanent"), text(body, "message", ""), retry_after_ms};
}

Failure failure_said(const grpc::Status& status, const Fields& trailing) {
  Failure f;
  f.code = field(trailing, kCodeField);
  const auto fits = [&](const Row& row) { return row.grpc == status.error_code() && (row.code.empty() || row.code == f.code); };
  const auto found = std::find_if(std::begin(kRows), std::end(kRows), fits);
  if (found != std::end(kRows)) f.status = found->status;
  // A peer that is not heddle says no code: the first one that stands for its status does.
  const auto same = [&](const Row& row) { return row.status == f.status && row.grpc == status.error_code() && !row.code.empty(); };
  const auto named = std::find_if(std::begin(kRows), std::end(kRows), same);
  if (f.code.empty()) f.code = named == std::end(kRows) ? "internal" : named->code;
  f.error_class = field(trailing, kClassField);
  if (f.error_class.empty()) f.error_class = found == std::end(kRows) ? "permanent" : found->error_class;
  const std::string retry = field(trailing, kRetryField);
  std::from_chars(retry.data(), retry.data() + retry.size(), f.retry_after_ms);
  f.message = status.error_message();
  if (f.message.empty()) f.message = "the peer answered with the status " + std::to_string(status.error_code()) + " and no message";
  return f;
}

Value details_of(const Failure& failure) {
  return Value::map({{"code", Value::string(failure.code)}, {"class", Value::string(failure.error_class)}, {"message", Value::string(failure.message)}});
}

}  // namespace transport_grpc
