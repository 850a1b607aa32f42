#include "serve/control.h"

#include <algorithm>
#include <unordered_map>

#include "serve/control_state.h"
#include "serve/members.h"
#include "serve/route.h"

namespace heddle {
namespace {

constexpr uint32_t kRetryMs = 1'000;

const Route* find_route(std::string_view name) {
  static const auto* const kByName = [] {
    auto* const all = new std::unordered_map<std::string_view, const Route*>;  // lives as long as the process: requests may come until its end
    for (const Route& route : routes()) all->emplace(route.name, &route);
    return all;
  }();
  const auto found = kByName->find(name);
  return found == kByName->end() ? nullptr : found->second;
}

// Which status a code stands for; the class decides about those that are not here.
struct CodeStatus {
  std::string_view code;
  heddle_status status;
};
constexpr CodeStatus kStatuses[] = {
    {"invalid", HEDDLE_INVALID},       {"no-type", HEDDLE_INVALID},      {"no-lane", HEDDLE_INVALID},
    {"no-job", HEDDLE_INVALID},        {"too-large", HEDDLE_INVALID},    {"no-store", HEDDLE_INVALID},
    {"not-durable", HEDDLE_INVALID},   {"unauthenticated", HEDDLE_DENIED}, {"denied", HEDDLE_DENIED},
    {"not-found", HEDDLE_NOT_FOUND},   {"conflict", HEDDLE_CONFLICT},    {"lane-full", HEDDLE_EXHAUSTED},
    {"closed", HEDDLE_UNAVAILABLE},    {"not-ready", HEDDLE_UNAVAILABLE}, {"not-written", HEDDLE_UNAVAILABLE},
    {"unsupported-media-type", HEDDLE_UNSUPPORTED}, {"method-not-allowed", HEDDLE_UNSUPPORTED},
};

// What fits no operation: who has a token learns what there is instead.
Error nothing_there(const Request& request) {
  const std::string method(request.parameter("method")), path(request.parameter("path")), allow(request.parameter("allow"));
  if (!allow.empty()) return Error("method-not-allowed", path + " knows no " + method + "; it knows " + allow);
  std::vector<std::string> paths;
  for (const Route& route : routes()) paths.emplace_back(route.path);
  return Error("not-found", "there is nothing at " + path + suggestion(path, paths));
}

}  // namespace

heddle_status status_of(const Error& error) {
  const auto found = std::find_if(std::begin(kStatuses), std::end(kStatuses), [&](const CodeStatus& row) { return row.code == error.code; });
  if (found != std::end(kStatuses)) return found->status;
  switch (error.error_class) {
    case ErrorClass::kRetryable: return HEDDLE_UNAVAILABLE;
    case ErrorClass::kConfig: return HEDDLE_INVALID;
    case ErrorClass::kCancelled: return HEDDLE_CANCELLED;
    case ErrorClass::kPermanent: break;
  }
  return HEDDLE_INTERNAL;
}

void refuse(Request& request, const Error& error) {
  const heddle_status status = status_of(error);
  request.fail(status, error, status == HEDDLE_EXHAUSTED || status == HEDDLE_UNAVAILABLE ? kRetryMs : 0);
}

Control::State::State(Host h, std::shared_ptr<const Access> a)
    : host(std::move(h)),
      errands(*host.lanes, *host.lanes->find(kOwnLane)),
      waits(*host.jobs, errands),
      streams(*host.jobs, errands),
      access_(std::move(a)) {}

Control::Control(Host host, std::shared_ptr<const Access> access) : state_(std::make_shared<State>(std::move(host), std::move(access))) {}
Control::~Control() { close_streams(); }

std::vector<Operation> Control::operations() {
  std::vector<Operation> all;
  for (const Route& route : routes()) all.push_back({std::string(route.name), std::string(route.method), std::string(route.path), route.stream});
  return all;
}

void Control::receive(Request request) {
  const auto access = state_->access();
  const Route* const route = find_route(request.operation());
  if (!route) {
    const auto known = access->check(request.token());
    return refuse(request, known ? nothing_there(request) : known.error());
  }
  if (!access->is_open(route->name)) {
    if (auto allowed = access->check(request.token(), route->scope); !allowed) return refuse(request, allowed.error());
  }
  // What is only looked at leaves no span: probes and pages would be most of them.
  if (Tracer* const tracer = state_->host.tracer; tracer && route->scope == Scope::kSubmit)
    request.record(*tracer, {std::string(route->name), std::string(route->method), std::string(route->path)});
  if (route->run) return route->run(*state_, std::move(request));
  auto answer = route->answer(*state_, request);
  if (answer) request.answer(*std::move(answer), route->answer_type);
  else refuse(request, answer.error());
}

void Control::set_access(std::shared_ptr<const Access> access) { state_->set_access(std::move(access)); }

void Control::close_streams() {
  state_->streams.close();
  state_->waits.close();
}

}  // namespace heddle
