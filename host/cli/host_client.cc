#include "cli/host_client.h"

#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "cli/trace_environment.h"
#include "clock.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr long kConnectMs = 5'000;
constexpr size_t kMostBytes = size_t{256} << 20;  // of an answer that is kept whole

// What comes back while a request runs.
struct Reception {
  HostClient::Bytes stream;  // empty: the answer is kept whole
  std::string text;
  std::string content_type;
  uint64_t retry_after_s = 0;
  bool ok = false;  // the status is 2xx
  bool enough = false, too_much = false;

  bool take(std::string_view bytes) {
    if (stream && ok) {
      enough = !stream(bytes);
      return !enough;
    }
    too_much = text.size() + bytes.size() > kMostBytes;
    if (!too_much) text.append(bytes);
    return !too_much;
  }

  void header(std::string_view line) {
    if (line.starts_with("HTTP/")) ok = line.find(" 2") == line.find(' ');
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    const auto is = [&](std::string_view name) { return name.size() == colon && ::strncasecmp(line.data(), name.data(), colon) == 0; };
    if (is("content-type")) content_type = value.substr(0, value.find_first_of(";\r\n"));
    if (is("retry-after")) std::from_chars(value.data(), value.data() + value.size(), retry_after_s);
  }
};

size_t on_bytes(char* data, size_t, size_t size, void* to) { return static_cast<Reception*>(to)->take({data, size}) ? size : size + 1; }

size_t on_header(char* data, size_t, size_t size, void* to) {
  static_cast<Reception*>(to)->header({data, size});
  return size;
}

std::string text_at(const Value& map, const char* key) { return std::string(map.find(key).as_text().value_or("")); }

ErrorClass class_named(std::string_view name) {
  for (const ErrorClass c : {ErrorClass::kRetryable, ErrorClass::kConfig, ErrorClass::kCancelled}) {
    if (name_of(c) == name) return c;
  }
  return ErrorClass::kPermanent;
}

ExitCode exit_code_for(int status) {
  switch (status) {
    case 401: case 403: return ExitCode::kNotTrusted;
    case 408: case 429: case 503: case 504: return ExitCode::kTryLater;
    case 409: return ExitCode::kFailed;
    default: return status >= 500 ? ExitCode::kFailed : ExitCode::kUsage;
  }
}

}  // namespace

struct HostClient::Connection {
  Connection(HostAddress to, int stop) : address(std::move(to)), stop_fd(stop) {
    ::curl_global_init(CURL_GLOBAL_DEFAULT);
    easy = ::curl_easy_init();
    multi = ::curl_multi_init();
  }
  ~Connection() {
    ::curl_multi_cleanup(multi);
    ::curl_easy_cleanup(easy);
    ::curl_slist_free_all(headers);
    ::curl_global_cleanup();
  }

  HostAnswer ask(const char* method, const std::string& path, const Value& body, uint64_t timeout_ms, Bytes bytes);
  void set_up(const char* method, const std::string& path, const Value& body, uint64_t timeout_ms, Reception& reception);
  // Runs the request to its end. Empty: it was stopped.
  std::optional<CURLcode> run();
  HostAnswer answered(Reception& reception) const;
  HostAnswer not_reached(CURLcode result, uint64_t timeout_ms, bool streaming) const;

  const HostAddress address;
  const int stop_fd;
  CURL* easy = nullptr;
  CURLM* multi = nullptr;
  curl_slist* headers = nullptr;
  std::string body_text;
  std::array<char, CURL_ERROR_SIZE> reason{};  // of the last failure, in curl's words
};

void HostClient::Connection::set_up(const char* method, const std::string& path, const Value& body, uint64_t timeout_ms, Reception& reception) {
  ::curl_easy_reset(easy);
  ::curl_slist_free_all(headers);
  headers = nullptr;
  body_text = body ? body.json() : "";
  headers = ::curl_slist_append(headers, "Expect:");  // a body goes out at once
  if (!address.token.empty()) headers = ::curl_slist_append(headers, ("Authorization: Bearer " + address.token).c_str());
  if (const auto trace = trace_of_environment()) {
    headers = ::curl_slist_append(headers, ("traceparent: " + trace->traceparent()).c_str());
    if (!trace->state.empty()) headers = ::curl_slist_append(headers, ("tracestate: " + trace->state).c_str());
  }
  headers = ::curl_slist_append(headers, body ? "Content-Type: application/json" : "Content-Type:");  // curl's own would be that of a form
  ::curl_easy_setopt(easy, CURLOPT_URL, (address.url + path).c_str());
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(easy, CURLOPT_PROXY, "");  // the host is on this machine or in its own network
  if (!address.ca_file.empty()) ::curl_easy_setopt(easy, CURLOPT_CAINFO, address.ca_file.c_str());
  ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason.data());
  reason[0] = 0;
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  ::curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, &reception);
  ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, &reception);
  if (std::strcmp(method, "GET") == 0) return;
  ::curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  if (!body && std::strcmp(method, "DELETE") == 0) return;
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_text.size()));
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body_text.c_str());
}

