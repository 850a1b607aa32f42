#include "fetch.h"

#include <curl/curl.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "address.h"
#include "source.h"

namespace node_remote {
namespace {

using namespace heddle::sdk;
using Clock = std::chrono::steady_clock;

constexpr size_t kMostBytes = size_t{16} << 20, kMostKept = 64;
constexpr int kMostRedirects = 5;
constexpr auto kFresh = std::chrono::seconds(60);

struct Kept {
  Value manifest = {};
  std::string tag = {};  // ETag
  Clock::time_point checked = {};
};

// What was fetched, by URL and authorization: nobody gets what only others may have.
class Cache {
 public:
  std::optional<Kept> find(const std::string& key) {
    std::lock_guard lock(mutex_);
    const auto found = kept_.find(key);
    return found == kept_.end() ? std::nullopt : std::optional(found->second);
  }
  void keep(const std::string& key, Kept kept) {
    std::lock_guard lock(mutex_);
    kept_[key] = std::move(kept);
    if (kept_.size() <= kMostKept) return;
    kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return a.second.checked < b.second.checked; }));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;  // guarded by mutex_
};

// For as long as the process runs.
Cache& cache() {
  static auto* const all = new Cache;
  return *all;
}

// One answer while it comes in.
struct Reception {
  const AllowList* allowed = nullptr;
  std::string body = {}, tag = {}, location = {};
  std::string refused = {};  // the address that was not gone to, and why
  bool too_much = false;
};

size_t on_bytes(char* data, size_t, size_t size, void* to) {
  auto& in = *static_cast<Reception*>(to);
  in.too_much = in.body.size() + size > kMostBytes;
  if (in.too_much) return 0;
  in.body.append(data, size);
  return size;
}

size_t on_field(char* data, size_t, size_t size, void* to) {
  auto& in = *static_cast<Reception*>(to);
  const std::string_view line(data, size);
  const size_t colon = std::min(line.find(':'), line.size());
  std::string_view text = line.substr(std::min(colon + 1, line.size()));
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (colon == 4 && ::strncasecmp(data, "etag", 4) == 0) in.tag = text;
  if (colon == 8 && ::strncasecmp(data, "location", 8) == 0) in.location = text;
  return size;
}

// The decision falls on the address that is connected to: a name that leads elsewhere the next time it is asked for gains nothing.
curl_socket_t on_socket(void* to, curlsocktype, curl_sockaddr* to_address) {
  auto& in = *static_cast<Reception*>(to);
  const auto address = Address::of(&to_address->addr);
  const std::string_view why = address ? address->closed() : "of no known family";
  if (!why.empty() && !(address && in.allowed->allows(*address))) {
    in.refused = (address ? address->text() : std::string("an address")) + " is " + std::string(why);
    return CURL_SOCKET_BAD;
  }
  return ::socket(to_address->family, to_address->socktype | SOCK_CLOEXEC, to_address->protocol);
}

struct CurlEnds {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
  void operator()(char* text) const { ::curl_free(text); }
};
template <class T>
using Owned = std::unique_ptr<T, CurlEnds>;

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (::curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  return Owned<char>(text).get();
}

// `to`, as a link of the page at `from`. Empty: that is no URL of http or https.
std::string resolved(const std::string& from, const std::string& to) {
  const Owned<CURLU> url(::curl_url());
  if (!url || ::curl_url_set(url.get(), CURLUPART_URL, from.c_str(), 0) != CURLUE_OK) return {};
  if (!to.empty() && ::curl_url_set(url.get(), CURLUPART_URL, to.c_str(), 0) != CURLUE_OK) return {};
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  return scheme == "http" || scheme == "https" ? part_of(url.get(), CURLUPART_URL) : "";
}

