#include "serve/otlp_sources.h"

#include <utility>
#include <vector>

#include "clock.h"

namespace heddle {
namespace {

class MetricsSource : public OtlpSource {
 public:
  explicit MetricsSource(std::function<Value()> metrics) : metrics_(std::move(metrics)) {}
  std::string_view words() const override { return "metrics"; }
  Value next() override { return metrics_(); }
  void over(bool) override {}
  bool is_due() const override { return false; }
  bool has_more() const override { return false; }

 private:
  const std::function<Value()> metrics_;
};

class SpansSource : public OtlpSource {
 public:
  SpansSource(Tracer& tracer, ResourceAttributes resource, std::string version)
      : tracer_(tracer), resource_(std::move(resource)), version_(std::move(version)), zero_ns_(wall_ns() - now_ns()) {}
  ~SpansSource() override { tracer_.on_enough(nullptr); }
  std::string_view words() const override { return "spans"; }
  Value next() override {
    if (batch_.empty()) batch_ = tracer_.take();
    return batch_.empty() ? Value() : otlp_spans(batch_, resource_, version_, zero_ns_);
  }
  void over(bool told) override {
    if (!told) tracer_.lost(batch_.size());
    batch_.clear();
  }
  bool is_due() const override { return tracer_.waiting() >= tracer_.batch(); }
  bool has_more() const override { return tracer_.waiting() > 0; }

 private:
  Tracer& tracer_;
  const ResourceAttributes resource_;
  const std::string version_;
  const uint64_t zero_ns_;  // the same for all, so that spans fit together even if somebody sets the clock
  std::vector<TraceSpan> batch_;
};

}  // namespace

std::unique_ptr<OtlpSource> metrics_source(std::function<Value()> metrics) { return std::make_unique<MetricsSource>(std::move(metrics)); }

std::unique_ptr<OtlpSource> spans_source(Tracer& tracer, ResourceAttributes resource, std::string version) {
  return std::make_unique<SpansSource>(tracer, std::move(resource), std::move(version));
}

Result<std::unique_ptr<OtlpExport>> open_span_export(const TraceSettings& settings, const Catalog& catalog, Lanes& lanes, Tracer& tracer, std::string version) {
  auto opened = OtlpExport::open(settings.otlp, catalog, lanes, spans_source(tracer, settings.otlp.resource, std::move(version)));
  if (opened) tracer.on_enough([raw = opened->get()] { raw->hurry(); });
  return opened;
}

}  // namespace heddle
