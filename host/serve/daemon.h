// Daemon: a running host: plugins, lanes, jobs and their store, pipelines, and the listeners through which it is asked. From start to the last signal.
#pragma once
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lanes/jobs.h"
#include "plugin/catalog.h"
#include "plugin/outside.h"
#include "plugin/store_handle.h"
#include "serve/chain_workers.h"
#include "serve/config.h"
#include "serve/control.h"
#include "serve/job_store.h"
#include "serve/listener.h"
#include "serve/notify.h"
#include "serve/otlp_sources.h"
#include "serve/sent_manifests.h"
#include "serve/served_pipelines.h"
#include "serve/signals.h"

namespace heddle {

class Daemon {
 public:
  struct Settings {
    ServeConfig config = {};
    // The configuration as it is now, for a reload. Its error says everything that is wrong.
    std::function<Result<ServeConfig>()> read_again = nullptr;
    std::string version = {};
  };
  // Blocks the signals that it waits for: to be made before the first thread.
  explicit Daemon(Settings settings);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Everything in order, until it can be asked. What fails is undone.
  Result<void> start();
  struct Endpoint {
    std::string transport, endpoint;
  };
  std::vector<Endpoint> endpoints() const;
  // Whether a thread is still inside of a plugin: the process must end by _exit.
  bool leaves_threads() const { return lanes_ && lanes_->abandoned() > 0; }

  // Until a signal ends it: SIGHUP reloads, SIGTERM and SIGINT drain, a second one ends the process at once. The listeners are closed and the store is, too, when it returns. False: some
  // thread is still inside of a plugin, and the process must end by _exit.
  bool run();

 private:
  struct Reload {
    std::promise<Result<Value>> answer;
  };
  // start
  Result<void> open_store();
  void start_jobs();
  Result<void> restore_jobs();
  void open_span_export();
  void open_metrics_export();
  void tell_warnings(size_t from) const;
  Result<void> open_listeners();
  // reload
  Result<Value> reload();                                    // on the thread of run()
  Result<Value> apply(const ServeConfig& next);
  Result<Value> ask_to_reload();                             // [any] and waits
  Result<std::vector<std::unique_ptr<Listener>>> open_new(const ServeConfig& next, const Catalog& catalog);
  struct Turnover;  // of listeners
  Turnover replace_listeners(const ServeConfig& next, std::vector<std::unique_ptr<Listener>> opened);
  void finish_reload();  // once its answer is out: that may go through a listener that is to change
  struct Changing {
    std::unique_ptr<Listener> there;  // has to close first: both want the same port
    ListenSettings wanted;
  };
  void change_listener(Changing one);
  std::vector<std::string> apply_lanes(const ServeConfig& before, const ServeConfig& next);
  void offer_pipelines_as_jobs();
  void warn_of_lost_state() const;
  std::shared_ptr<const Catalog> scanned(const ServeConfig& config) const;
  void use(std::shared_ptr<const Catalog> catalog);
  // stop
  void shut_down();
  void take_down();
  void answer_reloads();
  void refuse_reloads();

  Value describe() const;
  std::shared_ptr<const Catalog> catalog() const;  // [any]
  Result<void> ready() const;
  std::string status() const;
  Receive receiver() const;
  void ring();

  Signals signals_;
  const Supervisor supervisor_;
  const std::function<Result<ServeConfig>()> read_again_;
  const std::string version_;
  const uint64_t started_ms_;
  ServeConfig config_;  // in force; of the thread that made the daemon
  std::shared_ptr<const Catalog> catalog_;  // as config_; who changes it, and whoever else reads it, holds mutex_
  std::unique_ptr<Lanes> lanes_;
  std::vector<std::string> warnings_;  // of OTEL_* in the environment: those that were told
  std::unique_ptr<Tracer> tracer_;  // none: nobody wants the spans
  std::unique_ptr<Outside> outside_;
  std::unique_ptr<StoreHandle> store_;
  bool store_durable_ = false;
  std::unique_ptr<ServedPipelines> pipelines_;
  std::unique_ptr<SentManifests> sent_;
  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<ChainWorkers> workers_;
  std::unique_ptr<OtlpExport> export_, span_export_;  // none: nobody wants the metrics, or the spans, or nobody can be reached at all
  std::unique_ptr<Control> control_;
  std::vector<std::unique_ptr<Listener>> closing_;  // of earlier configurations
  std::vector<Changing> changing_;                  // by the reload that ends now
  int bell_ = -1;                                   // rung when there is something for the thread of run()
  std::thread stopper_;
  std::atomic<bool> ready_{false}, stopping_{false}, stopped_{false}, something_left_{false};

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Listener*> closed_;  // of closing_: may be destroyed
  std::vector<Reload> reloads_;    // asked for
  bool deaf_ = false;              // nobody answers reloads any more
};

}  // namespace heddle
