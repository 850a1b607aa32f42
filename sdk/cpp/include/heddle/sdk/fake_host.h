// SPDX-License-Identifier: Apache-2.0
//
// A host for unit tests: link a plugin's object files into the test program, and drive its nodes through the plugin's own entry.
//
//   FakeHost host;
//   FakeNode node = host.create("Multiply", R"({"multiplier":2})");
//   node.send("21")->outputs()   // {"42"}
//
// It runs everything on the calling thread, time stands until advance(), and what the plugin does against the ABI is listed by faults(). A plugin may have threads of its own, which log and
// complete ops: wait() waits for them. Objects of other kinds than nodes: fake_object.h.
#pragma once
#include <heddle/call.h>
#include <heddle/log.h>
#include <heddle/node.h>
#include <heddle/plugin.h>
#include <heddle/sched.h>
#include <heddle/state.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>

#include "error.h"
#include "fake_value_table.h"

namespace heddle::sdk {

class FakeHost;

// A call or another op, and what became of it. Lives as long as its host.
class FakeCall {
 public:
  struct Emitted {
    uint32_t port;
    std::string json;
  };

  bool done() const;
  heddle_status status() const { return status_; }  // once done
  const std::string& why() const { return why_; }
  const std::string& details() const { return details_; }  // JSON of what went with the answer; "" where nothing did
  const std::vector<Emitted>& emitted() const { return emitted_; }
  // The JSON texts that came out of one port.
  std::vector<std::string> outputs(uint32_t port = 0) const {
    std::vector<std::string> texts;
    for (const Emitted& e : emitted_) {
      if (e.port == port) texts.push_back(e.json);
    }
    return texts;
  }
  // True if the node took the input, so that a failure could not carry it.
  bool taken() const { return taken_; }

  FakeCall(FakeHost& host, fake::FakeValue* input, uint32_t port, uint64_t sequence)
      : host_(host), input_(input), had_input_(input), port_(port), sequence_(sequence) {}
  FakeCall(const FakeCall&) = delete;
  ~FakeCall() { drop_input(); }

 private:
  friend class FakeHost;
  friend class FakeNode;
  template <class Table>
  friend class FakeObject;
  using Room = std::map<uint32_t, size_t>;  // by port
  void drop_input() {
    if (input_) std::exchange(input_, nullptr)->release();
  }

  FakeHost& host_;
  fake::FakeValue* input_;
  bool had_input_;
  uint32_t port_;
  uint64_t sequence_;
  std::shared_ptr<Room> room_;     // of its node
  std::vector<uint32_t> waiting_;  // the ports whose emit was answered AGAIN
  std::vector<Emitted> emitted_;
  bool done_ = false, taken_ = false;
  std::atomic<bool> cancelled_{false};
  heddle_status status_ = HEDDLE_OK;
  std::string why_, details_;
};

// One node: created and activated; deactivated and destroyed when it dies.
class FakeNode {
 public:
  FakeNode(FakeNode&& other) noexcept
      : host_(other.host_),
        self_(std::exchange(other.self_, nullptr)),
        table_(other.table_),
        room_(std::move(other.room_)),
        asynchronous_(other.asynchronous_) {}
  ~FakeNode();

  FakeCall* send(std::string_view json, uint32_t port = 0) { return send_batch({json}, port)[0]; }
  // One process() with so many calls.
  std::vector<FakeCall*> send_batch(std::vector<std::string_view> jsons, uint32_t port = 0);
  FakeCall* start_source() { return process({nullptr}, 0)[0]; }
  FakeCall* finish();  // null if the node has no finish
  void cancel(FakeCall* call);
  // From now on the port takes so many values; calls that wait are resumed.
  void set_room(uint32_t port, size_t values);
  void deactivate();  // throws Error where the node fails
  void activate();
  std::optional<std::string> save();  // JSON; nothing if the node keeps no state

