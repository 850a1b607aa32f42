#include "broker.h"

#include <ctime>
#include <optional>

#include "origin.h"

namespace broker_http {
namespace {

using heddle::sdk::Config;
using heddle::sdk::Error;
using heddle::sdk::Value;

constexpr uint64_t kSecond = 1'000'000'000, kMostLifetime = uint64_t{7} * 24 * 3600, kMostWaitMs = 600'000;
constexpr size_t kMostObject = 4096;

uint64_t number_in(const Config& config, std::string_view key, uint64_t otherwise, uint64_t most) {
  const auto n = config.get<uint64_t>(key, otherwise);
  if (n < 1 || n > most) throw Error(HEDDLE_INVALID, "\"" + std::string(key) + "\" must be 1 to " + std::to_string(most));
  return n;
}

// What it is called in messages. Throws Error where it may not be asked.
std::string checked(const std::string& url, bool insecure) {
  const std::optional<Origin> origin = Origin::of(url);
  if (!origin) throw Error(HEDDLE_INVALID, "\"url\" is no URL of https or http");
  if (origin->has_user) throw Error(HEDDLE_INVALID, "\"url\" has a user or a password in it: the credential is \"token\"");
  if (!origin->has_tls && !origin->is_loopback && !insecure)
    throw Error(HEDDLE_INVALID, "\"url\": the token would go to " + origin->text + " without TLS: write https, or allow it with \"insecure\": true");
  return origin->text;
}

}  // namespace

Broker::Broker(const Config& config)
    : insecure_(config.get<bool>("insecure", false)),
      url_(config.get<std::string>("url")),
      where_(checked(url_, insecure_)),
      token_("token", config.find("token")),
      lifetime_s_(number_in(config, "lifetime_s", 900, kMostLifetime)),
      api_({.url = url_,
            .ca = config.get<std::string>("ca", ""),
            .connect_ms = number_in(config, "connect_ms", 5'000, kMostWaitMs),
            .answer_ms = number_in(config, "answer_ms", 10'000, kMostWaitMs)}) {
  if (token_.read().empty()) throw Error(HEDDLE_DENIED, "it needs a \"token\"");
}

void Broker::grant(const heddle_grant& wanted, Answered answered) {
  if (wanted.method != HEDDLE_GRANT_GET && wanted.method != HEDDLE_GRANT_PUT) throw Refusal(HEDDLE_INVALID, "invalid", "the method is neither GET nor PUT");
  const uint64_t lifetime = wanted.lifetime_ns == 0 ? lifetime_s_ : wanted.lifetime_ns / kSecond;
  if (lifetime < 1 || lifetime > kMostLifetime) throw Refusal(HEDDLE_INVALID, "invalid", "a URL lives from 1 second to 7 days, and " + std::to_string(wanted.lifetime_ns / 1'000'000) + " ms were asked for");
  const std::string_view object = heddle::sdk::detail::to_view(wanted.object);
  if (object.empty() || object.size() > kMostObject) throw Refusal(HEDDLE_INVALID, "not-its-object", "the name of an object has 1 to 4096 bytes, and this one has " + std::to_string(object.size()));
  Question question{.where = where_, .insecure = insecure_, .now_unix = static_cast<int64_t>(std::time(nullptr)), .lifetime_s = lifetime};
  try {
    question.token = token_.read();
  } catch (const Error& why) {
    throw Refusal(HEDDLE_DENIED, "no-credential", why.what());
  }
  Value name;
  try {
    name = Value::string(object);
  } catch (const Error&) {
    throw Refusal(HEDDLE_INVALID, "not-its-object", "the name of the object is not UTF-8");
  }
  const Value body = Value::map(
      {{"method", Value::string(wanted.method == HEDDLE_GRANT_GET ? "GET" : "PUT")}, {"object", std::move(name)}, {"lifetime_s", Value::integer(static_cast<int64_t>(lifetime))}});
  std::string token = question.token;
  if (!api_.ask(std::move(token), std::string(body.json()), [question = std::move(question), answered = std::move(answered)](const Reply& reply) { answered(reply, question); }))
    throw Refusal(HEDDLE_EXHAUSTED, "too-many", std::to_string(Api::kMostWaiting) + " grants wait for the API at " + where_ + " already");
}

}  // namespace broker_http
