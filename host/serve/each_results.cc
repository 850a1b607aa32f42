#include "serve/each_results.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "serve/execution.h"
#include "serve/result_stream.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostGathered = size_t{32} << 10;  // of the weight of results
constexpr size_t kMostAtOnce = 64;                  // executions of one request

// What is not told yet of one item.
struct Untold {
  std::vector<Value> outputs = {}, failed = {};
  bool is_over = false;
  bool is_touched = false;  // there is something to tell

  Value take(size_t item) {
    std::vector<std::pair<std::string, Value>> members;
    members.reserve(4);
    members.emplace_back("item", json_count(item));
    if (!outputs.empty()) members.emplace_back("outputs", Value::list(std::exchange(outputs, {})));
    if (!failed.empty()) members.emplace_back("failed", Value::list(std::exchange(failed, {})));
    if (!is_over) members.emplace_back("more", Value::boolean(true));
    is_touched = false;
    return json_object(std::move(members));
  }
};

// Gathers what comes of the items, and hands it on: where nothing was told before the last of them is over, in one piece. Results wait a moment for the word that their item is over, so
// that a host that is killed leaves few items of which only the one is known. Any thread.
class EachResults : public std::enable_shared_from_this<EachResults> {
 public:
  EachResults(Control::State& control, Request request, size_t items) : control_(control.weak_from_this()), request_(std::move(request)), untold_(items), left_(items) {
    touched_.reserve(items);
    request_->on_gone([given_up = given_up_] { given_up->give_up(); });
  }

  GivenUp& given_up() { return *given_up_; }
  void output(size_t item, Value value) { add(item, std::move(value), &Untold::outputs); }
  void failed(size_t item, Value value) { add(item, std::move(value), &Untold::failed); }
  // From `first` to `last`: nothing more comes of them.
  void over(size_t first, size_t last) {
    std::unique_lock lock(mutex_);
    for (size_t item = first; item <= last; ++item) {
      touch(item);
      if (!std::exchange(untold_[item - 1].is_over, true)) --left_;
    }
    const bool is_all = left_ == 0;
    if (is_all || !is_first_) tell();
    lock.unlock();
    if (is_all && stream_) stream_->end({});
  }
  // Much of what was told is not read yet.
  bool is_full() {
    std::lock_guard lock(mutex_);
    return stream_ && stream_->is_full();
  }
  void begin() {
    std::lock_guard lock(mutex_);
    wait();
  }

 private:
  void add(size_t item, Value value, std::vector<Value> Untold::* kind) {
    std::lock_guard lock(mutex_);
    item = std::clamp<size_t>(item, 1, untold_.size());
    touch(item);
    weight_ += value.weight();
    (untold_[item - 1].*kind).push_back(std::move(value));
    if (weight_ > kMostGathered) tell();
    else wait();
  }
  // [mutex_ held]
  void wait() {
    if (waits_) return;
    const auto control = control_.lock();
    if (!control) return tell();  // the host goes, and its executions with it
    waits_ = true;
    control->patience.wait(control->errands, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wait_no_longer();
    });
  }
  // What is there has waited long enough.
  void wait_no_longer() {
    std::lock_guard lock(mutex_);
    is_first_ = waits_ = false;
    tell();
  }
  void touch(size_t item) {
    if (!std::exchange(untold_[item - 1].is_touched, true)) touched_.push_back(item);
  }
  // [mutex_ held] Under it, so that parts leave in their order.
  void tell() {
    std::vector<Value> results;
    results.reserve(touched_.size());
    for (const size_t item : touched_) results.push_back(untold_[item - 1].take(item));
    touched_.clear();
    weight_ = 0;
    if (results.empty()) return;
    Value part = json_object({{"results", Value::list(std::move(results))}});
    if (!stream_ && left_ == 0) {
      request_->answer(std::move(part), "application/x-ndjson");
      return;
    }
    if (!stream_) stream_ = ResultStream::begin(*std::move(request_), given_up_);
    stream_->add(std::move(part));
  }

  const std::weak_ptr<Control::State> control_;
  const std::shared_ptr<GivenUp> given_up_ = std::make_shared<GivenUp>();
  std::mutex mutex_;
  // Guarded by mutex_:
  std::optional<Request> request_;        // until the stream begins
  std::shared_ptr<ResultStream> stream_;  // null: nothing is told yet, or all was at once
  std::vector<Untold> untold_;            // by item
  std::vector<size_t> touched_;           // as they came
  size_t left_ = 0;                       // that are not over
  size_t weight_ = 0;
  bool is_first_ = true;                  // until the first results have waited long enough
  bool waits_ = false;
};

