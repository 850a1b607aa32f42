#include "plugin/peer_spans.h"

#include <algorithm>
#include <charconv>

namespace heddle {
namespace {

// "127.0.0.1:8080", "[::1]:8080", "https://there.example/below".
void add_address(TraceSpan& span, std::string_view address) {
  const size_t scheme = address.find("://");
  if (scheme != address.npos) address.remove_prefix(scheme + 3);
  address = address.substr(0, address.find('/'));
  const size_t colon = address.rfind(':');
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  int64_t port = 0;
  if (colon != address.npos) std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  span.attributes.emplace_back("server.address", std::string(host));
  if (port) span.attributes.emplace_back("server.port", port);
}

void end(Tracer& tracer, TraceSpan& span, const Error* failure) {
  span.end_ns = now_ns();
  if (failure) {
    span.attributes.emplace_back("error.type", failure->code);
    span.error = failure->text();
  }
  tracer.add(std::move(span));
}

}  // namespace

void add_operation(TraceSpan& span, const std::string& transport, const Operation& operation, const char* path_attribute) {
  if (transport == "http" && !operation.method.empty()) {
    span.name = operation.method + " " + operation.path;
    span.attributes.emplace_back("http.request.method", operation.method);
    span.attributes.emplace_back(path_attribute, operation.path);
    return;
  }
  span.name = operation.name;
  span.attributes.emplace_back("rpc.system", transport);
  span.attributes.emplace_back("rpc.method", operation.name);
}

PeerSpans::PeerSpans(const PeerSettings& settings, const PeerRequest& request)
    : settings_(settings), request_(request), tracer_(request.call.trace && request.call.trace->sampled ? request.tracer : nullptr) {
  if (!tracer_) return;
  call_ = {.context = child_of(*request.call.trace), .parent = request.call.trace->span, .name = "call " + request.call.operation, .begin_ns = now_ns()};
  for (const auto& [name, text] : request.call.parameters)
    if (name == "name") call_.attributes.emplace_back("heddle.pipeline", text);
}

std::optional<TraceContext> PeerSpans::begin_attempt(uint32_t number, const std::string& address) {
  if (!tracer_) return request_.call.trace;
  TraceSpan span{.context = child_of(call_.context), .parent = call_.context.span, .kind = TraceSpan::Kind::kClient, .begin_ns = now_ns()};
  const auto asked = std::find_if(settings_.operations.begin(), settings_.operations.end(), [&](const Operation& one) { return one.name == request_.call.operation; });
  add_operation(span, settings_.transport, asked == settings_.operations.end() ? Operation{.name = request_.call.operation, .method = {}, .path = {}} : *asked, "url.template");
  add_address(span, address);
  span.attributes.emplace_back("heddle.attempt", int64_t{number});
  return attempts_.insert_or_assign(number, std::move(span)).first->second.context;
}

void PeerSpans::end_attempt(uint32_t number, const Error* failure) {
  const auto found = attempts_.find(number);
  if (found == attempts_.end()) return;
  end(*tracer_, found->second, failure);
  attempts_.erase(found);
}

void PeerSpans::end_call(const std::string& endpoint, std::string_view ending, const Error* failure) {
  if (!tracer_ || std::exchange(ended_, true)) return;
  call_.attributes.emplace_back("heddle.ending", std::string(ending));
  if (!endpoint.empty()) call_.attributes.emplace_back("heddle.endpoint", endpoint);
  end(*tracer_, call_, failure);
}

}  // namespace heddle
