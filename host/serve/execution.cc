#include "serve/execution.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "lanes/held_wakes.h"
#include "log.h"
#include "pipeline/lane_config.h"
#include "value/json_value.h"

namespace heddle {
namespace {

Value failed_item(const DeadLetter& letter) {
  std::vector<Value> attempts;
  for (const Attempt& a : letter.attempts) {
    attempts.push_back(json_object({{"number", json_count(a.number)}, {"error", json_text(log::redacted(a.error))}, {"took_ms", json_count(a.took_ns / kNsPerMs)}}));
  }
  std::vector<std::pair<std::string, Value>> members = {{"code", json_text(letter.error.code)},
                                                        {"class", json_text(name_of(letter.error.error_class))},
                                                        {"message", json_text(log::redacted(letter.error.text()))},
                                                        {"node", json_text(letter.node)},
                                                        {"attempts", Value::list(std::move(attempts))}};
  if (!letter.error.details.empty()) members.emplace_back("details", json_or_text(log::redacted(letter.error.details)));
  return json_object(std::move(members));
}

// Where an execution's results and failures go: kept, or told as they come.
class Harvest : public Output, public DeadLetters {
 public:
  Harvest(const Pipeline& pipeline, AsTheyCome each) : each_(std::move(each)) {
    const auto gives = [](const PipelineNode& node) { return node.is_output && node.stage != PipelineNode::kNoStage; };
    tagged_ = std::count_if(pipeline.nodes.begin(), pipeline.nodes.end(), gives) > 1;
  }
  Result<void> write(const PipelineNode& node, std::span<Item> items) override {
    for (Item& item : items) {
      put(item.sequence, tagged_ ? json_object({{"node", json_text(node.settings.id)}, {"value", std::move(item.value)}}) : std::move(item.value), each_.output, outputs_);
    }
    return {};
  }
  // Waits for a thread that is on its way through go_on().
  Result<void> close() override {
    on_room(nullptr);
    return {};
  }
  bool is_full() const override { return each_.is_full && each_.is_full(); }
  void on_room(std::function<void()> room) override {
    std::lock_guard lock(going_on_);
    room_ = std::move(room);
  }
  void go_on() {
    std::lock_guard lock(going_on_);
    if (room_) room_();
  }
  Result<void> add(const DeadLetter& letter) override {
    put(letter.sequence, failed_item(letter), each_.failed, failed_);
    return {};
  }
  // After the end.
  Executed take(Result<void> run) { return {std::move(outputs_), std::move(failed_), std::move(run)}; }

 private:
  // A run writes from one thread and puts away from another: those who are told are promised one at a time.
  void put(uint64_t item, Value value, const std::function<void(uint64_t, Value)>& tell, std::vector<Value>& kept) {
    std::lock_guard lock(telling_);
    if (tell) tell(item, std::move(value));
    else kept.push_back(std::move(value));
  }

  const AsTheyCome each_;
  bool tagged_ = false;
  std::mutex going_on_;
  std::function<void()> room_;  // guarded by going_on_; null: the run has not begun, or is over
  std::mutex telling_;
  // Guarded by telling_:
  std::vector<Value> outputs_, failed_;
};

// Told of itself from the first to the last moment.
class Stay {
 public:
  explicit Stay(std::shared_ptr<InUse> in_use) : in_use_(std::move(in_use)) { in_use_->enter(); }
  ~Stay() { in_use_->leave(); }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;

 private:
  const std::shared_ptr<InUse> in_use_;
};

class OneRun : public Execution, public std::enable_shared_from_this<OneRun> {
 public:
  OneRun(Admitted admitted, Lanes& lanes, std::shared_ptr<Feed> items, Done done, AsTheyCome each)
      : stay_(admitted.pipeline->in_use), pipeline_(std::move(admitted.pipeline)), lanes_(lanes), state_dir_(std::move(admitted.state_dir)), place_(std::move(admitted.place)),
        chain_(admitted.chain.empty() ? pipeline_->link : std::move(admitted.chain)),
        trace_(std::move(admitted.trace)), tracer_(admitted.tracer), items_(std::move(items)), on_progress_(each.progress), harvest_(pipeline_->pipeline, std::move(each)), done_(std::move(done)) {}

  void begin_in_turn() {
    self_ = shared_from_this();
    if (place_) place_->on_turn([this] { post_begin(); });
    else post_begin();
  }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      if (run_) return run_->stop(true);
    }
    if (place_ && place_->give_up()) post_begin();  // which finds that it was stopped
  }
  void go_on() override { harvest_.go_on(); }

 private:
  struct Step : Job { OneRun* one = nullptr; };

  void post_begin() {
    step_.one = this;
    step_.run = [](Job* job) noexcept { static_cast<Step*>(job)->one->begin(); };
    lanes_.post(*lanes_.find("default"), &step_);
  }

  void begin() noexcept {
    held_wakes::begin();
    if (is_stopped()) return end(stopped_error());
    RunOptions options;
    options.lanes = &lanes_;
    options.outside = pipeline_->outside;
    options.may_start_processes = !pipeline_->is_sent;
    options.chain = chain_;
    options.trace = trace_;
    options.tracer = tracer_;
    options.feed = items_.get();
    options.output = &harvest_;
    options.dead_letters = &harvest_;
    options.on_progress = on_progress_;
    options.state_dir = state_dir_;
    Run::begin(pipeline_->pipeline, options, [this](Result<std::unique_ptr<Run>> run) { on_begun(std::move(run)); });
  }