// Scheme, host and port: to another one no secret goes along.
std::string origin_of(const std::string& text) {
  const Owned<CURLU> url(::curl_url());
  if (!url || ::curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return {};
  return part_of(url.get(), CURLUPART_SCHEME) + "://" + part_of(url.get(), CURLUPART_HOST) + ":" + part_of(url.get(), CURLUPART_PORT);
}

// Why there is no manifest. `passes`: the last good one may stand in.
struct Failure {
  std::string why;
  bool passes = true;
};

class Fetch {
 public:
  Fetch(const std::string& url, const std::string& authorization, uint64_t timeout_ms)
      : url_(url), authorization_(authorization), until_(Clock::now() + std::chrono::milliseconds(timeout_ms)), allowed_(text_of("HEDDLE_FETCH_ALLOW")) {}

  // The manifest, with its tag; empty: that of `known` is still what is there. Throws Failure.
  std::optional<Kept> run(const std::string& known) {
    std::string at = resolved(url_, "");
    if (at.empty()) throw Failure{"it is no URL of http or https", false};
    const std::string origin = origin_of(at);
    for (int hop = 0; hop <= kMostRedirects; ++hop) {
      Reception in{.allowed = &allowed_};
      const long status = get(at, known, origin_of(at) == origin, in);
      if (status == 304 && !known.empty()) return std::nullopt;
      if (status >= 300 && status < 400 && !in.location.empty()) {
        const std::string next = resolved(at, in.location);
        if (next.empty()) throw Failure{"it redirects to what is no URL of http or https", false};
        if (at.starts_with("https:") && !next.starts_with("https:")) throw Failure{"it redirects from https to http", false};
        at = next;
        continue;
      }
      if (status != 200) throw Failure{"the answer is " + std::to_string(status), status >= 500 || status == 429 || status == 408};
      return parsed(std::move(in));
    }
    throw Failure{"more than " + std::to_string(kMostRedirects) + " redirects; the last one is to " + shown_url(at), false};
  }

 private:
  static std::string text_of(const char* variable) {
    const char* const text = std::getenv(variable);
    return text ? text : "";
  }

  long get(const std::string& at, const std::string& known, bool is_home, Reception& in) const {
    const Owned<CURL> curl(::curl_easy_init());
    if (!curl) throw Failure{"there is no memory for a connection"};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now()).count();
    if (left <= 0) throw Failure{"it took too long"};
    curl_slist* fields = ::curl_slist_append(nullptr, "Accept: application/json");
    if (!known.empty()) fields = ::curl_slist_append(fields, ("If-None-Match: " + known).c_str());
    if (is_home && !authorization_.empty()) fields = ::curl_slist_append(fields, ("Authorization: " + authorization_).c_str());
    const Owned<curl_slist> owned(fields);
    const auto set = [&](CURLoption option, auto value) { ::curl_easy_setopt(curl.get(), option, value); };
    set(CURLOPT_URL, at.c_str());
    set(CURLOPT_HTTPHEADER, fields);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");  // a proxy would look the name up by itself
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(left));
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_ACCEPT_ENCODING, nullptr);  // what is counted is what comes in
    set(CURLOPT_WRITEFUNCTION, &on_bytes);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&in));
    set(CURLOPT_HEADERFUNCTION, &on_field);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&in));
    set(CURLOPT_OPENSOCKETFUNCTION, &on_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&in));
    const CURLcode done = ::curl_easy_perform(curl.get());
    if (in.too_much) throw Failure{"it is larger than " + std::to_string(kMostBytes >> 20) + " MiB", false};
    if (done != CURLE_OK && !in.refused.empty())
      throw Failure{"manifests are not fetched from there: " + in.refused + " (whoever runs this host can allow it with HEDDLE_FETCH_ALLOW)", false};
    if (done == CURLE_OPERATION_TIMEDOUT) throw Failure{"there was no whole answer in time"};
    if (done != CURLE_OK) throw Failure{::curl_easy_strerror(done)};
    long status = 0;
    ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  static Kept parsed(Reception in) {
    try {
      return {read_manifest(Value::parse(in.body), "what is there"), std::move(in.tag)};
    } catch (const Error& wrong) {
      throw Failure{std::string_view(wrong.what()).starts_with("cannot make") ? "what is there is not JSON" : wrong.what()};
    }
  }

  const std::string url_, authorization_;
  const Clock::time_point until_;
  const AllowList allowed_;
};

}  // namespace

FetchFailed::FetchFailed(heddle_status status, std::string url, std::string reason, int64_t took_ms)
    : Error(status, "ManifestFetchFailed: " + url + ": " + reason + " (after " + std::to_string(took_ms) + " ms)"), url_(std::move(url)), reason_(std::move(reason)), took_ms_(took_ms) {}

Value FetchFailed::details() const {
  const Value attempt = Value::map({{"number", Value::integer(1)}, {"endpoint", Value::string(url_)}, {"error", Value::string(reason_)}, {"took_ms", Value::integer(took_ms_)}});
  return Value::map({{"code", Value::string("ManifestFetchFailed")}, {"endpoint", Value::string(url_)}, {"took_ms", Value::integer(took_ms_)}, {"attempts", Value::list({Value::share(attempt)})}});
}

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return std::string(url);
  const size_t host = scheme + 3, path = std::min(url.find('/', host), url.size()), user = url.substr(0, path).rfind('@');
  return std::string(url.substr(0, host)) + std::string(url.substr(user == url.npos || user < host ? host : user + 1));
}

Value fetch_manifest(const std::string& url, const std::string& authorization, uint64_t timeout_ms, const Log& log, Clock::time_point now) {
  static const CURLcode ready = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw Error(HEDDLE_INTERNAL, "libcurl does not start");
  const std::string key = url + '\n' + authorization;
  std::optional<Kept> kept = cache().find(key);
  const auto begun = Clock::now();
  if (kept && now - kept->checked < kFresh) return kept->manifest;
  try {
    std::optional<Kept> fetched = Fetch(url, authorization, timeout_ms).run(kept ? kept->tag : "");
    if (fetched) kept = std::move(fetched);
    kept->checked = now;
    cache().keep(key, *kept);
    return kept->manifest;
  } catch (const Failure& failed) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count();
    const FetchFailed why(failed.passes ? HEDDLE_UNAVAILABLE : HEDDLE_INVALID, shown_url(url), failed.why, took);
    if (!kept || !failed.passes) throw why;
    log.warn(std::string(why.what()) + "; the last good one is used");
    return kept->manifest;
  }
}

}  // namespace node_remote
