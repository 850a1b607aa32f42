#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/members.h"
#include "serve/metrics.h"
#include "serve/openapi.h"
#include "value/json_value.h"

namespace heddle {
namespace {

std::string version_of(const Value& host) {
  const Value version = host.find("version");
  return std::string(version ? version.as_text().value_or("") : "");
}

}  // namespace

Result<Value> tell_health(Control::State&, const Request&) { return json_object({{"status", json_text("ok")}}); }

Result<Value> tell_ready(Control::State& control, const Request&) {
  const Result<void> ready = control.host.ready ? control.host.ready() : Result<void>();
  if (!ready) return Error("not-ready", ready.error().text(), ErrorClass::kRetryable);
  return json_object({{"status", json_text("ready")}});
}

Result<Value> tell_metrics(Control::State& control, const Request&) {
  const Value host = control.host.describe();
  const Value started = host.find("started_ms");
  return json_text(metrics_text(metrics_of(*control.host.lanes, *control.host.jobs, *control.host.outside, version_of(host), started ? static_cast<uint64_t>(started.as_int().value_or(0)) : 0,
                                           control.host.tracer, control.host.workers)));
}

Result<Value> tell_openapi(Control::State& control, const Request&) { return openapi_document(version_of(control.host.describe())); }

Result<Value> tell_host(Control::State& control, const Request&) { return control.host.describe(); }

void reload(Control::State& control, Request request) {
  if (control.reloading.exchange(true)) return refuse(request, Error("conflict", "a reload is under way: ask again when it is over", ErrorClass::kRetryable));
  const auto asked = std::make_shared<Request>(std::move(request));  // a std::function wants to be copied
  control.errands.run([&control, asked] {
    auto done = control.host.reload();
    control.reloading = false;
    if (done) asked->answer(*std::move(done));
    else if (done.error().error_class == ErrorClass::kRetryable) refuse(*asked, done.error());
    else refuse(*asked, Error("invalid", done.error().text(), ErrorClass::kConfig));
  });
}

void watch_events(Control::State& control, Request request) {
  Members fields = Members::of_parameters(request.parameters());
  EventFilter filter;
  filter.prefix = fields.text("prefix", 0).value_or("");
  filter.lane = fields.text("lane").value_or("");
  filter.job = fields.count("job", 1, INT64_MAX).value_or(0);
  const uint64_t last = fields.count("last-event-id", 0, INT64_MAX).value_or(0);
  if (auto read = fields.end(); !read) return refuse(request, read.error());
  control.streams.open(std::move(filter), last, std::move(request));
}

}  // namespace heddle