  void on_begun(Result<std::unique_ptr<Run>> run) {
    if (!run) return end(std::move(run).error());
    {
      std::lock_guard lock(mutex_);
      run_ = *std::move(run);
      if (stopped_) run_->stop(true);
    }
    run_->on_end([this] { finish(); });
  }

  bool is_stopped() {
    std::lock_guard lock(mutex_);
    return stopped_;
  }

  void finish() {
    const RunReport& report = run_->report();
    if (!report.error.code.empty()) return end(report.error);
    if (report.stopped) return end(stopped_error());
    end({});
  }

  void end(Result<void> outcome) {
    const auto self = std::move(self_);
    if (place_) place_->leave();
    if (run_ && run_->leaves_threads()) static_cast<void>(new std::shared_ptr<OneRun>(self));
    const Done done = std::exchange(done_, nullptr);
    done(harvest_.take(std::move(outcome)));
  }

  Error stopped_error() const { return Error("stopped", "the execution of pipeline \"" + pipeline_->name + "\" was given up", ErrorClass::kCancelled); }

  const Stay stay_;  // goes last
  const ServedPipelinePtr pipeline_;
  Lanes& lanes_;
  const std::string state_dir_;
  const std::unique_ptr<StateLine::Place> place_;
  const std::string chain_;
  const std::optional<TraceContext> trace_;
  Tracer* const tracer_;
  const std::shared_ptr<Feed> items_;
  const std::function<void(const NodeProgress&)> on_progress_;
  Harvest harvest_;
  Done done_;
  Step step_;
  std::shared_ptr<OneRun> self_;  // until the end

  std::mutex mutex_;
  // Guarded by mutex_:
  bool stopped_ = false;
  std::unique_ptr<Run> run_;  // set once
};

// The error of a job whose item failed.
Error error_of_failed(const Value& failed) {
  const auto text = [&](std::string_view key) {
    const Value value = failed.find(key);
    return std::string(value ? value.as_text().value_or("") : "");
  };
  ErrorClass c = ErrorClass::kPermanent;
  for (const ErrorClass one : {ErrorClass::kRetryable, ErrorClass::kConfig, ErrorClass::kCancelled}) {
    if (text("class") == name_of(one)) c = one;
  }
  return Error(text("code"), "node " + text("node") + ": " + text("message"), c);
}

Result<Value> outcome_of(Executed executed) {
  if (!executed.run) return std::move(executed.run).error();
  if (!executed.failed.empty()) return error_of_failed(executed.failed[0]);
  return json_object({{"outputs", Value::list(std::move(executed.outputs))}});
}

}  // namespace

Result<Admitted> admit(ServedPipelinePtr pipeline, std::string state_dir, size_t most) {
  Admitted out{std::move(pipeline), std::move(state_dir)};
  if (!out.pipeline->keeps_state || out.state_dir.empty()) return out;
  out.place = out.pipeline->line->join(out.pipeline->name, most);
  if (out.place) return out;
  return Error("busy",
               "pipeline \"" + out.pipeline->name + "\" keeps state, so its executions run one after the other, and " + std::to_string(most) +
                   " are under way or wait: ask again later",
               ErrorClass::kRetryable);
}

std::shared_ptr<Execution> Execution::start(Admitted admitted, Lanes& lanes, std::shared_ptr<Feed> items, Done done, AsTheyCome each) {
  auto out = std::make_shared<OneRun>(std::move(admitted), lanes, std::move(items), std::move(done), std::move(each));
  out->begin_in_turn();
  return out;
}

std::shared_ptr<Execution> Execution::start(Admitted admitted, Lanes& lanes, std::vector<Value> items, Done done, AsTheyCome each) {
  return start(std::move(admitted), lanes, given_items(std::move(items)), std::move(done), std::move(each));
}

Jobs::Function pipeline_job(const Jobs& jobs, const ServedPipelines& pipelines, Lanes& lanes, std::string state_dir, std::string name, Tracer* tracer) {
  return [&jobs, &pipelines, &lanes, state_dir = std::move(state_dir), name = std::move(name), tracer](JobRun run) {
    ServedPipelinePtr pipeline = pipelines.find(name);
    if (!pipeline) return run.complete(Error("no-pipeline", "the pipeline \"" + name + "\" is not served any more", ErrorClass::kConfig));
    const auto job = jobs.find(run.id());
    if (job && waits_for_itself(pipeline->pipeline, job->lane, lanes)) {
      return run.complete(Error("lane-in-use", "pipeline \"" + name + "\" runs on the lane \"" + job->lane + "\", whose places are limited and held by its own jobs: submit it to another lane",
                                ErrorClass::kConfig));
    }
    std::vector<Value> items;
    items.push_back(run.payload() ? run.payload() : Value::null());
    auto admitted = admit(std::move(pipeline), state_dir);
    admitted->trace = run.trace();
    admitted->tracer = tracer;
    const std::weak_ptr<Execution> execution =
        Execution::start(*std::move(admitted), lanes, std::move(items), [run](Executed executed) { run.complete(outcome_of(std::move(executed))); },
                         {.progress = [run](const NodeProgress& at) {
                           const Value percent = at.said.find("percent");
                           if (const std::string text = at.text(); !text.empty()) run.progress({.percent = percent ? percent.as_float().value_or(0) : 0, .message = at.node + ": " + text});
                         }});
    run.on_stop([execution](JobRun::Stop) {
      if (const auto running = execution.lock()) running->stop();
    });
  };
}

}  // namespace heddle
