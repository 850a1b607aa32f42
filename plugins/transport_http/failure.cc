#include "failure.h"

#include <algorithm>
#include <iterator>

#include "ascii.h"

namespace transport_http {
namespace {

struct Row {
  std::string_view code;  // empty: any
  heddle_status status;   // HEDDLE_OK: any
  int http;
  std::string_view error_class;  // of a refusal by the transport itself
};

// The first row that fits counts. Rows with code and status are those that the transport itself gives, too.
constexpr Row kRows[] = {
    {"unauthenticated", HEDDLE_DENIED, 401, "permanent"},
    {"method-not-allowed", HEDDLE_UNSUPPORTED, 405, "permanent"},
    {"request-timeout", HEDDLE_DEADLINE, 408, "retryable"},
    {"denied", HEDDLE_DENIED, 403, "permanent"},
    {"length-required", HEDDLE_INVALID, 411, "permanent"},
    {"too-large", HEDDLE_INVALID, 413, "permanent"},
    {"path-too-long", HEDDLE_INVALID, 414, "permanent"},
    {"unsupported-media-type", HEDDLE_UNSUPPORTED, 415, "permanent"},
    {"head-too-large", HEDDLE_INVALID, 431, "permanent"},
    {"full", HEDDLE_EXHAUSTED, 503, "retryable"},
    {"invalid", HEDDLE_INVALID, 400, "permanent"},
    {"not-found", HEDDLE_NOT_FOUND, 404, "permanent"},
    {"unsupported", HEDDLE_UNSUPPORTED, 501, "permanent"},
    {"deadline", HEDDLE_DEADLINE, 504, "retryable"},
    {"internal", HEDDLE_INTERNAL, 500, "permanent"},
    {"", HEDDLE_INVALID, 400, ""},
    {"", HEDDLE_DENIED, 403, ""},
    {"", HEDDLE_NOT_FOUND, 404, ""},
    {"", HEDDLE_CONFLICT, 409, ""},
    {"", HEDDLE_EXHAUSTED, 429, ""},
    {"", HEDDLE_CANCELLED, 499, ""},
    {"", HEDDLE_UNSUPPORTED, 501, ""},
    {"", HEDDLE_UNAVAILABLE, 503, ""},
    {"", HEDDLE_DEADLINE, 504, ""},
    // Of peers that are not heddle; never given.
    {"", HEDDLE_UNAVAILABLE, 502, ""},
    {"", HEDDLE_EXHAUSTED, 507, ""},
};

struct Trouble {
  std::string_view code;
  heddle_status status;
  std::string_view error_class;
};
constexpr Trouble kTroubles[] = {
    {"unreachable", HEDDLE_UNAVAILABLE, "retryable"}, {"untrusted", HEDDLE_DENIED, "permanent"},
    {"connection-lost", HEDDLE_UNAVAILABLE, "retryable"}, {"deadline", HEDDLE_DEADLINE, "retryable"},
    {"cancelled", HEDDLE_CANCELLED, "cancelled"}, {"too-large", HEDDLE_INVALID, "permanent"},
    {"not-understood", HEDDLE_UNSUPPORTED, "permanent"}, {"full", HEDDLE_EXHAUSTED, "retryable"},
    {"unsupported", HEDDLE_UNSUPPORTED, "permanent"}, {"invalid", HEDDLE_INVALID, "permanent"},
};

constexpr size_t kMostQuoted = 200;

std::string text(heddle::sdk::ValueRef map, std::string_view key, std::string otherwise) {
  const auto found = map.find(key).as_text();
  return found ? std::string(*found) : std::move(otherwise);
}

}  // namespace

int http_status(heddle_status status, std::string_view code) {
  for (const Row& row : kRows)
    if (row.status == status && (row.code.empty() || row.code == code)) return row.http;
  return 500;
}

Failure refusal(int http, std::string message) {
  const auto found = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.http == http; });
  if (found == std::end(kRows) || found->code.empty()) return {HEDDLE_INTERNAL, "internal", "permanent", std::move(message), 0, http};
  Failure f{found->status, std::string(found->code), std::string(found->error_class), std::move(message), 0, http};
  if (http == 503) f.retry_after_ms = 1000;
  return f;
}

Failure trouble(std::string_view code, std::string message) {
  const auto found = std::find_if(std::begin(kTroubles), std::end(kTroubles), [&](const Trouble& t) { return t.code == code; });
  if (found == std::end(kTroubles)) return {HEDDLE_INTERNAL, std::string(code), "permanent", std::move(message)};
  return {found->status, std::string(code), std::string(found->error_class), std::move(message)};
}

Failure failure_said(int http, const std::string& reason, std::string_view body) {
  using heddle::sdk::Value;
  Failure f;
  f.http = http;
  Value said;
  // Whatever a peer sends: text that is no JSON is quoted.
  heddle::sdk::detail::guard([&] { said = Value::parse(body); }, [](heddle_status, std::string_view) {});
  const auto error = said.find("error");
  f.code = text(error, "code", "");
  const Row* fits = nullptr;
  for (const Row& row : kRows) {
    if (row.http != http) continue;
    const bool better = !fits || row.code == f.code || (row.code.empty() && fits->code != f.code);
    if (better) fits = &row;
  }
  f.status = fits ? fits->status : http >= 500 ? HEDDLE_INTERNAL : HEDDLE_INVALID;
  if (f.code.empty() && fits) f.code = fits->code;
  f.error_class = text(error, "class", fits && f.code == fits->code ? std::string(fits->error_class) : "");
  f.message = text(error, "message", "");
  if (!f.message.empty()) return f;
  f.message = "the peer answered " + std::to_string(http) + (reason.empty() ? "" : " " + quotable(reason));
  if (!body.empty()) f.message.append(": ").append(quotable(body.substr(0, kMostQuoted))).append(body.size() > kMostQuoted ? "…" : "");
  return f;
}

Failure failure_of(heddle_status status, heddle::sdk::ValueRef body, uint32_t retry_after_ms) {
  Failure f;
  f.status = status;
  f.code = text(body, "code", "internal");
  f.error_class = text(body, "class", "permanent");
  f.message = text(body, "message", "");
  f.retry_after_ms = retry_after_ms;
  f.http = http_status(status, f.code);
  return f;
}

heddle::sdk::Value details_of(const Failure& failure) {
  using heddle::sdk::Value;
  return Value::map({{"code", Value::string(failure.code)}, {"class", Value::string(failure.error_class)}, {"message", Value::string(failure.message)}});
}

std::string body_of(const Failure& failure) {
  using heddle::sdk::Value;
  return std::string(Value::map({{"error", details_of(failure)}}).json());
}

std::string whole_answer(const Failure& failure) {
  const std::string body = body_of(failure);
  std::string text = "HTTP/1.1 " + std::to_string(failure.http) + " " + failure.code + "\r\nConnection: close\r\nContent-Type: application/json\r\n";
  if (failure.retry_after_ms > 0) text += "Retry-After: " + seconds_of(failure.retry_after_ms) + "\r\n";
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string seconds_of(uint32_t retry_after_ms) { return std::to_string(std::max<uint32_t>((retry_after_ms + 999) / 1000, 1)); }

}  // namespace transport_http
