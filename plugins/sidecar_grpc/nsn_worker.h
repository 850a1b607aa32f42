// NsnWorker: one sidecar that speaks nsn.sidecar: how it is reached and made ready, which tasks it has in hand, and what is known of those whose call broke off. No I/O: what it wants
// done is done by CallOutside.
#pragma once
#include <google/protobuf/message_lite.h>
#include <nsn/sidecar.pb.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deeds.h"
#include "outside.h"

namespace sidecar_grpc {

// How a call ended.
enum class CallEnd : uint8_t {
  kAnswered,
  kNotFound,       // the sidecar knows no such thing
  kExists,
  kUnimplemented,  // it has no such method
  kRefused,        // any other status of its own
  kNotUnderstood,  // what it answered is not the message
  kUnsent,         // it never left
  kBroken,         // it may have arrived: what became of it nobody knows
  kLate,           // its time was up
  kCut,            // by us
};

struct CallSaid {
  CallEnd end = CallEnd::kAnswered;
  std::string why = {};    // of what is not an answer
  bool permanent = false;  // it would be refused again
};

// A call on its way.
class Ongoing {
 public:
  virtual ~Ongoing() = default;
  virtual void cut() = 0;  // [any] Call::ended follows
};

struct Call {
  const char* method;
  std::shared_ptr<const google::protobuf::MessageLite> asked;
  std::shared_ptr<google::protobuf::MessageLite> answer;  // filled before `ended`, where there is one
  uint64_t timeout_ns;
  std::function<void(const CallSaid& said)> ended;  // once, on any thread, without a lock; perhaps before `call` returns
};

// What a worker of nsn.sidecar wants besides.
class CallOutside : public Outside {
 public:
  virtual std::shared_ptr<Ongoing> call(Call call) = 0;
};

struct NsnOptions {
  std::string endpoint;
  uint32_t slots = 1;
  uint64_t connect_ns = 0, reattach_ns = 0;
  uint64_t prepare_ns = 600'000'000'000;  // the most that StartContainer, and LoadModel of each model, take
  uint64_t task_ns = 600'000'000'000;     // of a task without a deadline
  uint32_t lane = 0;                      // whose plugins are asked for
  std::optional<nsn::sidecar::StartContainerRequest> container = {};  // to be started
  nsn::sidecar::StopContainerRequest stop = {};                       // how it is stopped
  std::vector<nsn::sidecar::LoadModelRequest> models = {};            // to be there
};

struct NsnTask {
  heddle_id id = 0;
  uint64_t deadline_ns = 0;  // 0: none
  uint64_t most_ns = 0;      // without a deadline; 0: that of the options
  nsn::sidecar::ExecuteTaskRequest asked = {};
  std::string unfit = {};    // why the protocol cannot say it; empty: it can
};

// Any thread.
class NsnWorker : public Deeds<NsnWorker, CallOutside>, public std::enable_shared_from_this<NsnWorker> {
 public:
  static constexpr uint64_t kPollNs = 1'000'000'000;    // between two questions for one task
  static constexpr uint64_t kWatchPolls = 5;            // so many polls between two questions whether the sidecar is well
  static constexpr uint64_t kMarginNs = 2'000'000'000;  // so much later than its own time a call ends here: the sidecar may still say that it was too long
  static constexpr uint64_t kUnloadNs = 10'000'000'000;
  static constexpr size_t kMostPolls = 64;              // at a time
  using Probed = std::function<void(heddle::sdk::Value facts, const std::string& why)>;

  NsnWorker(std::shared_ptr<CallOutside> outside, NsnOptions options) : Deeds(std::move(outside)), options_(std::move(options)) {}

  void connect();
  void assign(NsnTask task);
  // False: it is none of this worker's.
  bool cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns);
  void drain();
  // What it says of itself; empty: it is not well, and why.
  void probe(Probed probed);
  // `gone` is called once nothing of it is left.
  void disconnect(std::function<void()> gone);

 private:
  struct Open {  // a call
    std::shared_ptr<Ongoing> ongoing = {};
    bool cut = false;
  };
  struct Given {
    heddle_id id = 0;
    std::string task = {};  // its id on the wire
    uint64_t deadline_ns = 0;
    uint64_t call = 0;      // ExecuteTask; 0: it is over, and only polls tell of the task
    uint64_t due_ns = 0;    // then it is too late, whatever is heard
    uint64_t heard_ns = 0;  // when something good was heard of it last, since its call is over
    const char* why_polled = "";  // since its call is over
    bool polled = false;    // a poll is on its way
    bool put_off = false;   // it waits for its turn to be polled
    bool cancelled = false;
    bool cut_off = false;   // it is done for the host, and its slot is not free
    std::string reason = {};
  };
  struct Probing {
    Probed probed;
    CallSaid health = {};
    nsn::sidecar::HealthCheckResponse said = {};
    std::optional<nsn::sidecar::GetVramStatusResponse> vram = {};
    int open = 2;
  };
  template <class Answer>
  using Then = void (NsnWorker::*)(heddle_id of, const CallSaid& said, const Answer& answer);

