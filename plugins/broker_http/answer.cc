#include "answer.h"

#include <optional>

#include "origin.h"

namespace broker_http {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

constexpr size_t kMostUrl = 16384, kMostWords = 200;

std::optional<Value> object_in(const std::string& body) {
  try {
    Value said = Value::parse(body);
    if (said.is(HEDDLE_MAP)) return said;
  } catch (const Error&) {
    // It is no JSON.
  }
  return std::nullopt;
}

// The API's own reason, if it says one that may be repeated: without the token, on one line, and not where it has a URL in it, for that may be a secret.
std::string words_of(const std::string& body, const std::string& token) {
  const std::optional<Value> said = object_in(body);
  if (!said) return {};
  ValueRef text = said->find("error");
  if (!text.is(HEDDLE_STRING)) text = said->find("message");
  if (!text.is(HEDDLE_STRING)) return {};
  std::string words(*text.as_text());
  if (words.find("://") != words.npos) return {};
  for (size_t at = 0; !token.empty() && (at = words.find(token, at)) != words.npos; at += 3) words.replace(at, token.size(), "***");
  for (char& c : words)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  if (words.size() > kMostWords) {
    size_t end = kMostWords;
    while (end > 0 && (words[end] & 0xC0) == 0x80) --end;  // not inside a character
    words = words.substr(0, end) + "…";
  }
  return words.empty() ? words : ": " + words;
}

[[noreturn]] void refuse(const Reply& reply, const Question& asked) {
  const std::string it = "the API at " + asked.where + " ", said = "(" + std::to_string(reply.status) + ")" + words_of(reply.body, asked.token);
  if (reply.status == 401) throw Refusal(HEDDLE_DENIED, "no-credential", it + "does not take the token " + said);
  if (reply.status >= 300 && reply.status < 400) throw Refusal(HEDDLE_INVALID, "refused", it + "sends elsewhere (" + std::to_string(reply.status) + "), and redirects are not followed: set \"url\" to where it leads");
  if (reply.status == 408 || reply.status >= 500 || reply.status < 200) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", it + "cannot answer now " + said);
  const heddle_status status = reply.status == 403 ? HEDDLE_DENIED : reply.status == 404 || reply.status == 410 ? HEDDLE_NOT_FOUND : reply.status == 409 ? HEDDLE_CONFLICT : reply.status == 429 ? HEDDLE_EXHAUSTED : HEDDLE_INVALID;
  throw Refusal(status, "refused", it + "refuses it " + said);
}

}  // namespace

Url url_in(const Reply& reply, const Question& asked) {
  const std::string it = "the API at " + asked.where + " ";
  if (reply.is_cancelled) throw Refusal(HEDDLE_CANCELLED, "cancelled", "the broker ends before the API at " + asked.where + " has answered");
  if (reply.status == 0) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", it + reply.why);
  if (reply.status < 200 || reply.status >= 300) refuse(reply, asked);

  const auto odd = [&](const std::string& what) { throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", it + what); };
  const std::optional<Value> said = object_in(reply.body);
  if (!said) odd("answers with something that is no JSON object");
  const ValueRef url = said->find("url"), expires = said->find("expires_unix");
  if (!url.is(HEDDLE_STRING) || url.size() > kMostUrl) odd("answers without a \"url\" that is a text of at most 16384 bytes");
  const std::string text(*url.as_text());
  const std::optional<Origin> origin = Origin::of(text);
  if (!origin) odd("answers with a \"url\" that is none of http or https");
  if (!origin->has_tls && !origin->is_loopback && !asked.insecure) odd("answers with a \"url\" of http, which others could read on the way; \"insecure\": true allows it");
  if (!expires || expires.is_null()) return {text, asked.now_unix + static_cast<int64_t>(asked.lifetime_s)};
  const std::optional<int64_t> second = expires.is(HEDDLE_INT) ? expires.as_int() : std::nullopt;
  if (!second) odd("answers with an \"expires_unix\" that is no whole number of seconds");
  if (*second <= asked.now_unix) odd("answers with a \"url\" that has expired already; do the clocks differ?");
  return {text, *second};
}

}  // namespace broker_http