// An execution for each item, so many at a time; those of a pipeline that keeps state one after the other.
class OneForEach : public std::enable_shared_from_this<OneForEach> {
 public:
  OneForEach(Admitted like, Lanes& lanes, std::vector<Value> items, std::shared_ptr<EachResults> results)
      : like_(std::move(like)), lanes_(lanes), items_(std::move(items)), results_(std::move(results)) {}

  void begin() {
    const size_t at_once = like_.pipeline->keeps_state ? 1 : kMostAtOnce;
    for (size_t i = std::min(at_once, items_.size()); i > 0; --i) next();
  }

 private:
  void next() {
    const size_t item = ++last_;  // from 1
    if (item > items_.size()) return;
    auto admitted = admit(like_.pipeline, like_.state_dir, kMostInLine);
    if (!admitted) {
      results_->failed(item, error_json(admitted.error()));
      results_->over(item, item);
      return next();
    }
    admitted->chain = like_.chain;
    admitted->trace = like_.trace;
    admitted->tracer = like_.tracer;
    AsTheyCome told;
    told.output = [results = results_, item](uint64_t, Value value) { results->output(item, std::move(value)); };
    told.failed = [results = results_, item](uint64_t, Value value) { results->failed(item, std::move(value)); };
    told.is_full = [results = results_] { return results->is_full(); };
    const auto done = [self = shared_from_this(), item](const Executed& executed) {
      if (!executed.run) self->results_->failed(item, error_json(executed.run.error()));
      self->results_->over(item, item);
      self->next();
    };
    results_->given_up().watch(Execution::start(*std::move(admitted), lanes_, {std::move(items_[item - 1])}, done, std::move(told)));
  }

  const Admitted like_;
  Lanes& lanes_;
  std::vector<Value> items_;
  std::atomic<size_t> last_{0};  // begun
  const std::shared_ptr<EachResults> results_;
};

void run_for_all(Admitted admitted, Lanes& lanes, std::vector<Value> items, const std::shared_ptr<EachResults>& results) {
  AsTheyCome told;
  told.output = [results](uint64_t item, Value value) { results->output(item, std::move(value)); };
  told.failed = [results](uint64_t item, Value value) { results->failed(item, std::move(value)); };
  told.is_full = [results] { return results->is_full(); };
  const auto done = [results, count = items.size()](const Executed& executed) {
    for (size_t item = 1; !executed.run && item <= count; ++item) results->failed(item, error_json(executed.run.error()));
    results->over(1, count);
  };
  results->given_up().watch(Execution::start(std::move(admitted), lanes, std::move(items), done, std::move(told)));
}

}  // namespace

void answer_each(Control::State& control, ServedPipelinePtr pipeline, std::string chain, std::vector<Value> items, Request request) {
  Admitted admitted{.pipeline = std::move(pipeline), .state_dir = control.host.state_dir, .chain = std::move(chain), .trace = request.trace(), .tracer = control.host.tracer};
  const auto results = std::make_shared<EachResults>(control, std::move(request), items.size());
  results->begin();
  Lanes& lanes = *control.host.lanes;
  if (admitted.pipeline->keeps_items_apart) run_for_all(std::move(admitted), lanes, std::move(items), results);
  else std::make_shared<OneForEach>(std::move(admitted), lanes, std::move(items), results)->begin();
}

}  // namespace heddle
