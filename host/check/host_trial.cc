#include "check/host_trial.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "check/process_counts.h"
#include "lanes/lanes.h"
#include "log.h"
#include "manifest/manifest.h"
#include "pipeline/build.h"
#include "value/json_value.h"
#include "value/service.h"

namespace heddle {
namespace {

constexpr size_t kMostLines = 2'000;
constexpr uint64_t kStartLimitMs = 300;  // nothing in these plugins takes time to start

// Items that count themselves as they are freed: for as long as the process lives, for who knows when the last one is.
class CountedItems {
 public:
  static CountedItems& get() {
    static auto* const all = new CountedItems;
    return *all;
  }
  Value item(uint64_t number) {
    heddle_view view{};
    view.struct_size = sizeof view;
    view.fd = -1;
    view.data = kTag;
    view.size = sizeof kTag;
    heddle_buffer* const buffer = value_service().wrap(nullptr, &view, [](void* self) noexcept { ++static_cast<CountedItems*>(self)->released_; }, this);
    if (!buffer) return {};
    Value tag = Value::adopt(value_service().make_bytes(nullptr, buffer, 0, sizeof kTag));
    return json_object({{"n", json_count(number)}, {"tag", std::move(tag)}});
  }
  uint64_t released() const { return released_; }

 private:
  static constexpr char kTag[] = "counted";
  std::atomic<uint64_t> released_{0};
};

class NumberedFeed : public Feed {
 public:
  explicit NumberedFeed(uint64_t count) : count_(count) {}
  Result<Got> pull(std::span<FeedItem> out) override {
    size_t n = 0;
    for (; n < out.size() && next_ <= count_; ++n) {
      out[n] = FeedItem();
      out[n].value = CountedItems::get().item(next_++);
    }
    if (n > 0) return Got{State::kItems, n};
    std::lock_guard lock(mutex_);
    is_over_ = true;
    over_.notify_all();
    return Got{State::kEnd, 0};
  }
  void wait(Lanes&, LaneId, Job*) override {}
  // Until all items are in the run.
  void wait_until_over() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [this] { return is_over_; });
  }

 private:
  const uint64_t count_;
  uint64_t next_ = 1;
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;  // guarded by mutex_
};

// The numbers of the items; each is written as JSON, as an output to a file would.
class NumbersOut : public Output {
 public:
  Result<void> write(const PipelineNode& node, std::span<Item> items) override {
    std::vector<int64_t>& numbers = node.settings.id == "beside" ? beside : after;
    for (Item& item : items) {
      written_.clear();
      item.value.append_json(written_);
      const Value number = item.value.find("n");
      if (number && item.value.find("tag")) numbers.push_back(number.as_int().value_or(0));  // others are the hostile node's own
    }
    return {};
  }
  Result<void> close() override { return {}; }
  std::vector<int64_t> after, beside;

 private:
  std::string written_;
};

class FailuresOut : public DeadLetters {
 public:
  Result<void> add(const DeadLetter& letter) override {
    failures.push_back({letter.node, static_cast<int64_t>(letter.sequence), letter.error});
    return {};
  }
  std::vector<HostObservation::Failure> failures;
};

// Keeps the lines of the log while it lives.
class LogCapture {
 public:
  LogCapture() {
    log::set_level(log::Level::kInfo);
    log::set_sink([](void* self, const log::Line& line) { static_cast<LogCapture*>(self)->add(line); }, this);
  }
  ~LogCapture() { log::set_sink(nullptr, nullptr); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  std::vector<std::string> lines() const {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  void add(const log::Line& line) {
    std::lock_guard lock(mutex_);
    const bool is_of_host = line.who.empty() || line.message.find("lines dropped") != std::string_view::npos;  // these are never too many
    if (lines_.size() < kMostLines || is_of_host) lines_.push_back(log::text_of(line));
  }
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

std::string params_json(const std::string& deed) { return json_object({{"deed", json_text(deed)}}).json(); }

std::string node_json(const std::string& id, const std::string& type, const std::string& params, const std::string& more = "") {
  return R"({"id":)" + json_text(id).json() + R"(,"node_type":)" + json_text(type).json() + R"(,"params":)" + params + more + "}";
}

std::string manifest_text(const HostTrialOrder& order) {
  const std::string none = params_json("none");
  return R"({"version":"heddle/1","metadata":{"name":"trial"},"run":{"drain_ms":200},"nodes":[)" + node_json("first", "Bystander", none) + "," +
         node_json("hostile", order.type, order.params.empty() ? params_json(order.deed) : order.params, order.settings) + "," + node_json("beside", "Bystander", none) + "," +
         (order.second.empty() ? node_json("after", "Bystander", none) : node_json("after", "HostileLate", params_json(order.second))) +
         R"(],"connections":[{"from":"first","to":"hostile"},{"from":"first","to":"beside"},{"from":"hostile","to":"after"}]})";
}

// Everything that a run needs; where a thread hangs in it, it is never destroyed.
struct Trial {
  explicit Trial(uint64_t count) : feed(count) {}
  NumberedFeed feed;
  NumbersOut output;
  FailuresOut letters;
  Lanes lanes{2};
  std::optional<Pipeline> pipeline;
  std::unique_ptr<Run> run;
};

Error refusal_of(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& one : diagnostics.all())
    if (one.severity == Severity::kError) text += (text.empty() ? "" : "; ") + one.message;
  return Error("refused", text, ErrorClass::kConfig);
}

void carry_out(Trial& trial, const Catalog& catalog, const HostTrialOrder& order, HostObservation& seen) {
  const std::string text = manifest_text(order);
  Diagnostics diagnostics("hostile", text);
  const auto manifest = read_manifest(text, "hostile", {}, diagnostics);
  if (manifest) trial.pipeline = build_pipeline(*manifest, catalog, diagnostics);
  if (!trial.pipeline) {
    seen.refused = refusal_of(diagnostics);
    return;
  }
  RunOptions options;
  options.lanes = &trial.lanes;
  options.feed = &trial.feed;
  options.output = &trial.output;
  options.dead_letters = &trial.letters;
  options.start_ms = kStartLimitMs;
  auto run = Run::start(*trial.pipeline, options);
  if (!run) {
    seen.refused = std::move(run).error();
    return;
  }
  trial.run = *std::move(run);
  if (order.is_stopped) {
    trial.feed.wait_until_over();
    trial.run->stop(false);
  }
  seen.ended = trial.run->wait(order.limit_ms * 3 / 4);
}

}  // namespace

HostObservation observe(const Catalog& catalog, const HostTrialOrder& order) {
  HostObservation seen;
  const LogCapture log;
  const uint64_t released = CountedItems::get().released();
  seen.descriptors_before = open_descriptors();
  auto trial = std::make_unique<Trial>(order.items);
  carry_out(*trial, catalog, order, seen);
  seen.given = seen.refused ? 0 : order.items;
  if (trial->run && seen.ended) {
    seen.report = trial->run->report();
    seen.leaves_thread = trial->run->leaves_threads();
  }
  const bool stays = trial->run && (!seen.ended || seen.leaves_thread);
  if (!stays) trial->run.reset();
  seen.after = std::move(trial->output.after);
  seen.beside = std::move(trial->output.beside);
  seen.failures = std::move(trial->letters.failures);
  if (stays) static_cast<void>(trial.release());
  trial.reset();
  seen.released = CountedItems::get().released() - released;
  seen.descriptors_after = open_descriptors();
  seen.lines = log.lines();
  return seen;
}

}  // namespace heddle
