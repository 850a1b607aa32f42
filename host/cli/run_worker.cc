#include "cli/run_worker.h"

#include <poll.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "chain/chain_worker.h"
#include "cli/failure.h"
#include "cli/run_watch.h"
#include "cli/state_store.h"
#include "log.h"

namespace heddle {
namespace {

std::string queues_text(const ChainWork& work) {
  std::string out;
  for (const WorkQueue& queue : work.queues) out += (out.empty() ? "" : ", ") + queue.name + (queue.partition == 0 ? "" : " (partition " + std::to_string(queue.partition) + ")");
  return out;
}

std::string counts_text(const TaskCounts& counts) {
  std::string out = std::to_string(counts.settled) + " settled, " + std::to_string(counts.failed) + " failed, " + std::to_string(counts.lost) + " lost";
  return out;
}

void wait_for_signal(StopSignals& signals) {
  pollfd wait{signals.fd(), POLLIN, 0};
  while (signals.take() == 0) ::poll(&wait, 1, -1);
}

// A second signal while the worker drains ends the process at once: what is open goes on with the next start.
void stop(ChainWorker& worker, StopSignals& signals, uint64_t drain_ms) {
  int over[2];
  if (::pipe(over) != 0) return worker.stop(drain_ms);
  std::thread watching([&signals, over] {
    pollfd waits[] = {{signals.fd(), POLLIN, 0}, {over[0], POLLIN, 0}};
    while (!(waits[1].revents & (POLLIN | POLLHUP))) {
      ::poll(waits, 2, -1);
      if (const int signal = signals.take()) ::_exit(128 + signal);
    }
  });
  worker.stop(drain_ms);
  ::close(over[1]);
  watching.join();
  ::close(over[0]);
}

}  // namespace

ExitCode run_worker(const WorkerRun& run) {
  if (!run.quiet && !log::enabled(log::Level::kInfo)) log::set_level(log::Level::kInfo);  // the log is what a worker has to show
  StopSignals signals;
  Lanes lanes(run.threads);
  StateStore kept(*run.catalog, lanes, run.state_dir);
  Outside outside(lanes, std::shared_ptr<const Catalog>(std::shared_ptr<void>(), run.catalog));  // which outlives it
  outside.chains.keep_in([&kept] { return kept.journal(); });
  Jobs jobs(lanes);
  const auto store = kept.open();
  if (!store) return fail_with(exit_code_of(store.error()), store.error(), run.json);
  const std::string name = run.pipeline->name.empty() ? "worker" : run.pipeline->name;
  auto worker = ChainWorker::start(std::shared_ptr<const Pipeline>(std::shared_ptr<void>(), run.pipeline), name, {.lanes = &lanes, .jobs = &jobs, .outside = &outside, .store = *store, .state_dir = run.state_dir});
  if (!worker) {
    const ExitCode code = fail_with(worker.error().error_class == ErrorClass::kRetryable ? ExitCode::kTryLater : exit_code_of(worker.error()), worker.error(), run.json);
    jobs.shutdown(0);
    if (lanes.abandoned() > 0) ::_exit(static_cast<int>(code));
    return code;
  }
  log::write(log::Level::kInfo, name, "works as " + (*worker)->account() + " on " + queues_text(*run.pipeline->worker));
  wait_for_signal(signals);
  log::write(log::Level::kInfo, name, "takes nothing more; what is under way may end within " + std::to_string(run.pipeline->run.drain_ms) + " ms (once more: stop now)");
  stop(**worker, signals, run.pipeline->run.drain_ms);
  const TaskCounts counts = (*worker)->tasks().counts();
  worker->reset();
  jobs.shutdown(0);
  log::write(log::Level::kInfo, name, "stopped: " + counts_text(counts));
  if (lanes.abandoned() > 0) ::_exit(0);
  return ExitCode::kOk;
}

}  // namespace heddle
