// OtlpExport: tells a collector the metrics of the host, or its spans, every interval and once at the end.
//
// One request at a time is under way. A collector that is down, slow or refuses slows nothing: that is logged when it begins and when it is over, and tried again later,
// when the collector says or with growing waits.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "lanes/errands.h"
#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/transport_handle.h"
#include "serve/otlp_settings.h"

namespace heddle {

// What is told. One call at a time, on any thread.
class OtlpSource {
 public:
  virtual ~OtlpSource() = default;
  virtual std::string_view words() const = 0;  // "metrics"
  // The body of a request; empty: there is nothing to tell.
  virtual Value next() = 0;
  // What next() gave has been told, or never will be. Where it is worth another try, next() is called again instead.
  virtual void over(bool told) = 0;
  // [any] Whether the next request is due before its time; at the end: whether there is more to tell.
  virtual bool is_due() const = 0;
  virtual bool has_more() const = 0;
};

class OtlpExport {
 public:
  // [setup] The first request is sent after one interval. `lanes` outlives it. Errors: "no-type" (no plugin has the transport "http"), what the transport says.
  static Result<std::unique_ptr<OtlpExport>> open(OtlpSettings settings, const Catalog& catalog, Lanes& lanes, std::unique_ptr<OtlpSource> source);
  // [setup] Sends what is left and waits for the answer: as long as one request may take, or a second where the collector did not answer well before. Not on a worker.
  ~OtlpExport();
  OtlpExport(const OtlpExport&) = delete;
  OtlpExport& operator=(const OtlpExport&) = delete;

  // [any] The source is due: its next request need not wait for its time. Never blocks.
  void hurry();

 private:
  OtlpExport(OtlpSettings settings, Lanes& lanes, std::unique_ptr<OtlpSource> source);
  void plan(uint64_t at_ns);
  void send(uint64_t timeout_ms);
  void send_rest(uint64_t timeout_ms);
  void wait_until_quiet();
  void heard(const RemoteAnswer& answer);
  uint64_t next_ns(const RemoteAnswer& answer) const;
  void tell(const std::string& trouble, const std::string& before) const;

  const OtlpSettings settings_;
  std::unique_ptr<TransportHandle> transport_;
  std::unique_ptr<Channel> channel_;
  bool active_ = false;
  std::unique_ptr<Errands> errands_;  // none any more: no request is planned
  std::mutex mutex_;
  std::condition_variable quiet_;
  // Guarded by mutex_:
  bool ending_ = false, under_way_ = false;
  Errands::Id planned_ = 0;   // the next request, until it begins
  heddle_id call_ = 0;        // that is under way, once it is known
  uint64_t begun_ns_ = 0;     // the last request
  uint32_t failures_ = 0;     // in a row
  std::string trouble_ = {};  // what was wrong with the last answer; empty: nothing

  const std::unique_ptr<OtlpSource> source_;  // goes first: until then it may say that it is due
};

}  // namespace heddle