 private:
  friend class FakeHost;
  using Room = FakeCall::Room;
  FakeNode(FakeHost& host, void* self, const heddle_node* table, bool asynchronous)
      : host_(&host), self_(self), table_(table), room_(std::make_shared<Room>()), asynchronous_(asynchronous) {}
  std::vector<FakeCall*> process(std::vector<fake::FakeValue*> inputs, uint32_t port);
  const heddle_state* state() const {
    return table_->base.get_extension ? static_cast<const heddle_state*>(table_->base.get_extension(self_, HEDDLE_STATE)) : nullptr;
  }
  void life(void (*step)(void*, heddle_op*) HEDDLE_FN);

  FakeHost* host_;
  void* self_;
  const heddle_node* table_;
  std::shared_ptr<Room> room_;  // ports not in here take everything
  bool asynchronous_;
  bool active_ = false;
};

class FakeHost {
 public:
  // Throws Error where the plugin's init fails.
  explicit FakeHost(const heddle_entry& entry = heddle_entry_v1);
  FakeHost(const FakeHost&) = delete;
  ~FakeHost() {
    if (entry_.deinit) entry_.deinit();
  }

  // Creates and activates a node. `saved`: JSON that save() gave. Throws Error with the node's reason where any of it fails.
  FakeNode create(std::string_view type, std::string_view params = "{}", std::optional<std::string_view> saved = {});
  // The types of nodes that the plugin offers, and the descriptor of one; empty if it has none of that name.
  std::vector<std::string> types() const;
  std::string descriptor(std::string_view type) const;

  // What plugins are to find under an id besides the services that every host has. Borrowed: it outlives the host.
  void add_service(const char* id, const void* service) { services_[id] = service; }

  // Lets time pass and runs what is due, in order, and what was posted.
  void advance(std::chrono::milliseconds time);
  void run_posted() { advance(std::chrono::milliseconds(0)); }

  // Waits until an op is completed; Error where that takes longer than a test may.
  void wait(const FakeCall& op);
  // A value for a plugin's function, of JSON. Throws Error where the text is none.
  fake::Owned value(std::string_view json) const;

  // While threads of the plugin run, these are a copy of what was so far.
  std::vector<std::string> lines() const { return locked(lines_); }    // log lines, each as "level: text"
  std::vector<std::string> faults() const { return locked(faults_); }  // broken rules of the ABI, a sentence each
  static int64_t live_values() { return fake::FakeValue::alive; }     // 0 once nothing leaks
  const heddle_host* table() const { return &host_; }

 private:
  friend class FakeNode;
  friend class FakeCall;
  template <class Table>
  friend class FakeObject;
  struct Job {
    uint64_t due_ns;
    heddle_id id;
    heddle_job_fn fn;
    void* ctx;
  };

  static FakeHost& of(const heddle_host* h) { return *static_cast<FakeHost*>(h->host_data); }
  static FakeCall& of(const heddle_call* c) { return *reinterpret_cast<FakeCall*>(const_cast<heddle_call*>(c)); }
  static FakeCall& of(const heddle_op* o) { return *reinterpret_cast<FakeCall*>(const_cast<heddle_op*>(o)); }
  static const void* get_service(const heddle_host*, const char* id) noexcept;
  static heddle_op_service op_service();
  static heddle_call_service call_service();
  static heddle_log_service log_service();
  static heddle_sched_service sched_service();

  FakeCall& add_call(fake::FakeValue* input, uint32_t port) { return calls_.emplace_back(*this, input, port, input ? ++sequence_ : 0); }
  void answer(FakeCall& call, heddle_status status, std::string_view why, const fake::FakeValue* details);
  void fault(std::string sentence) {
    std::lock_guard lock(mutex_);
    faults_.push_back(std::move(sentence));
  }
  std::vector<std::string> locked(const std::vector<std::string>& all) const {
    std::lock_guard lock(mutex_);
    return all;
  }
  heddle_id add_job(uint64_t delay_ns, heddle_job_fn fn, void* ctx) {
    jobs_.push_back({now_ns_ + delay_ns, ++last_job_, fn, ctx});
    return last_job_;
  }
  const heddle_factory& factory(const char* kind = HEDDLE_KIND_NODE) const;
  uint32_t count_nodes() const { return entry_.get_factory(HEDDLE_KIND_NODE) ? factory().count() : 0; }
  [[noreturn]] void throw_failure(heddle_status status, std::string_view what);

