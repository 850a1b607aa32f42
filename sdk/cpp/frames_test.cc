// Coroutines, their timers, cancels and the end of their node on several threads at once: every call is answered exactly once.
#include <gtest/gtest.h>
#include <heddle/sdk.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

HEDDLE_PLUGIN("node_frames", "1.0.0", "Apache-2.0", "A coroutine under pressure");

namespace {

using namespace heddle::sdk;

class Restless {
 public:
  Async process(Call call) {
    for (int i = 0; i < 3; ++i) {
      co_await next_job();
      co_await heddle::sdk::sleep(std::chrono::microseconds(20));
    }
    call.complete();
  }
};
HEDDLE_NODE(Restless, "Restless", R"("max_in_flight":64,)" HEDDLE_NO_PARAMS);

// A host of only what a coroutine touches, with two threads for its jobs.
struct PressedCall {
  std::atomic<int> answers{0};
  std::atomic<bool> cancelled{false};
};

class PressedHost {
 public:
  PressedHost() {
    table_ = {sizeof table_, 0,           this,         {"heddle", 6},
              {"0", 1},      {"test", 4}, &get_service, [](const heddle_host*, heddle_status, heddle_str, const heddle_value*) noexcept {}};
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { work(); });
  }
  ~PressedHost() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  const heddle_host* table() const { return &table_; }

 private:
  struct Job {
    std::chrono::steady_clock::time_point due;
    heddle_job_fn fn;
    void* ctx;
  };
  static PressedHost& of(const heddle_host* h) { return *static_cast<PressedHost*>(h->host_data); }
  static PressedCall& of(const heddle_op* op) { return *reinterpret_cast<PressedCall*>(const_cast<heddle_op*>(op)); }

  static const void* get_service(const heddle_host*, const char* id) noexcept {
    static const heddle_value_service values{};
    static const heddle_op_service ops = [] {
      heddle_op_service s{};
      s.is_cancelled = [](const heddle_op* op) noexcept { return of(op).cancelled.load(); };
      s.complete = [](heddle_op* op, heddle_status, heddle_value*, heddle_str) noexcept { ++of(op).answers; };
      return s;
    }();
    static const heddle_call_service calls = [] {
      heddle_call_service s{};
      s.op = [](heddle_call* c) noexcept { return reinterpret_cast<heddle_op*>(c); };
      return s;
    }();
    static const heddle_sched_service sched{sizeof(heddle_sched_service), nullptr, nullptr, &after, &cancel};
    std::string_view name = id;
    if (name == HEDDLE_VALUE) return &values;
    if (name == HEDDLE_OP) return &ops;
    if (name == HEDDLE_CALL) return &calls;
    if (name == HEDDLE_SCHED) return &sched;
    return nullptr;
  }
  static heddle_id after(const heddle_host* h, uint64_t delay_ns, heddle_job_fn fn, void* ctx) noexcept {
    PressedHost& host = of(h);
    std::lock_guard lock(host.mutex_);
    host.jobs_[++host.last_] = {std::chrono::steady_clock::now() + std::chrono::nanoseconds(delay_ns), fn, ctx};
    host.changed_.notify_one();
    return host.last_;
  }
  static bool cancel(const heddle_host* h, heddle_id id) noexcept {
    PressedHost& host = of(h);
    std::lock_guard lock(host.mutex_);
    return host.jobs_.erase(id) > 0;
  }
  void work() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      auto next = jobs_.begin();
      for (auto it = jobs_.begin(); it != jobs_.end(); ++it) {
        if (it->second.due < next->second.due) next = it;
      }
      if (next == jobs_.end()) {
        changed_.wait(lock);
      } else if (next->second.due > std::chrono::steady_clock::now()) {
        auto due = next->second.due;  // the job may be gone when the wait ends
        changed_.wait_until(lock, due);
      } else {
        Job job = next->second;
        jobs_.erase(next);
        lock.unlock();
        job.fn(job.ctx);
        lock.lock();
      }
    }
  }

  heddle_host table_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<heddle_id, Job> jobs_;
  heddle_id last_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

TEST(Frames, EveryCallIsAnsweredOnceWhateverCutsItShort) {
  PressedHost host;
  ASSERT_EQ(heddle_entry_v1.init(host.table()), HEDDLE_OK);
  auto* factory = static_cast<const heddle_factory*>(heddle_entry_v1.get_factory(HEDDLE_KIND_NODE));
  for (int round = 0; round < 300; ++round) {
    void* self = nullptr;
    const void* table = nullptr;
    ASSERT_EQ(factory->create(host.table(), "Restless", nullptr, &self, &table), HEDDLE_OK);
    auto* node = static_cast<const heddle_node*>(table);
    std::vector<PressedCall> calls(16);
    std::vector<heddle_call*> raw;
    for (PressedCall& call : calls) raw.push_back(reinterpret_cast<heddle_call*>(&call));
    node->process(self, raw.data(), static_cast<uint32_t>(raw.size()));
    for (size_t i = 0; i < calls.size(); i += 3) {
      calls[i].cancelled = true;
      node->cancel(self, raw[i]);
      if (round % 3 == 0) std::this_thread::yield();
    }
    node->base.destroy(self);  // the rest still waits or runs
    for (PressedCall& call : calls) ASSERT_EQ(call.answers, 1);
  }
}

}  // namespace
