// OtlpExport: tells a collector the metrics of the host, every interval and once at the end.
//
// One request at a time is under way. A collector that is down, slow or refuses slows nothing: that is logged when it begins and when it is over, and tried again later,
// when the collector says or with growing waits; what was missed is in the next request, for sums and histograms are cumulative.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "lanes/errands.h"
#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/transport_handle.h"
#include "serve/otlp_settings.h"

namespace heddle {

class OtlpExport {
 public:
  // [setup] `request` makes the body of a request, on any thread. The first one is sent after one interval. `lanes` outlives it. Errors: "no-type" (no plugin has
  // the transport "http"), what the transport says.
  static Result<std::unique_ptr<OtlpExport>> open(OtlpSettings settings, const Catalog& catalog, Lanes& lanes, std::function<Value()> request);
  // [setup] Sends the last request and waits for its answer: as long as one may take, or a second where the collector did not answer well before. Not on a worker.
  ~OtlpExport();
  OtlpExport(const OtlpExport&) = delete;
  OtlpExport& operator=(const OtlpExport&) = delete;

 private:
  OtlpExport(OtlpSettings settings, Lanes& lanes, std::function<Value()> request);
  void send(uint64_t timeout_ms);
  void heard(const RemoteAnswer& answer);
  uint64_t next_ns(const RemoteAnswer& answer) const;
  void tell(const std::string& trouble, const std::string& before) const;

  const OtlpSettings settings_;
  const std::function<Value()> request_;
  std::unique_ptr<TransportHandle> transport_;
  std::unique_ptr<Channel> channel_;
  bool active_ = false;
  std::unique_ptr<Errands> errands_;  // none any more: no request is planned
  std::mutex mutex_;
  std::condition_variable quiet_;
  // Guarded by mutex_:
  bool ending_ = false, under_way_ = false;
  heddle_id call_ = 0;        // that is under way, once it is known
  uint64_t begun_ns_ = 0;     // the last request
  uint32_t failures_ = 0;     // in a row
  std::string trouble_ = {};  // what was wrong with the last answer; empty: nothing
};

}  // namespace heddle