  const heddle_entry& entry_;
  heddle_host host_{};
  std::deque<FakeCall> calls_;
  std::vector<Job> jobs_;
  uint64_t now_ns_ = 1'000'000'000, sequence_ = 0;
  heddle_id last_job_ = 0;
  std::map<std::string, const void*, std::less<>> services_;
  std::string failure_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_, faults_;  // guarded by mutex_, as are the outcomes of ops
};

inline bool FakeCall::done() const {
  std::lock_guard lock(host_.mutex_);
  return done_;
}

inline void FakeHost::answer(FakeCall& call, heddle_status status, std::string_view why, const fake::FakeValue* details) {
  std::lock_guard lock(mutex_);
  if (call.done_) return faults_.push_back("completed a call twice");
  call.status_ = status;
  call.why_ = why;
  if (details) details->write(call.details_);
  call.drop_input();  // was made of JSON: nothing of the plugin's hears of it
  call.done_ = true;
  changed_.notify_all();
}

inline heddle_op_service FakeHost::op_service() {
  heddle_op_service s{};
  s.struct_size = sizeof s;
  s.deadline_ns = [](const heddle_op*) noexcept { return uint64_t{0}; };
  s.is_cancelled = [](const heddle_op* op) noexcept { return of(op).cancelled_.load(); };
  s.trace = [](const heddle_op*) noexcept { return heddle_str{"", 0}; };
  s.complete = [](heddle_op* op, heddle_status status, heddle_value* result, heddle_str why) noexcept {
    const fake::Owned details(result ? fake::mutable_of(result) : nullptr);
    of(op).host_.answer(of(op), status, {why.ptr ? why.ptr : "", why.len}, details.value);
  };
  return s;
}

inline heddle_call_service FakeHost::call_service() {
  heddle_call_service s{};
  s.struct_size = sizeof s;
  s.op = [](heddle_call* c) noexcept { return reinterpret_cast<heddle_op*>(c); };
  s.port = [](const heddle_call* c) noexcept { return of(c).port_; };
  s.input = [](const heddle_call* c) noexcept { return static_cast<const heddle_value*>(fake::handle(of(c).input_)); };
  s.take = [](heddle_call* c) noexcept {
    of(c).taken_ = of(c).input_ != nullptr;
    return fake::handle(std::exchange(of(c).input_, nullptr));
  };
  s.emit = [](heddle_call* c, uint32_t port, heddle_value* v) noexcept -> heddle_status {
    FakeCall& call = of(c);
    if (call.done()) {
      call.host_.fault("emitted after it had completed the call");
      return HEDDLE_INVALID;
    }
    if (call.room_ && call.room_->contains(port)) {
      size_t& room = (*call.room_)[port];
      if (room == 0) {
        call.waiting_.push_back(port);
        return HEDDLE_AGAIN;
      }
      --room;
    }
    std::string json;
    fake::of(v).write(json);
    call.emitted_.push_back({port, std::move(json)});
    fake::mutable_of(v)->release();
    return HEDDLE_OK;
  };
  s.item = [](const heddle_call* c, heddle_item* out) noexcept {
    if (!of(c).had_input_) return false;
    *out = {out->struct_size, 1, of(c).sequence_, of(c).sequence_, 0};
    return true;
  };
  return s;
}

inline heddle_log_service FakeHost::log_service() {
  heddle_log_service s{};
  s.struct_size = sizeof s;
  s.enabled = [](const heddle_host*, heddle_level) noexcept { return true; };
  s.write = [](const heddle_host* h, heddle_level level, heddle_str line) noexcept {
    static constexpr const char* kNames[] = {"debug: ", "info: ", "warn: ", "error: "};
    std::lock_guard lock(of(h).mutex_);
    of(h).lines_.push_back(kNames[level < 0 || level > 3 ? 1 : level] + std::string(line.ptr, line.len));
  };
  return s;
}

inline heddle_sched_service FakeHost::sched_service() {
  heddle_sched_service s{};
  s.struct_size = sizeof s;
  s.now_ns = [](const heddle_host* h) noexcept { return of(h).now_ns_; };
  s.post = [](const heddle_host* h, heddle_job_fn fn, void* ctx) noexcept -> heddle_status {
    of(h).add_job(0, fn, ctx);
    return HEDDLE_OK;
  };
  s.after = [](const heddle_host* h, uint64_t delay_ns, heddle_job_fn fn, void* ctx) noexcept { return of(h).add_job(delay_ns, fn, ctx); };
  s.cancel = [](const heddle_host* h, heddle_id timer) noexcept {
    return std::erase_if(of(h).jobs_, [timer](const Job& j) { return j.id == timer; }) > 0;
  };
  return s;
}

inline const void* FakeHost::get_service(const heddle_host* h, const char* id) noexcept {
  static const heddle_value_service values = fake::make_value_service();
  static const heddle_op_service ops = op_service();
  static const heddle_call_service calls = call_service();
  static const heddle_log_service logs = log_service();
  static const heddle_sched_service sched = sched_service();
  std::string_view name = id;
  if (name == HEDDLE_VALUE) return &values;
  if (name == HEDDLE_OP) return &ops;
  if (name == HEDDLE_CALL) return &calls;
  if (name == HEDDLE_LOG) return &logs;
  if (name == HEDDLE_SCHED) return &sched;
  const auto& added = of(h).services_;
  const auto found = added.find(name);
  return found == added.end() ? nullptr : found->second;
}

inline FakeHost::FakeHost(const heddle_entry& entry) : entry_(entry) {
  host_ = {
      sizeof host_,
      HEDDLE_ABI_MINOR,
      this,
      {"heddle", 6},
      {"0.0.0", 5},
      {"test", 4},
      &get_service,
      [](const heddle_host* h, heddle_status, heddle_str why, const heddle_value*) noexcept { of(h).failure_.assign(why.ptr, why.len); }};
  if (heddle_status status = entry_.init ? entry_.init(&host_) : HEDDLE_OK; status != HEDDLE_OK) throw_failure(status, "init failed");
}

inline void FakeHost::throw_failure(heddle_status status, std::string_view what) {
  std::string why = std::exchange(failure_, {});
  throw Error(status, why.empty() ? std::string(what) : why);
}

inline fake::Owned FakeHost::value(std::string_view json) const {
  auto v = fake::JsonReader(json).read();
  if (!v) throw Error(HEDDLE_INVALID, "the test's text is not JSON: " + std::string(json));
  return std::move(*v);
}

inline const heddle_factory& FakeHost::factory(const char* kind) const {
  const auto* const factory = static_cast<const heddle_factory*>(entry_.get_factory(kind));
  if (!factory) throw Error(HEDDLE_NOT_FOUND, std::string("the plugin has no factory for ") + kind);
  return *factory;
}

inline std::vector<std::string> FakeHost::types() const {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < count_nodes(); ++i) names.emplace_back(factory().type(i)->id);
  return names;
}