  // With the lock held. Handlers of calls, too: each is told what its call was of.
  template <class Answer, class Request>
  uint64_t ask(const char* method, Request request, uint64_t timeout_ns, heddle_id of, Then<Answer> then);
  void cut(uint64_t call);
  void reach();
  void try_again();
  void lose(const std::string& why);
  void on_reached(heddle_id, const CallSaid& said, const nsn::sidecar::HealthCheckResponse& answer);
  void on_started(heddle_id, const CallSaid& said, const nsn::sidecar::StartContainerResponse& answer);
  void on_container_seen(heddle_id, const CallSaid& said, const nsn::sidecar::HealthCheckResponse& answer);
  void see_models();
  void on_models_seen(heddle_id, const CallSaid& said, const nsn::sidecar::GetLoadedModelsResponse& answer);
  void load_next();
  void on_loaded(heddle_id, const CallSaid& said, const nsn::sidecar::LoadModelResponse& answer);
  void on_plugins(heddle_id, const CallSaid& said, const nsn::sidecar::ListPluginsResponse& answer);
  void say_here();
  void offer();
  void tick();
  void watch();
  void on_watched(heddle_id, const CallSaid& said, const nsn::sidecar::HealthCheckResponse& answer);
  void on_executed(heddle_id id, const CallSaid& said, const nsn::sidecar::ExecuteTaskResponse& answer);
  void attach(Given& given, const char* why);
  void poll(Given& given);
  void poll_all();
  void on_status(heddle_id id, const CallSaid& said, const nsn::sidecar::GetTaskStatusResponse& answer);
  void end_as_polled(const Given& given, const nsn::sidecar::GetTaskStatusResponse& answer);
  void fail_unheard(const Given& given);
  void give_up_unheard(const Given& given, const std::string& why);
  void ask_to_cancel(const Given& given, const std::string& reason);
  void on_cancel_heard(heddle_id id, const CallSaid& said, const nsn::sidecar::CancelTaskResponse& answer);
  void end_late(Given& given);
  void quarantine(Given& given, uint64_t ns);
  void finish(heddle_id id, heddle_status status, heddle::sdk::Value result);
  void fail(heddle_id id, heddle_status status, const std::string& code, const std::string& message, bool permanent = false);
  void release(heddle_id id);
  void on_probe_health(heddle_id id, const CallSaid& said, const nsn::sidecar::HealthCheckResponse& answer);
  void on_probe_vram(heddle_id id, const CallSaid& said, const nsn::sidecar::GetVramStatusResponse& answer);
  void end_probe(heddle_id id);
  void leave();
  void on_unloaded(heddle_id, const CallSaid&, const nsn::sidecar::UnloadModelResponse&) {}
  void on_stopped(heddle_id, const CallSaid&, const nsn::sidecar::StopContainerResponse&) {}
  std::string container() const { return options_.container ? options_.container->container_id() : std::string(); }
  std::string who() const { return "the sidecar at " + options_.endpoint; }
  // Without it:
  void on_again(heddle_id);
  void on_tick(heddle_id);
  void on_not_attached(heddle_id assignment);
  void on_due(heddle_id assignment);
  void on_grace_over(heddle_id assignment);
  void on_quarantine_over(heddle_id assignment);

  const NsnOptions options_;

  // Guarded by mutex_:
  std::map<uint64_t, Open> calls_;
  uint64_t last_call_ = 0;
  bool here_ = false, told_gone_ = false, draining_ = false, stopping_ = false, waits_to_try_ = false, ticking_ = false, watching_ = false;
  bool has_status_ = true;  // until it says that it has no GetTaskStatus
  uint64_t again_ns_ = kAgainNs;
  uint64_t ticks_ = 0;
  std::string last_why_ = "it was not reached yet";
  bool started_ = false, was_started_ = false;  // the container: asked for; known to have been started by us
  std::vector<size_t> missing_;                 // models to be loaded now, by their place in the options; the last one first
  std::map<std::string, bool> ours_;            // models that we asked it to load, and whether they were
  std::optional<std::vector<std::string>> tags_;
  std::map<heddle_id, Given> given_;
  heddle_id last_polled_ = 0;
  size_t polls_ = 0;               // on their way
  std::deque<heddle_id> put_off_;  // of which only polls tell, and there were too many
  uint64_t credit_ = 0;            // that the host has
  std::map<heddle_id, Probing> probings_;
  heddle_id last_probing_ = 0;
  int leaving_ = 0;  // steps of the leave that were taken
  std::function<void()> when_gone_;
};

template <class Answer, class Request>
uint64_t NsnWorker::ask(const char* method, Request request, uint64_t timeout_ns, heddle_id of, Then<Answer> then) {
  const uint64_t number = ++last_call_;
  calls_[number];
  const auto answer = std::make_shared<Answer>();
  const auto ended = [weak = weak_from_this(), number, of, then, answer](const CallSaid& said) {
    const auto self = weak.lock();
    if (!self) return;
    {
      std::lock_guard lock(self->mutex_);
      self->calls_.erase(number);
      (self.get()->*then)(of, said, *answer);
      self->leave();
    }
    self->carry_out();
  };
  deeds_.push_back([this, number, call = Call{method, std::make_shared<Request>(std::move(request)), answer, timeout_ns, ended}](CallOutside& outside) {
    const std::shared_ptr<Ongoing> ongoing = outside.call(call);
    std::lock_guard lock(mutex_);
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;  // it ended at once
    found->second.ongoing = ongoing;
    if (found->second.cut) deeds_.push_back([ongoing](Outside&) { ongoing->cut(); });
  });
  return number;
}

}  // namespace sidecar_grpc
