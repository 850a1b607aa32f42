// What is counted and measured of chain workers: their tasks, and how their accounts stand.
#pragma once
#include <string>
#include <vector>

#include "serve/chain_workers.h"
#include "serve/metric_list.h"

namespace heddle {

// What one worker has to say, at one moment.
struct WorkerNow {
  std::string name;
  bool works = false;
  TaskCounts counts = {};
  Value standing = {};  // as ChainWorker::standing
};

void add_worker_metrics(MetricList& list, const std::vector<WorkerNow>& workers);
void add_worker_metrics(MetricList& list, const std::vector<ChainWorkers::Standing>& workers);

}  // namespace heddle
