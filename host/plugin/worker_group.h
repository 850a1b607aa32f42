// WorkerGroup: workers that an activity can be had from, all alike, kept as long as somebody may have one done. What is known of each (credit, breaker) is shared by all who use the group.
//
// An activity waits until a worker that is there has granted credit; then it is assigned, and uses one up. Who waits is served by priority, then as it came. Runs of one activity follow each
// other; one that was cut off by its time limit may still go on in a worker that does not obey, while the next one runs: only what may be done twice gets a next one.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lanes/errands.h"
#include "plugin/broker_handle.h"
#include "plugin/sidecar_handle.h"
#include "plugin/worker_settings.h"
#include "resilience/endpoint_pool.h"
#include "result.h"

namespace heddle {

struct ActivityRequest {
  AssignmentOrder order;     // `run` and `deadline_ns` are said here
  uint64_t deadline_ns = 0;  // the caller's; 0: none but the policy's
  bool repeatable = false;   // it may be done twice
  uint32_t priority = 3;     // as lanes have it: 0 goes first
  bool preemptible = false;  // it may be run again for one of a higher priority that finds no room
  std::string run_prefix = {};  // of the ids of its runs: no two who ask for the same activity have the same
};

struct ActivityRun {
  std::string run, address;
  std::string error = {};  // empty: it is under way, or went well
  uint64_t took_ns = 0;
};

// What an activity came to; what the endings mean stands in heddle/draft/sidecars.h.
struct ActivityAnswer {
  enum class Ending : uint8_t { kDone, kRefused, kFailed, kLost, kTimedOut, kNoWorker, kCancelled };
  Ending ending = Ending::kDone;
  Error why = {};     // with the reason of each run; not with kDone
  Value result = {};  // kDone: as the sidecar gave it
  std::vector<ActivityRun> runs = {};
  uint64_t took_ns = 0;
};
std::string_view name_of(ActivityAnswer::Ending ending);

// Any thread, one at a time; it must not block. `answered` once, and nothing after it.
struct ActivityHearing {
  std::function<void(ActivityAnswer)> answered;
  std::function<void(const Value& said, const ActivityRun& run)> progress = {};
};

class WorkerGroup : public std::enable_shared_from_this<WorkerGroup> {
 public:
  using Id = uint64_t;
  static constexpr size_t kMostWaiting = 65'536;

  // `errands` outlives it.
  // `processes`: those of its workers that this host has started. `broker`: null: what inputs refer to are URLs already.
  WorkerGroup(WorkerSettings settings, std::shared_ptr<SidecarHandle> sidecar, Errands& errands, std::vector<std::unique_ptr<WorkerProcess>> processes = {},
              std::unique_ptr<BrokerHandle> broker = nullptr);

  // [start] Begins to look for the workers. Errors: what the sidecar says of its options.
  Result<void> connect();
  // [setup] Leaves the workers, and waits for that. No activity is open, and none follows.
  void close();

  // [any] Nothing here blocks; the answer may come before it returns.
  Id assign(const ActivityPolicy& policy, ActivityRequest request, ActivityHearing hearing);
  // [any] The answer comes at once, if it has not come already; the worker is asked to give it up.
  void cancel(Id activity, const std::string& reason);

  const WorkerSettings& settings() const { return settings_; }
  struct Standing {
    EndpointPool::Endpoint endpoint;
    bool here = false;
    uint64_t credit = 0;
    Value facts = {};    // as the sidecar gave them; empty: it was never there
    std::string gone = {};  // why it is not there
    bool refused = false;   // it is there, but its versions and ours do not meet
  };
  // [any] How the workers stand, in their order.
  std::vector<Standing> standing(uint64_t now) const;
  size_t waiting() const;
  // [any] How many assignments at a time those workers have that are there.
  uint64_t slots() const;
  uint64_t last_used_ns() const { return last_used_ns_; }

