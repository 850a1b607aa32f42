// For tests of the control: a host with lanes, jobs and pipelines that is asked over HTTP, by the plugin that serves it in earnest.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "serve/control.h"
#include "served.h"
#include "value/json_value.h"

namespace heddle {

struct Answer {
  int status = 0;
  Value json;
  std::string body;
  std::string retry_after;
  std::string code() const { return text("/error/code"); }
  std::string message() const { return text("/error/message"); }
  std::string text(const char* pointer) const {
    const Value found = json ? json.pointer(pointer) : Value();
    return std::string(found ? found.as_text().value_or("") : "");
  }
  int64_t number(const char* pointer) const {
    const Value found = json ? json.pointer(pointer) : Value();
    return found ? found.as_int().value_or(-1) : -1;
  }
};

inline const std::vector<TokenSettings> kTokens = {
    {"reader", "read-token", {Scope::kRead}}, {"client", "submit-token", {Scope::kSubmit}}, {"boss", "admin-token", {Scope::kAdmin}}};
inline const char* token_of(Scope scope) { return scope == Scope::kRead ? "read-token" : scope == Scope::kSubmit ? "submit-token" : "admin-token"; }

class Controlled {
 public:
  explicit Controlled(std::vector<TokenSettings> tokens = {}, std::vector<std::string> open = {}, Jobs::Settings settings = {}, std::string states = {})
      : state_dir(std::move(states)), jobs(lanes, settings), control(host(), std::make_shared<Access>(std::move(tokens), std::move(open))) {
    add_types();
    ListenLimits limits;
    limits.requests = 1'000;
    served = std::make_unique<Served>([this](Request request) { control.receive(std::move(request)); }, limits, R"({"connections":200})", Control::operations(),
                                      std::string(Control::kOtherwise));
  }
  ~Controlled() {
    release_all();
    control.close_streams();
    EXPECT_TRUE(served->faults.empty());
    served.reset();
    jobs.shutdown(60'000);
  }

  Answer ask(const std::string& what, const std::string& body = "", const std::string& headers = "") {
    Peer peer(served->port);
    peer.ask(what, headers + (body.empty() ? "" : "Content-Type: application/json\r\n"), body);
    return answer_of(peer.reply());
  }
  static Answer answer_of(const Reply& reply) {
    auto parsed = Value::parse(reply.body);
    return {reply.status, parsed ? *std::move(parsed) : Value(), reply.body, reply.header("retry-after")};
  }
  // Submits a job and gives its id.
  int64_t submit(const std::string& body) {
    const Answer answer = ask("POST /v1/jobs", body);
    EXPECT_TRUE(answer.status == 202 || answer.status == 200) << answer.body;
    return answer.number("/id");
  }
  Answer over(int64_t id) { return ask("GET /v1/jobs/" + std::to_string(id) + "/wait?timeout_ms=60000"); }
  void release_all() {
    std::lock_guard lock(mutex_);
    holding_ = false;
    for (const JobRun& run : held_) run.complete(Value::null());
    held_.clear();
  }

  const std::string state_dir;  // empty: nothing is kept
  Lanes lanes{3};
  Jobs jobs;
  ServedPipelines pipelines;
  std::shared_ptr<const Catalog> catalog = std::make_shared<const Catalog>(Catalog::scan({HEDDLE_OUR_PLUGINS}));
  Outside outside{lanes, catalog};
  std::atomic<bool> is_ready{true};
  std::atomic<int> reloads{0};
  std::function<Result<Value>()> reload = [] { return Result<Value>(json_object({{"changed", json_count(0)}})); };
  Control control;
  std::unique_ptr<Served> served;

 private:
  Control::Host host() {
    Control::Host h;
    h.lanes = &lanes;
    h.jobs = &jobs;
    h.pipelines = &pipelines;
    h.catalog = [this] { return catalog; };
    h.outside = &outside;
    h.state_dir = state_dir;
    h.describe = [] { return json_object({{"version", json_text("1.2.3")}, {"started_ms", json_count(1'700'000'000'000)}}); };
    h.ready = [this]() -> Result<void> {
      if (!is_ready) return Error("starting", "the store is not open yet");
      return {};
    };
    h.reload = [this] {
      ++reloads;
      return reload();
    };
    return h;
  }
  void add_types() {
    jobs.add_type("echo", [](JobRun run) { run.complete(run.payload() ? run.payload() : Value::null()); });
    jobs.add_type("fail", [](JobRun run) { run.complete(Error("broken", "it is broken")); });
    jobs.add_type("report", [](JobRun run) {
      run.progress({.percent = 50, .message = "half way"});
      run.complete(Value::null());
    });
    // Runs until it is cancelled, or release_all().
    jobs.add_type("hold", [this](JobRun run) {
      run.on_stop([run](JobRun::Stop) { run.complete(Error("cancelled", "told to stop", ErrorClass::kCancelled)); });
      std::lock_guard lock(mutex_);
      if (holding_) held_.push_back(run);
      else run.complete(Value::null());
    });
  }
  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<JobRun> held_;
  bool holding_ = true;
};

}  // namespace heddle
