#include "cli/run_spans.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "log.h"

namespace heddle {
namespace {

constexpr uint64_t kMostMs = 2'000;  // that somebody in front of a terminal waits for a collector

}  // namespace

RunSpans::RunSpans(const Catalog& catalog, Lanes& lanes, std::string version) : catalog_(catalog), lanes_(lanes), version_(std::move(version)) {
  std::vector<std::string> warnings;
  settings_ = read_trace_settings([](const char* name) { return std::getenv(name); }, version_, warnings);
  for (const std::string& warning : warnings) log::write(log::Level::kWarn, "otlp", warning);
  if (!settings_) return;
  settings_->otlp.timeout_ms = std::min(settings_->otlp.timeout_ms, kMostMs);
  tracer_ = std::make_unique<Tracer>(settings_->sampler, settings_->most, settings_->batch);
}

void RunSpans::open() {
  if (!settings_) return;
  auto opened = open_span_export(*settings_, catalog_, lanes_, *tracer_, version_);
  if (opened) export_ = *std::move(opened);
  else log::write(log::Level::kWarn, "otlp", "no spans are exported: " + opened.error().text());
}

}  // namespace heddle