 private:
  enum class State : uint8_t {
    kWaiting,
    kBackoff,
    kAssigned,
    kEnding,  // assigned, and told to give up for its time limit
    kOver     // it has its answer, which waits until progress was told
  };
  // What is to be told when no lock is held.
  struct Told {
    std::shared_ptr<const ActivityHearing> hearing;
    ActivityAnswer answer;
  };
  struct Activity {
    Id id = 0;
    ActivityPolicy policy;
    ActivityRequest request;
    std::shared_ptr<const ActivityHearing> hearing;
    State state = State::kWaiting;
    uint64_t begun_ns = 0, until_ns = 0, due_ns = 0;
    uint32_t attempts = 0;  // runs that a worker may have had
    uint32_t unsent = 0;    // runs in a row that none had
    size_t run = 0;         // the number of the last one
    // Of the run under way:
    size_t worker = 0;
    EndpointPool::Pick pick = {};
    heddle_id assignment = 0;  // 0: not known yet
    std::string upload_url = {}, upload_object = {};
    std::vector<std::pair<std::string, std::string>> urls = {};  // each with its object
    uint64_t sent_ns = 0;
    std::vector<ActivityRun> runs;    // the last ones
    bool makes_room = false;          // kEnding, for one of a higher priority
    bool telling = false;             // of progress
    std::optional<Told> over = {};
  };
  struct Worker {
    heddle_id id = 0;
    bool here = false;
    uint64_t credit = 0;
    Value facts = {};
    std::string gone = {};  // why it is not there; empty: nobody has said yet
    bool refused = false;   // gone, for its versions
  };
  using Place = std::pair<uint32_t, Id>;  // priority, then age
  struct Dropped {
    heddle_id assignment = 0;
    std::string reason;
    uint64_t grace_ns = 0;
  };
  // What is to be done when no lock is held.
  struct After {
    std::vector<Told> told;
    std::vector<Dropped> dropped;
  };
  struct Sending {
    Id id = 0;
    size_t run = 0;  // from 1
    size_t worker = 0;
    AssignmentOrder order;
    std::string upload_object = {};  // what order.upload_prefix, then a URL for it, stands for
  };
  // An assignment that waits for URLs.
  struct Granting {
    Sending sending;
    std::mutex mutex;
    size_t left = 0;              // guarded by mutex
    std::optional<Error> failed;  // guarded by mutex
    std::vector<std::pair<const std::string*, std::string>> names = {};  // where in the order each URL goes, and the object it is for
  };

  void here(size_t worker, const Value& facts);
  void granted(size_t worker, uint32_t assignments);
  void gone(size_t worker, const Error& why);
  void progressed(Id id, size_t run, const Value& said);
  void done(Id id, size_t run, Result<Value> result);

  void pump();
  std::optional<Sending> next(After& after);
  void make_room(After& after);
  void look_again_for_room();
  void send(Sending sending);
  void ask_broker(BrokerHandle& broker, Sending sending);
  void put_url(const std::shared_ptr<Granting>& granting, const std::string& object, std::string* where, Result<GrantedUrl> url);
  void send_granted(Granting& granting);
  void assign_to_worker(const Sending& sending);
  void take_back(const Sending& sending);
  void sent(const Sending& sending, heddle_id assignment);

  // [mutex_ held]
  Activity* find(Id id, size_t run);
  void wait_for_worker(Activity& a);
  bool had_its_time(const Activity& a, uint64_t now) const;
  void begin_run(Activity& a, size_t worker, EndpointPool::Pick pick, uint64_t now);
  void end_run(Activity& a, CallOutcome outcome, std::string error, uint64_t now);
  void settle(Activity& a, Result<Value> result, uint64_t now, After& after);
  bool try_again(Activity& a, const Error& why, uint64_t now);
  void finish(Activity& a, ActivityAnswer::Ending ending, Error why, Value result, uint64_t now, After& after);
  void drop(const Activity& a, const std::string& reason, After& after) const;
  void set_due(Activity& a, uint64_t due_ns);
  void arm();
  bool is_anybody_here() const;
  std::string absent_text(uint64_t now) const;

  void look();
  void come_due(Activity& a, uint64_t now, After& after);
  void carry_out(After after);
  // What a worker says, with the names of objects in the place of URLs that are secret.
  static Value with_names(const Value& said, const std::vector<std::pair<std::string, std::string>>& urls);
  void keep_probing();
  void probe_all();

  const WorkerSettings settings_;
  std::vector<std::unique_ptr<WorkerProcess>> processes_;  // until close()
  const std::shared_ptr<SidecarHandle> sidecar_;
  Errands& errands_;
  EndpointPool pool_;
  std::atomic<uint64_t> last_used_ns_{0};

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<BrokerHandle> broker_;  // until close()
  std::vector<Worker> workers_;
  std::map<Id, std::unique_ptr<Activity>> open_;
  std::set<Place> waiting_;
  std::set<std::pair<uint64_t, Id>> due_;
  Id last_ = 0;
  size_t preemptible_ = 0;  // of those that are assigned
  std::deque<uint64_t> making_room_;  // until when those are waited for that were told to; each credit takes one away
  uint64_t absent_since_ns_;  // 0: somebody is there
  Errands::Id timer_ = 0;
  uint64_t timer_ns_ = 0;
  bool pumping_ = false, probing_ = false;
};

}  // namespace heddle
