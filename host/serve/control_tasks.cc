#include <algorithm>

#include "log.h"
#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/gathering.h"
#include "serve/members.h"
#include "serve/task_answers.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kMostListed = 1'000, kDefaultListed = 100;
constexpr size_t kLeastBeginning = 4;  // of an id that is not said in full
constexpr size_t kMostReason = 500;

using Asked = std::shared_ptr<Request>;  // a std::function wants to be copied
using All = std::vector<ChainWorkers::Standing>;

All all_workers(const Control::State& control) { return control.host.workers ? control.host.workers->all() : All(); }

std::shared_ptr<ChainWorker> worker_named(const Control::State& control, const std::string& name) {
  for (ChainWorkers::Standing& one : all_workers(control))
    if (one.name == name) return std::move(one.worker);
  return nullptr;
}

Error gone() { return Error("closed", "the worker stops", ErrorClass::kRetryable); }
Error late() { return Error("not-ready", "the host does not get an answer in time", ErrorClass::kRetryable); }

// Those that the parameter "worker" leaves; empty: all.
All asked_workers(const Control::State& control, Members& fields) {
  All all = all_workers(control);
  const auto name = fields.text("worker");
  if (!name) return all;
  std::vector<std::string> names;
  for (const ChainWorkers::Standing& one : all) names.push_back(one.name);
  std::erase_if(all, [&](const auto& one) { return one.name != *name; });
  if (all.empty()) fields.wrong("this host has no worker \"" + *name + "\"" + (names.empty() ? ": it has none at all" : suggestion(*name, names)));
  return all;
}

std::optional<TaskState> read_state(Members& fields) {
  const auto said = fields.text("state");
  if (!said) return std::nullopt;
  if (const auto state = task_state_named(*said)) return state;
  std::vector<std::string> names;
  std::string listed;
  for (const TaskState state : kTaskStates) {
    names.emplace_back(name_of(state));
    listed.append(listed.empty() ? "" : ", ").append(names.back());
  }
  fields.wrong("no task is ever \"" + *said + "\"" + suggestion(*said, names) + "; a state is one of " + listed);
  return std::nullopt;
}

struct OfWorker {
  std::string worker;
  TaskRunner::View view;
};

// What is open first, then what is over; the latest first.
bool comes_first(const OfWorker& a, const OfWorker& b) {
  const auto since = [](const OfWorker& one) { return one.view.task.history.empty() ? 0 : one.view.task.history.back().at_ms; };
  const bool a_over = is_over(a.view.task.state), b_over = is_over(b.view.task.state);
  return a_over != b_over ? b_over : since(a) > since(b);
}

// The one task that is meant, of those that were found.
Result<OfWorker> the_one(const std::string& said, const std::vector<OfWorker>& found) {
  const auto is_whole = [&](const OfWorker& one) { return one.view.task.activity == said; };
  if (const auto whole = std::find_if(found.begin(), found.end(), is_whole); whole != found.end()) return *whole;
  if (found.empty()) return Error("not-found", "no worker here has a task " + said + "; of those that are over only the last ones are remembered");
  if (found.size() > 1) return Error("invalid", "more than one task begins with " + said + ": " + found[0].view.task.activity + " and " + found[1].view.task.activity + "; say more of the one that is meant");
  return found.front();
}

