#include "peer.h"

#include <algorithm>
#include <cctype>

#include "ascii.h"
#include "metadata.h"

namespace transport_http {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::to_view;

std::string text_of(ValueRef map, std::string_view name) {
  const auto text = map.find(name).as_text();
  return text ? std::string(*text) : std::string();
}

uint64_t number_of(ValueRef options, std::string_view name) {
  const auto n = options.find(name).as_int();
  if (!n || *n < 1) throw Error(HEDDLE_INVALID, "\"" + std::string(name) + "\" must be a number of at least 1");
  return static_cast<uint64_t>(*n);
}

Origin origin_of(ValueRef options) { return parse_origin(text_of(options, "endpoint"), options.find("tls").is(HEDDLE_MAP)); }

TlsContext tls_of(ValueRef tls, const Origin& origin) {
  return origin.secure ? load_client_tls({text_of(tls, "ca"), text_of(tls, "certificate"), text_of(tls, "key")}) : nullptr;
}

// Those are ours to say.
constexpr std::string_view kOurs[] = {"host",       "connection", "content-length",  "content-type", "transfer-encoding", "traceparent", "tracestate",
                                      "keep-alive", "expect",     "accept-encoding", "upgrade",      "te",                "trailer"};

Parameters headers_of(ValueRef headers) {
  Parameters list;
  for (size_t i = 0; i < headers.size(); ++i) {
    std::string_view name;
    const auto text = headers.at(i, &name).as_text();
    const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), fits) || !text || !is_printable(*text))
      throw Error(HEDDLE_INVALID, "the header \"" + std::string(name) + "\" is none: letters, digits and '-', and printable ASCII");
    const std::string known = lower(name);
    if (std::find(std::begin(kOurs), std::end(kOurs), known) != std::end(kOurs) || known.starts_with(kMetadataPrefix))
      throw Error(HEDDLE_INVALID, "the header \"" + std::string(name) + "\" is the transport's own");
    list.emplace_back(name, *text);
  }
  return list;
}

void append_encoded(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) out += c;
    else out.append({'%', kHex[u >> 4], kHex[u & 15]});
  }
}

// Parameters that are in the path fill it, the others are the query.
std::string target_of(const Route& route, ValueRef parameters, const std::string& prefix) {
  std::string target = prefix;
  std::vector<std::string_view> in_path;
  for (const std::string& segment : route.segments) {
    target += '/';
    if (!is_parameter(segment)) {
      append_encoded(segment, target);
      continue;
    }
    const std::string_view name = in_path.emplace_back(std::string_view(segment).substr(1, segment.size() - 2));
    const auto text = parameters.find(name).as_text();
    if (!text || text->empty()) throw Error(HEDDLE_INVALID, route.operation + " needs the parameter \"" + std::string(name) + "\"");
    if (*text == "." || *text == "..")
      throw Error(HEDDLE_INVALID, route.operation + ": \"" + std::string(*text) + "\" cannot be the parameter \"" + std::string(name) + "\"");
    append_encoded(*text, target);
  }
  char separator = '?';
  for (size_t i = 0; i < parameters.size(); ++i) {
    std::string_view name;
    const auto text = parameters.at(i, &name).as_text();
    if (!text) throw Error(HEDDLE_INVALID, route.operation + ": the parameter \"" + std::string(name) + "\" is no text");
    if (std::find(in_path.begin(), in_path.end(), name) != in_path.end()) continue;
    target += std::exchange(separator, '&');
    append_encoded(name, target);
    target += '=';
    append_encoded(*text, target);
  }
  return target;
}

// What a call says beside its operation; its token goes before a header of the channel.
void add_headers(const heddle_request& r, Parameters& headers) {
  const auto add = [&](std::string name, std::string text) {
    if (!is_printable(text)) throw Error(HEDDLE_INVALID, name + ": its text has characters that no header takes");
    headers.emplace_back(std::move(name), std::move(text));
  };
  if (r.token.len) {
    std::erase_if(headers, [](const auto& header) { return lower(header.first) == "authorization"; });
    add("Authorization", "Bearer " + std::string(to_view(r.token)));
  }
  if (r.trace.len) add("traceparent", std::string(to_view(r.trace)));
  const heddle_request* const given = &r;
  if (HEDDLE_HAS(given, trace_state.len)) add("tracestate", std::string(to_view(r.trace_state)));
  const ValueRef metadata(HEDDLE_HAS(given, metadata) ? r.metadata : nullptr);
  for (size_t i = 0; i < metadata.size(); ++i) {
    std::string_view name;
    const auto text = metadata.at(i, &name).as_text();
    if (text) add(std::string(kMetadataPrefix).append(name), std::string(*text));
  }
}

}  // namespace

Peer::Peer(ValueRef options)
    : origin(origin_of(options)),
      routes(options.find("operations")),
      tls(tls_of(options.find("tls"), origin)),
      server_name(text_of(options.find("tls"), "server_name")),
      headers(headers_of(options.find("headers"))),
      connect_ms(number_of(options, "connect_ms")),
      most_body_bytes(number_of(options, "most_body_bytes")) {
  if (server_name.empty()) server_name = origin.host;
}

Asked Peer::asked(const heddle_request& r) const {
  Asked asked;
  asked.body = Value::adopt(r.body);
  asked.id = r.exchange;
  asked.operation = to_view(r.operation);
  const Route* const route = routes.named(asked.operation);
  if (!route) throw Error(HEDDLE_INVALID, "the channel to " + origin.endpoint() + " knows no operation \"" + asked.operation + "\"");
  if (r.more) throw Error(HEDDLE_UNSUPPORTED, asked.operation + ": a request in parts cannot be sent over HTTP/1.1 here");
  if (asked.body && route->method == "GET") throw Error(HEDDLE_INVALID, asked.operation + " is a GET, which has no body");
  asked.method = route->method;
  asked.streams = route->stream;
  asked.target = target_of(*route, ValueRef(r.parameters), origin.prefix);
  asked.content_type = r.content_type.len ? to_view(r.content_type) : "application/json";
  asked.deadline_ns = r.deadline_ns ? r.deadline_ns : kNever;
  asked.credit = r.credit;
  asked.headers = headers;
  add_headers(r, asked.headers);
  const auto has_key = [](const auto& header) { return header.first == "heddle-idempotency-key"; };
  asked.can_repeat = (route->method != "POST" && route->method != "PATCH") || std::any_of(asked.headers.begin(), asked.headers.end(), has_key);
  return asked;
}

Asked Peer::health() const {
  Asked asked;
  asked.operation = "health";
  asked.method = "GET";
  asked.target = origin.prefix + "/health";
  asked.headers = headers;
  asked.deadline_ns = in_ms(connect_ms);
  asked.can_repeat = true;
  return asked;
}

}  // namespace transport_http
