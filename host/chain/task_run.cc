#include "chain/task_run.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chain/said.h"
#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// One item, and the end.
class OneItem : public Feed {
 public:
  explicit OneItem(Value value) : value_(std::move(value)) {}
  Result<Got> pull(std::span<FeedItem> out) override {
    if (!value_ || out.empty()) return Got{value_ ? State::kItems : State::kEnd, 0};
    out[0] = FeedItem{.value = std::exchange(value_, Value())};
    return Got{State::kItems, 1};
  }
  void wait(Lanes&, LaneId, Job*) override {}

 private:
  Value value_;
};

Value item_of(const WorkOrder& order, bool with_envelope) {
  const std::string_view bytes = order.input.as_bytes().value_or(std::string_view());
  auto parsed = Value::parse(bytes);
  Value input = parsed ? *std::move(parsed) : order.input;
  if (!with_envelope) return input;
  const Task& task = order.task;
  return json_object({{"activity", json_text(task.activity)}, {"run", json_count(task.run)}, {"kind", json_text(task.kind)}, {"workflow", json_text(task.workflow)}, {"queue", json_text(task.queue)},
                      {"input", std::move(input)}});
}

WorkProgress progress_of(const NodeProgress& at) {
  const Value percent = at.said.find("percent");
  const double share = percent ? percent.as_float().value_or(0) : 0;
  return {.percent = static_cast<uint32_t>(std::clamp(std::isfinite(share) ? share : 0.0, 0.0, 100.0)), .message = text_in(at.said, "message"), .checkpoint = text_in(at.said, "checkpoint")};
}

}  // namespace

Result<void> TaskRun::Harvest::write(const PipelineNode&, std::span<Item> items) {
  std::lock_guard lock(mutex_);
  for (Item& item : items) values_.push_back(std::move(item.value));
  return {};
}

Result<void> TaskRun::Harvest::add(const DeadLetter& letter) {
  std::lock_guard lock(mutex_);
  if (!failed_) failed_ = Error(letter.error.code, "node " + letter.node + ": " + letter.error.text(), letter.error.error_class);
  return {};
}

Result<Value> TaskRun::Harvest::take() {
  std::lock_guard lock(mutex_);
  if (failed_) return *failed_;
  if (values_.empty()) return Value::bytes({});
  if (values_.size() > 1) return Value::bytes(Value::list(std::move(values_)).json());
  return values_[0].kind() == HEDDLE_BYTES ? values_[0] : Value::bytes(values_[0].json());
}

TaskRun::TaskRun(Parts parts, const WorkOrder& order, WorkHearing hearing) : parts_(std::move(parts)), hearing_(std::move(hearing)) {
  Value item = item_of(order, parts_.with_envelope);
  options_.lanes = parts_.lanes;
  options_.outside = parts_.outside;
  options_.output = &harvest_;
  options_.dead_letters = &harvest_;
  options_.state_dir = parts_.state_dir;
  options_.on_progress = [this](const NodeProgress& at) { hearing_.progress(progress_of(at)); };
  const auto lane = parts_.lanes->find(order.lane);
  options_.activity = std::make_shared<ActivityOrigin>(order.task.activity, std::to_string(order.task.run) + "." + std::to_string(order.task.attempt), order.task.workflow, order.task.checkpoint,
                                                       order.deadline_ns, lane ? parts_.lanes->priority(*lane) : 3, lane && parts_.lanes->is_preemptible(*lane));
  if (parts_.entry.empty()) {
    feed_ = std::make_unique<OneItem>(std::move(item));
    options_.feed = feed_.get();
  } else {
    options_.node_input.push_back({parts_.entry, {std::move(item)}});
  }
}

std::shared_ptr<TaskRun> TaskRun::start(Parts parts, const WorkOrder& order, WorkHearing hearing) {
  auto one = std::make_shared<TaskRun>(std::move(parts), order, std::move(hearing));
  one->self_ = one;
  one->post();
  return one;
}

void TaskRun::post() {
  step_.one = this;
  step_.run = [](Job* job) noexcept { static_cast<Step*>(job)->one->begin(); };
  parts_.lanes->post(*parts_.lanes->find("default"), &step_);
}

void TaskRun::begin() {
  const bool is_stopped = [this] {
    std::lock_guard lock(mutex_);
    return stopped_;
  }();
  if (is_stopped) return end(Error("stopped", "the work was given up", ErrorClass::kCancelled));  // nothing is left of this afterwards
  Run::begin(*parts_.pipeline, options_, [this](Result<std::unique_ptr<Run>> run) { begun(std::move(run)); });
}

void TaskRun::begun(Result<std::unique_ptr<Run>> run) {
  if (!run) return end(std::move(run).error());
  {
    std::lock_guard lock(mutex_);
    run_ = *std::move(run);
    if (stopped_) run_->stop(true);
  }
  run_->on_end([this] { finish(); });
}

void TaskRun::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  if (run_) run_->stop(true);
}

void TaskRun::finish() {
  const RunReport& report = run_->report();
  if (!report.error.code.empty()) return end(report.error);
  if (report.stopped) return end(Error("stopped", "the work was given up", ErrorClass::kCancelled));
  end(harvest_.take());
}

void TaskRun::end(Result<Value> result) {
  const auto self = std::move(self_);
  if (run_ && run_->leaves_threads()) static_cast<void>(new std::shared_ptr<TaskRun>(self));  // they may touch it
  hearing_.done(std::move(result));
}

}  // namespace heddle