Result<std::string> asked_activity(const Request& request) {
  Members fields = Members::of_parameters(request.parameters());
  const auto activity = fields.text("activity", 1, 1'000);
  if (activity && activity->size() < kLeastBeginning) fields.wrong("say at least " + std::to_string(kLeastBeginning) + " characters of the activity's id, not \"" + *activity + "\"");
  if (auto read = fields.end(); !read) return std::move(read).error();
  return *activity;
}

// `told` gets the task, or is not called: then the request has its answer.
void find_task(Control::State& control, const std::string& activity, const Asked& asked, std::function<void(OfWorker)> told) {
  const auto all = Gathering<OfWorker>::open(control, [asked, activity, told = std::move(told)](std::vector<OfWorker> found, bool is_late) {
    if (is_late && found.empty()) return refuse(*asked, late());
    auto one = the_one(activity, found);
    if (!one) return refuse(*asked, one.error());
    told(*std::move(one));
  });
  for (const ChainWorkers::Standing& one : all_workers(control)) {
    if (!one.worker) continue;
    one.worker->tasks().find(activity, 2, [all, name = one.name](std::vector<TaskRunner::View> views) {
      for (TaskRunner::View& view : views) all->add({name, std::move(view)});
    });
  }
}

// With what the chain says of the transaction that its state stands on.
void answer_with_transaction(Control::State& control, const OfWorker& one, const Asked& asked) {
  const Task& task = one.view.task;
  const auto answer = [asked, one](const Value& transaction) {
    Value told = task_detail_json(one.worker, one.view);
    std::vector<std::pair<std::string, Value>> members;
    for (size_t i = 0; i < told.size(); ++i) {
      std::string_view key;
      const Value member = told.at(i, &key);
      members.emplace_back(std::string(key), member);
    }
    if (transaction && transaction.kind() == HEDDLE_MAP) members.emplace_back("transaction", without_secrets(transaction));
    else if (!one.view.task.transaction.empty()) members.emplace_back("transaction", json_object({{"transaction", json_text(one.view.task.transaction)}}));
    asked->answer(json_object(std::move(members)));
  };
  const auto worker = worker_named(control, one.worker);
  if (!worker) return answer(Value());
  const char* const deed = !task.outcome ? "claim" : task.outcome->is_good ? "complete" : "fail";
  const auto told = Gathering<Value>::open(control, [answer](std::vector<Value> said, bool) { answer(said.empty() ? Value() : said.front()); });
  worker->chain().read(json_object({{"ask", json_text("transaction")}, {"key", json_text(task.key(deed))}}), [told](Result<Value> transaction) {
    if (transaction) told->add(*std::move(transaction));
  });
}

void cancel_found(Control::State& control, const OfWorker& one, const std::string& reason, const Asked& asked) {
  const auto worker = worker_named(control, one.worker);
  if (!worker) return refuse(*asked, gone());
  struct Said {
    std::optional<Error> refused = {};
    std::vector<TaskRunner::View> views = {};
  };
  const std::string activity = one.view.task.activity;
  const auto all = Gathering<Said>::open(control, [asked, name = one.worker](std::vector<Said> said, bool is_late) {
    for (const Said& part : said)
      if (part.refused) return refuse(*asked, part.refused->code == "too-late" ? Error("conflict", part.refused->message) : *part.refused);
    for (const Said& part : said)
      if (!part.views.empty()) return static_cast<void>(asked->answer(task_json(name, part.views.front())));
    refuse(*asked, is_late ? late() : gone());
  });
  worker->tasks().cancel(activity, reason, [all](Result<void> told) {
    if (!told) all->add({.refused = told.error()});
  });
  worker->tasks().find(activity, 1, [all](std::vector<TaskRunner::View> views) { all->add({.views = std::move(views)}); });
}

// What follows on an answer of a worker goes on elsewhere: nobody may hold a worker on the worker's own strand.
void go_on(const std::weak_ptr<Control::State>& weak, const Asked& asked, const std::function<void(Control::State&)>& next) {
  const auto control = weak.lock();
  if (!control) return refuse(*asked, Error("closed", "the host shuts down", ErrorClass::kRetryable));
  control->errands.run([raw = control.get(), next] { next(*raw); });
}

}  // namespace

void list_tasks(Control::State& control, Request request) {
  Members fields = Members::of_parameters(request.parameters());
  const All workers = asked_workers(control, fields);
  const auto state = read_state(fields);
  const auto most = static_cast<size_t>(fields.count("limit", 1, kMostListed).value_or(kDefaultListed));
  if (auto read = fields.end(); !read) return refuse(request, read.error());
  std::vector<Value> standings;
  for (const ChainWorkers::Standing& one : workers) standings.push_back(worker_json(one));
  const auto asked = std::make_shared<Request>(std::move(request));
  const auto all = Gathering<OfWorker>::open(control, [asked, most, standings = Value::list(std::move(standings))](std::vector<OfWorker> found, bool) {
    std::stable_sort(found.begin(), found.end(), comes_first);
    std::vector<Value> tasks;
    for (size_t i = 0; i < std::min(most, found.size()); ++i) tasks.push_back(task_json(found[i].worker, found[i].view));
    asked->answer(json_object({{"workers", standings}, {"tasks", Value::list(std::move(tasks))}, {"left_off", json_count(found.size() - std::min(most, found.size()))}}));
  });
  for (const ChainWorkers::Standing& one : workers) {
    if (!one.worker) continue;
    one.worker->tasks().list([all, state, name = one.name](std::vector<TaskRunner::View> views) {
      for (TaskRunner::View& view : views)
        if (!state || view.task.state == *state) all->add({name, std::move(view)});
    });
  }
}

void get_task(Control::State& control, Request request) {
  const auto activity = asked_activity(request);
  if (!activity) return refuse(request, activity.error());
  const auto asked = std::make_shared<Request>(std::move(request));
  find_task(control, *activity, asked, [weak = control.weak_from_this(), asked](const OfWorker& one) {
    go_on(weak, asked, [asked, one](Control::State& here) { answer_with_transaction(here, one, asked); });
  });
}

void cancel_task(Control::State& control, Request request) {
  const auto activity = asked_activity(request);
  if (!activity) return refuse(request, activity.error());
  std::string reason = "cancelled by an operator";
  if (request.body() && !(request.body().kind() == HEDDLE_BYTES && request.body().size() == 0)) {
    auto body = request.json_body();
    if (!body) return refuse(request, body.error());
    Members fields = Members::of_body(*std::move(body));
    if (auto said = fields.text("reason", 1, kMostReason)) reason = *std::move(said);
    if (auto read = fields.end(); !read) return refuse(request, read.error());
  }
  const auto asked = std::make_shared<Request>(std::move(request));
  find_task(control, *activity, asked, [weak = control.weak_from_this(), asked, reason](const OfWorker& one) {
    go_on(weak, asked, [asked, one, reason](Control::State& here) { cancel_found(here, one, reason, asked); });
  });
}

}  // namespace heddle
