#include "head.h"

#include <algorithm>
#include <charconv>

#include "ascii.h"
#include "clock.h"
#include "metadata.h"

namespace transport_http {
namespace {

std::optional<uint64_t> number(const std::string& text) {
  uint64_t n = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  return failed == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(n) : std::nullopt;
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

// Anything but a bearer token is none.
std::string bearer(const httplib::Request& request) {
  const std::string header = request.get_header_value("Authorization");
  if (request.get_header_value_count("Authorization") != 1 || lower(header.substr(0, 7)) != "bearer ") return {};
  const size_t begin = header.find_first_not_of(' ', 7);
  std::string token = begin == header.npos ? std::string() : header.substr(begin);
  return is_visible(token) ? token : std::string();
}

// One that is there twice is as good as none; the host judges what it says.
std::string trace_of(const httplib::Request& request) {
  return request.get_header_value_count("traceparent") == 1 ? request.get_header_value("traceparent") : std::string();
}

// A list that may be said in several fields.
std::string list_of(const httplib::Request& request, const char* field) {
  std::string list;
  for (size_t i = 0; i < request.get_header_value_count(field); ++i) list.append(i ? "," : "").append(request.get_header_value(field, i));
  return list;
}

void refuse(Head& head, int http, std::string message, bool close = false) {
  if (head.refused) return;
  head.refused = refusal(http, std::move(message));
  head.close = close;
}

// Whether there is a body and where it ends. What can be read in two ways is refused: two servers might read it differently.
void judge_framing(const httplib::Request& request, uint64_t most, Head& head) {
  const size_t lengths = request.get_header_value_count("Content-Length");
  const size_t encodings = request.get_header_value_count("Transfer-Encoding");
  if (lengths + encodings > 1) return refuse(head, 400, "the request says more than once how long its body is", true);
  uint64_t length = 0;
  if (lengths == 1) {
    const auto said = number(request.get_header_value("Content-Length"));
    if (!said) return refuse(head, 400, "the Content-Length is no number", true);
    length = *said;
  }
  if (encodings == 1 && lower(request.get_header_value("Transfer-Encoding")) != "chunked")
    return refuse(head, 501, "of transfer encodings, only chunked is understood", true);
  head.has_body = length > 0 || encodings == 1;
  if (!head.has_body) return;
  const std::string& method = request.method;
  if (method == "DELETE" && encodings == 1) return refuse(head, 411, "a DELETE with a body needs a Content-Length", true);
  if (method != "POST" && method != "PUT" && method != "PATCH" && method != "DELETE") return refuse(head, 400, "a " + method + " has no body here", true);
  if (length > most)
    return refuse(head, 413, "the body has " + std::to_string(length) + " bytes, at most " + std::to_string(most) + " are taken", true);
  const std::string encoding = lower(request.get_header_value("Content-Encoding"));
  if (!encoding.empty() && encoding != "identity") refuse(head, 415, "a body with a content encoding is not taken", true);
}

void judge_headers(const httplib::Request& request, Head& head) {
  const size_t hosts = request.get_header_value_count("Host");
  if (hosts > 1 || (hosts == 0 && request.version == "HTTP/1.1")) refuse(head, 400, "the request needs one Host", true);
  std::string type = lower(request.get_header_value("Content-Type"));
  type = type.substr(0, type.find_first_of("; \t"));
  if (!is_visible(type)) refuse(head, 415, "the Content-Type is none", head.has_body);
  head.content_type = std::move(type);
  head.token = bearer(request);
  head.trace = trace_of(request);
  head.trace_state = list_of(request, "tracestate");
  head.accept = list_of(request, "Accept");
  auto said = read_metadata(request.headers);
  if (said.refused) return refuse(head, said.refused->http, said.refused->message, head.has_body);
  head.metadata = std::move(said.metadata);
  if (!request.has_header(kTimeoutHeader)) return;
  const auto ms = number(request.get_header_value(kTimeoutHeader));
  if (!ms || *ms == 0 || *ms > kMostTimeoutMs) return refuse(head, 400, "Heddle-Timeout-Ms must be a number from 1 to 86400000", head.has_body);
  head.deadline_ns = in_ms(*ms);
}

// What fits no operation, for the host to judge.
Parameters unknown(const httplib::Request& request, const Target& target, const std::string& allow) {
  std::string path;
  for (const std::string& segment : target.segments) path.append("/").append(segment);
  return {{"method", request.method}, {"path", path}, {"allow", allow}};
}

void judge_target(const httplib::Request& request, const Offer& offer, Head& head) {
  if (request.method == "OPTIONS" && request.target == "*") {
    head.options = true;
    head.allow = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
    return;
  }
  TargetOrError parsed = parse_target(request.target);
  if (!parsed.target) return refuse(head, 400, std::move(parsed.error), head.has_body);
  Routes::Match match = offer.routes.find(request.method, parsed.target->segments);
  head.allow = std::move(match.allow);
  if (!match.route && !offer.otherwise.empty()) {
    head.operation = offer.otherwise;
    head.parameters = unknown(request, *parsed.target, head.allow);
    return;
  }
  if (!head.allow.empty()) head.allow += ", OPTIONS";
  head.options = request.method == "OPTIONS" && !head.allow.empty();
  if (head.options) return;
  if (!match.route && head.allow.empty()) return refuse(head, 404, "there is nothing at this path", head.has_body);
  if (!match.route) return refuse(head, 405, "the path knows no " + request.method + "; it knows " + head.allow, head.has_body);
  head.operation = match.route->operation;
  head.parameters = std::move(match.parameters);
  for (auto& asked : parsed.target->query) {
    const bool in_path = std::any_of(head.parameters.begin(), head.parameters.end(), [&](const auto& p) { return p.first == asked.first; });
    if (in_path) return refuse(head, 400, "the parameter " + asked.first + " is in the path already", head.has_body);
    head.parameters.push_back(std::move(asked));
  }
  // What a browser says when a stream of events has broken off, and it comes again.
  const std::string last = request.get_header_value("Last-Event-ID");
  const bool is_said = std::any_of(head.parameters.begin(), head.parameters.end(), [](const auto& p) { return p.first == "last-event-id"; });
  if (match.route->stream && request.method == "GET" && !last.empty() && !is_said && is_utf8(last)) head.parameters.emplace_back("last-event-id", last);
}

}  // namespace

Head judge(const httplib::Request& request, const Offer& offer, const Site& site) {
  Head head;
  judge_framing(request, offer.body_bytes, head);
  judge_headers(request, head);
  if (std::string why = site.objection(request); !why.empty()) refuse(head, 403, std::move(why), head.has_body);
  if (!head.refused) judge_target(request, offer, head);
  return head;
}

}  // namespace transport_http
