#include "serve/worker_metrics.h"

#include <functional>
#include <optional>
#include <utility>

#include "log.h"

namespace heddle {
namespace {

using Kind = Metric::Kind;

struct TaskCounter {
  const char* name;
  const char* help;
  uint64_t TaskCounts::*count;
};
constexpr TaskCounter kTaskCounters[] = {
    {"offers", "Activities that were on offer, and that there was room for.", &TaskCounts::offers},
    {"claims", "Claims that the chain has granted.", &TaskCounts::claims},
    {"claims_lost", "Claims that another worker was faster with.", &TaskCounts::claims_lost},
    {"heartbeats", "Heartbeats that are in a block.", &TaskCounts::heartbeats},
    {"heartbeats_failed", "Heartbeats that did not get to the chain.", &TaskCounts::heartbeats_failed},
    {"settled", "Tasks whose result the chain has, for good.", &TaskCounts::settled},
    {"failed", "Tasks whose failure the chain has, or that it refuses.", &TaskCounts::failed},
    {"lost", "Tasks that are not ours any more.", &TaskCounts::lost},
    {"leases_expired", "Times that a lease ended before its task.", &TaskCounts::expired},
    {"attempts", "Attempts to do the work of a task.", &TaskCounts::attempts},
    {"attempts_failed", "Attempts that failed.", &TaskCounts::attempts_failed},
    {"answers_stale", "Answers of work that nobody wanted any more.", &TaskCounts::stale},
    {"reconciliations", "Comparisons with the chain.", &TaskCounts::reconciliations},
    {"repairs", "Tasks that such a comparison found on the chain and not here, or the other way around.", &TaskCounts::repairs},
};

// Of "standing" in heddle/chain.h.
struct Figure {
  Kind kind;
  const char* name;
  const char* help;
  const char* member;
};
constexpr Figure kFigures[] = {
    {Kind::kGauge, "heddle_chain_head_block", "The newest block that is known.", "block"},
    {Kind::kGauge, "heddle_chain_head_timestamp_seconds", "When that block was made, in seconds since the epoch.", "block_unix"},
    {Kind::kGauge, "heddle_chain_balance", "What the account has, in the smallest unit of the chain.", "balance"},
    {Kind::kGauge, "heddle_chain_transactions_pending", "Transactions that are not final.", "pending"},
    {Kind::kGauge, "heddle_chain_gaps", "Numbers of the account that are taken, and that no transaction of this host has.", "gaps"},
    {Kind::kCounter, "heddle_chain_bumps_total", "Attempts that were made because an earlier one offered too little.", "bumps"},
    {Kind::kCounter, "heddle_chain_transactions_sent_total", "Transactions that were sent.", "sent"},
    {Kind::kCounter, "heddle_chain_transactions_final_total", "Transactions that cannot be undone any more.", "final"},
};

std::string text_of(const Value& map, const char* key) {
  const Value found = map.find(key);
  return log::redacted(found ? found.as_text().value_or("") : "");
}

Metric::Labels account_labels(const WorkerNow& worker) { return {{"worker", worker.name}, {"account", text_of(worker.standing, "account")}}; }

void add_tasks(MetricList& list, const std::vector<WorkerNow>& workers) {
  const auto each = [&](const std::function<void(const WorkerNow&)>& append) {
    for (const WorkerNow& one : workers)
      if (one.works) append(one);
  };
  for (const TaskCounter& counter : kTaskCounters) {
    list.begin(Kind::kCounter, std::string("heddle_task_") + counter.name + "_total", counter.help);
    each([&](const WorkerNow& one) { list.append({{"worker", one.name}}, static_cast<double>(one.counts.*counter.count)); });
  }
  list.begin(Kind::kGauge, "heddle_task_open", "Tasks that are not over, by their state.");
  each([&](const WorkerNow& one) {
    for (const TaskState state : kTaskStates) {
      if (is_over(state)) continue;
      const auto found = one.counts.open.find(state);
      list.append({{"worker", one.name}, {"state", std::string(name_of(state))}}, found == one.counts.open.end() ? 0 : static_cast<double>(found->second));
    }
  });
  list.begin(Kind::kHistogram, "heddle_task_claim_to_work_seconds", "How long it took from when a claim was seen on the chain until the work began, waiting for room included.");
  each([&](const WorkerNow& one) { list.append({{"worker", one.name}}, one.counts.claim_to_work); });
  list.begin(Kind::kHistogram, "heddle_task_work_to_submit_seconds", "How long it took from the end of the work until the transaction with its outcome was stored.");
  each([&](const WorkerNow& one) { list.append({{"worker", one.name}}, one.counts.work_to_submit); });
}

void add_accounts(MetricList& list, const std::vector<WorkerNow>& workers) {
  const auto add_all = [&](Kind kind, const char* name, const char* help, const std::function<std::optional<double>(const Value& standing)>& figure) {
    bool has_begun = false;
    for (const WorkerNow& one : workers) {
      const auto value = one.standing ? figure(one.standing) : std::nullopt;
      if (!value) continue;
      if (!std::exchange(has_begun, true)) list.begin(kind, name, help);
      list.append(account_labels(one), *value);
    }
  };
  for (const Figure& figure : kFigures) {
    add_all(figure.kind, figure.name, figure.help, [&](const Value& standing) {
      const Value found = standing.find(figure.member);
      return found ? found.as_float() : std::nullopt;
    });
  }
  add_all(Kind::kGauge, "heddle_chain_alarms", "How many things there are that a person should look at.", [](const Value& standing) -> std::optional<double> {
    const Value found = standing.find("alarms");
    return found ? static_cast<double>(found.size()) : 0;
  });
}

void add_endpoints(MetricList& list, const std::vector<WorkerNow>& workers) {
  const auto add_all = [&](const char* name, const char* help, const std::function<std::optional<double>(const Value& endpoint)>& figure) {
    bool has_begun = false;
    for (const WorkerNow& one : workers) {
      const Value endpoints = one.standing ? one.standing.find("endpoints") : Value();
      for (size_t i = 0; endpoints && i < endpoints.size(); ++i) {
        const auto value = figure(endpoints.at(i));
        if (!value) continue;
        if (!std::exchange(has_begun, true)) list.begin(Kind::kGauge, name, help);
        list.append({{"worker", one.name}, {"endpoint", text_of(endpoints.at(i), "address")}, {"position", std::to_string(i + 1)}}, *value);
      }
    }
  };
  add_all("heddle_chain_endpoint_well", "1: the endpoint answers, and is not behind the others.", [](const Value& endpoint) -> std::optional<double> {
    const Value well = endpoint.find("well");
    return well && well.as_bool().value_or(false) ? 1 : 0;
  });
  add_all("heddle_chain_endpoint_block", "The newest block that the endpoint has.", [](const Value& endpoint) {
    const Value block = endpoint.find("block");
    return block ? block.as_float() : std::nullopt;
  });
}

}  // namespace

void add_worker_metrics(MetricList& list, const std::vector<WorkerNow>& workers) {
  if (workers.empty()) return;
  list.begin(Kind::kGauge, "heddle_task_worker_up", "1: the worker works; 0: it cannot be started, and is tried again.");
  for (const WorkerNow& one : workers) list.append({{"worker", one.name}}, one.works);
  add_tasks(list, workers);
  add_accounts(list, workers);
  add_endpoints(list, workers);
}

void add_worker_metrics(MetricList& list, const std::vector<ChainWorkers::Standing>& workers) {
  std::vector<WorkerNow> all;
  for (const ChainWorkers::Standing& one : workers) {
    all.push_back({.name = one.name, .works = one.worker != nullptr});
    if (!one.worker) continue;
    all.back().counts = one.worker->tasks().counts();
    all.back().standing = one.worker->standing();
  }
  add_worker_metrics(list, all);
}

}  // namespace heddle
