// Tasks, workers and transactions as the API tells them.
#pragma once
#include <cstdint>
#include <string>

#include "chain/task_runner.h"
#include "serve/chain_workers.h"
#include "value/value.h"

namespace heddle {

Value task_json(const std::string& worker, const TaskRunner::View& view);
// The same with every move that it has made.
Value task_detail_json(const std::string& worker, const TaskRunner::View& view);

// {"worker", "works", "account" or "why", "counts", "standing"}.
Value worker_json(const ChainWorkers::Standing& worker);

// What a chain gave, without the secrets that are known to the log.
Value without_secrets(const Value& said);

}  // namespace heddle
