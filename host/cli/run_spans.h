// RunSpans: the spans of `heddle run`, told to the collector that the environment names, if it does. What is wrong with that is logged, and the run is as it is without.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "serve/otlp_sources.h"

namespace heddle {

class RunSpans {
 public:
  RunSpans(const Catalog& catalog, Lanes& lanes, std::string version);
  Tracer* tracer() { return tracer_.get(); }  // null: nobody wants them
  // [setup] Once the run has begun: so its first results wait for nothing. Until then, and while nobody can be reached, the spans wait.
  void open();
  // [setup] After the run: tells what there is, within a limit.
  void close() { export_.reset(); }

 private:
  const Catalog& catalog_;
  Lanes& lanes_;
  const std::string version_;
  std::optional<TraceSettings> settings_;
  std::unique_ptr<Tracer> tracer_;
  std::unique_ptr<OtlpExport> export_;
};

}  // namespace heddle