std::optional<CURLcode> HostClient::Connection::run() {
  ::curl_multi_add_handle(multi, easy);
  std::optional<CURLcode> result;
  for (int running = 1; running > 0;) {
    ::curl_multi_perform(multi, &running);
    int left = 0;
    if (const CURLMsg* const message = ::curl_multi_info_read(multi, &left)) {
      result = message->data.result;
      break;
    }
    curl_waitfd stop{stop_fd, CURL_WAIT_POLLIN, 0};
    ::curl_multi_poll(multi, &stop, stop_fd >= 0 ? 1 : 0, 60'000, nullptr);
    if (stop.revents) break;
  }
  ::curl_multi_remove_handle(multi, easy);
  return result;
}

HostAnswer HostClient::Connection::not_reached(CURLcode result, uint64_t timeout_ms, bool streaming) const {
  const std::string host = "the host at " + address.url;
  long status = 0, why = 0;
  double connected = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  ::curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &why);
  ::curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME, &connected);
  const std::string reason_text = why ? std::strerror(static_cast<int>(why)) : reason[0] ? reason.data() : ::curl_easy_strerror(result);
  HostAnswer answer;
  answer.code = ExitCode::kUnreachable;
  const auto say = [&](const char* code, const std::string& text) {
    answer.error = Error(code, text, ErrorClass::kRetryable);
    return answer;
  };
  if (streaming && status != 0) return say("host-gone", host + " has ended the connection: it stops, or has stopped");
  if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
    return say("not-believed", host + " does not prove who it is: " + reason_text + "; whom to believe: --ca-file FILE, or HEDDLE_CA_FILE");
  if (connected == 0)
    return say("unreachable", "cannot reach " + host + ": " + reason_text + "; is `heddle serve` running there? (another address: --host URL, or HEDDLE_HOST)");
  if (result == CURLE_OPERATION_TIMEDOUT)
    return say("no-answer", host + " does not answer within " + std::to_string(timeout_ms / 1000) + " s: it may hang, or something between drops what is sent");
  return say("no-answer", host + " has ended the connection without an answer: " + reason_text);
}

HostAnswer HostClient::Connection::answered(Reception& reception) const {
  HostAnswer answer;
  long status = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  answer.text = std::move(reception.text);
  if (reception.content_type == "application/json") {
    if (Result<Value> body = Value::parse(answer.text)) answer.body = std::move(*body);
  }
  if (reception.ok) {
    if (answer.text.empty() || answer.body || reception.content_type == "text/plain") return answer;
  } else if (const Value error = answer.body.find("error")) {
    std::string message = text_at(error, "message");
    if (reception.retry_after_s) message += " (try again in " + std::to_string(reception.retry_after_s) + " s)";
    answer.error = Error(text_at(error, "code"), std::move(message), class_named(text_at(error, "class")));
    answer.code = exit_code_for(answer.status);
    return answer;
  }
  answer.code = ExitCode::kUnreachable;
  answer.error = Error("no-heddle-host", "what answers at " + address.url + " is no heddle host: HTTP " + std::to_string(status) + ", " +
                                             (reception.content_type.empty() ? "no content type" : reception.content_type) + "; another address: --host URL, or HEDDLE_HOST");
  return answer;
}

HostAnswer HostClient::Connection::ask(const char* method, const std::string& path, const Value& body, uint64_t timeout_ms, Bytes bytes) {
  Reception reception;
  reception.stream = std::move(bytes);
  set_up(method, path, body, timeout_ms, reception);
  const std::optional<CURLcode> result = run();
  HostAnswer answer;
  if (!result) {
    answer.code = ExitCode::kInterrupted;
    answer.error = Error("interrupted", "interrupted", ErrorClass::kCancelled);
  } else if (reception.too_much) {
    answer.code = ExitCode::kFailed;
    answer.error = Error("too-large", "the host at " + address.url + " answers with more than " + std::to_string(kMostBytes >> 20) + " MiB to " + path);
  } else if (reception.enough) {
    return answer;
  } else if (*result != CURLE_OK || (reception.stream && reception.ok)) {
    return not_reached(*result, timeout_ms, static_cast<bool>(reception.stream));
  } else {
    return answered(reception);
  }
  return answer;
}

HostClient::HostClient(HostAddress address, int stop_fd) : connection_(std::make_unique<Connection>(std::move(address), stop_fd)) {}
HostClient::~HostClient() = default;

HostAnswer HostClient::get(const std::string& path, uint64_t timeout_ms) { return connection_->ask("GET", path, {}, timeout_ms, nullptr); }
HostAnswer HostClient::post(const std::string& path, const Value& body, uint64_t timeout_ms) { return connection_->ask("POST", path, body, timeout_ms, nullptr); }
HostAnswer HostClient::patch(const std::string& path, const Value& body) { return connection_->ask("PATCH", path, body, kTimeoutMs, nullptr); }
HostAnswer HostClient::remove(const std::string& path) { return connection_->ask("DELETE", path, {}, kTimeoutMs, nullptr); }
HostAnswer HostClient::stream(const std::string& path, Bytes bytes) { return connection_->ask("GET", path, {}, 0, std::move(bytes)); }
const HostAddress& HostClient::address() const { return connection_->address; }

}  // namespace heddle