inline std::string FakeHost::descriptor(std::string_view type) const {
  for (uint32_t i = 0; i < count_nodes(); ++i) {
    if (factory().type(i)->id == type) return factory().type(i)->descriptor;
  }
  return {};
}

inline FakeNode FakeHost::create(std::string_view type, std::string_view params, std::optional<std::string_view> saved) {
  std::string id(type);
  const fake::Owned config = value(params);
  void* self = nullptr;
  const void* table = nullptr;
  heddle_status status = factory().create(&host_, id.c_str(), fake::handle(config.value), &self, &table);
  if (status != HEDDLE_OK) throw_failure(status, "create failed");
  const fake::Owned described = value(descriptor(type));
  auto in_flight = std::ranges::find(described->keys, "max_in_flight");
  bool asynchronous =
      in_flight != described->keys.end() && described->children[static_cast<size_t>(in_flight - described->keys.begin())]->integer > 0;
  FakeNode node(*this, self, static_cast<const heddle_node*>(table), asynchronous);
  if (saved) {
    const fake::Owned kept = value(*saved);
    if (!node.state()) throw Error(HEDDLE_UNSUPPORTED, "the node keeps no state");
    if (heddle_status restored = node.state()->restore(self, fake::handle(kept.value)); restored != HEDDLE_OK)
      throw_failure(restored, "restore failed");
  }
  node.activate();
  return node;
}

