// Chain workers, their tasks and transactions as people read them, from the JSON of GET /v1/tasks and /v1/transactions.
#pragma once
#include <cstdint>
#include <string>

#include "value/value.h"

namespace heddle {

// A line for each of `workers`, a list, and one for each thing that a person should look at. `columns` 0: not cut.
std::string worker_table(const Value& workers, uint64_t now_ms, size_t columns);

// A line for each of `tasks`, a list.
std::string task_table(const Value& tasks, uint64_t now_ms, size_t columns);

// All that is known of one.
std::string task_detail(const Value& task, uint64_t now_ms);

// A line for each of `transactions`, a list.
std::string transaction_table(const Value& transactions, uint64_t now_ms, size_t columns);

}  // namespace heddle