inline void FakeHost::wait(const FakeCall& op) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::minutes(2), [&] { return op.done_; })) throw Error(HEDDLE_DEADLINE, "an operation is not completed");
}

inline void FakeHost::advance(std::chrono::milliseconds time) {
  uint64_t until = now_ns_ + static_cast<uint64_t>(std::chrono::nanoseconds(time).count());
  for (;;) {
    auto next =
        std::ranges::min_element(jobs_, [](const Job& a, const Job& b) { return std::pair(a.due_ns, a.id) < std::pair(b.due_ns, b.id); });
    if (next == jobs_.end() || next->due_ns > until) break;
    Job job = *next;
    jobs_.erase(next);
    now_ns_ = std::max(now_ns_, job.due_ns);
    job.fn(job.ctx);
  }
  now_ns_ = until;
}

inline FakeNode::~FakeNode() {
  if (!self_) return;
  if (active_ && table_->base.deactivate) {
    FakeCall& op = host_->add_call(nullptr, 0);
    table_->base.deactivate(self_, reinterpret_cast<heddle_op*>(&op));
  }
  table_->base.destroy(self_);
}

inline void FakeNode::life(void (*step)(void*, heddle_op*) HEDDLE_FN) {
  if (!step) return;
  FakeCall& op = host_->add_call(nullptr, 0);
  step(self_, reinterpret_cast<heddle_op*>(&op));
  while (!op.done() && !host_->jobs_.empty()) host_->advance(std::chrono::milliseconds(1));
  if (!op.done()) return host_->fault("never answered activate or deactivate");
  if (op.status() != HEDDLE_OK) throw Error(op.status(), op.why());
}

inline void FakeNode::activate() {
  life(table_->base.activate);
  active_ = true;
}

inline void FakeNode::deactivate() {
  active_ = false;
  life(table_->base.deactivate);
}

inline std::optional<std::string> FakeNode::save() {
  if (!state()) return std::nullopt;
  heddle_value* saved = state()->save(self_);
  if (!saved) return std::nullopt;
  fake::Owned value(fake::mutable_of(saved));
  std::string json;
  value->write(json);
  return json;
}

inline std::vector<FakeCall*> FakeNode::process(std::vector<fake::FakeValue*> inputs, uint32_t port) {
  std::vector<FakeCall*> calls;
  std::vector<heddle_call*> raw;
  for (fake::FakeValue* input : inputs) {
    calls.push_back(&host_->add_call(input, port));
    calls.back()->room_ = room_;
    raw.push_back(reinterpret_cast<heddle_call*>(calls.back()));
  }
  table_->process(self_, raw.data(), static_cast<uint32_t>(raw.size()));
  for (FakeCall* call : calls) {
    if (!asynchronous_ && !call->done()) host_->fault("returned from process without an answer, and is not asynchronous");
  }
  return calls;
}

inline std::vector<FakeCall*> FakeNode::send_batch(std::vector<std::string_view> jsons, uint32_t port) {
  std::vector<fake::FakeValue*> inputs;
  for (std::string_view json : jsons) inputs.push_back(host_->value(json).take());
  return process(std::move(inputs), port);
}

inline FakeCall* FakeNode::finish() {
  if (!table_->finish) return nullptr;
  FakeCall& call = host_->add_call(nullptr, 0);
  call.room_ = room_;
  table_->finish(self_, reinterpret_cast<heddle_call*>(&call));
  return &call;
}

inline void FakeNode::cancel(FakeCall* call) {
  call->cancelled_ = true;
  if (table_->cancel) table_->cancel(self_, reinterpret_cast<heddle_call*>(call));
}

inline void FakeNode::set_room(uint32_t port, size_t values) {
  (*room_)[port] = values;
  for (FakeCall& call : host_->calls_) {
    bool waits = call.room_ == room_ && !call.done() && std::erase(call.waiting_, port) > 0;
    if (waits && values > 0 && table_->resume) table_->resume(self_, reinterpret_cast<heddle_call*>(&call), port);
  }
}

}  // namespace heddle::sdk
