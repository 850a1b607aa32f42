// SPDX-License-Identifier: Apache-2.0
//
// A host for unit tests of a sidecar, driven through the plugin's own entry. What a sidecar does on threads of its own is waited for.
//
//   FakeHost host;
//   FakeSidecar sidecar(host, "Programs", R"({"command":["cat"]})");
//   const auto worker = sidecar.connect("localhost:1");
//   const auto one = sidecar.assign(worker, {.inputs = R"([{"name":"item","value":21}])"});  // waits for credit
//   sidecar.wait_done(one).value   // "21"
//
// What it does against heddle/sidecar.h is listed by host.faults().
#pragma once
#include <heddle/sidecar.h>

#include "fake_object.h"

namespace heddle::sdk {

class FakeSidecar {
 public:
  // What the sidecar has said of an assignment up to now.
  struct Done {
    bool done = false;
    heddle_status status = HEDDLE_OK;
    std::string result;                     // JSON
    std::string outcome, value, ref;        // "status", "value" and "ref" of one that went well
    std::string code, error_class, message; // of one that did not
    std::vector<std::string> progress;      // JSON
  };
  struct Worker {
    bool here = false;
    std::string facts;  // JSON; "" as long as it was never here
    std::string gone;   // why it is not; "" as long as nobody has said
    uint64_t credit = 0;
  };

  // Created and activated; it is deactivated and destroyed when this goes. Throws Error with its reason.
  FakeSidecar(FakeHost& host, std::string_view type, std::string_view params = "{}")
      : object_(host, HEDDLE_KIND_SIDECAR, type, params, HEDDLE_ASSIGNMENTS, &service(), this) {}
  ~FakeSidecar() {
    object_.close();
    for (const auto& [id, given] : given_)
      if (!given.said.done) object_.fault("it never said that assignment " + std::to_string(id) + " is done");
  }
  FakeSidecar(const FakeSidecar&) = delete;

  // `more`: further members of the options, as in "\"most_bytes\":100"; they count before those that stand here.
  heddle_id connect(std::string_view endpoint, uint64_t slots = 4, std::string_view more = {}) {
    const std::string given = more.empty() ? std::string() : std::string(more) + ",";
    std::string text = "{" + given + "\"endpoint\":\"" + std::string(endpoint) + "\",\"version\":{\"min\":\"1.0.0\",\"max\":\"1.0.0\"},\"slots\":" + std::to_string(slots);
    for (const auto& [name, number] : std::map<std::string, uint64_t>{{"connect_ms", 60'000}, {"reattach_ms", 60'000}, {"most_bytes", 1 << 20}})
      if (given.find("\"" + name + "\"") == given.npos) text += ",\"" + name + "\":" + std::to_string(number);
    const fake::Owned options = object_.value(text + "}");
    heddle_id id;
    {
      std::lock_guard lock(mutex_);
      id = ++last_id_;
      workers_[id];
    }
    object_.answered(&heddle_sidecar::connect, id, fake::handle(options.value));
    return id;
  }
  struct Given {
    std::string_view inputs = "[]";  // JSON; {"bytes": "text"} of an input becomes BYTES
    std::string_view activity = "a", run = "1", kind = {}, checkpoint = {};
    uint64_t deadline_ns = 0;
  };
  // Waits for credit.
  heddle_id assign(heddle_id worker, const Given& given) {
    const fake::Owned inputs = object_.value(given.inputs);
    for (fake::FakeValue* input : inputs->children)
      for (size_t i = 0; i < input->keys.size(); ++i)
        if (input->keys[i] == "bytes") input->children[i]->kind = HEDDLE_BYTES;
    heddle_assignment a{};
    a.struct_size = sizeof a;
    {
      std::unique_lock lock(mutex_);
      await(lock, [&] { return workers_[worker].credit > 0; }, "a worker takes nothing more");
      --workers_[worker].credit;
      a.assignment = ++last_id_;
      given_[a.assignment].worker = worker;
    }
    const auto str = [](std::string_view text) { return heddle_str{text.data(), text.size()}; };
    a.activity = str(given.activity);
    a.run = str(given.run);
    a.kind = str(given.kind);
    a.checkpoint = str(given.checkpoint);
    a.deadline_ns = given.deadline_ns;
    a.inputs = fake::handle(inputs.value);
    object_.call(&heddle_sidecar::assign, worker, &a);
    return a.assignment;
  }
  void cancel(heddle_id assignment, std::string_view reason, std::chrono::milliseconds grace) {
    object_.call(&heddle_sidecar::cancel, assignment, heddle_str{reason.data(), reason.size()}, static_cast<uint64_t>(std::chrono::nanoseconds(grace).count()));
  }
  void drain(heddle_id worker) { object_.call(&heddle_sidecar::drain, worker); }
  // The facts, as JSON. Throws Error where it is not well.
  std::string probe(heddle_id worker) {
    return object_.answered(&heddle_sidecar::probe, worker);
  }
  // Waits until nothing of the worker is left.
  void disconnect(heddle_id worker) {
    object_.answered(&heddle_sidecar::disconnect, worker);
    std::lock_guard lock(mutex_);
    workers_.erase(worker);
    for (auto& [id, given] : given_)
      if (given.worker == worker && !given.said.done) object_.fault("it disconnected a worker, and never said that assignment " + std::to_string(id) + " is done");
  }

  Worker wait_here(heddle_id worker) {
    return wait_worker(worker, [](const Worker& w) { return w.here && w.credit > 0; }, "a worker does not come");
  }
  Worker wait_gone(heddle_id worker) {
    return wait_worker(worker, [](const Worker& w) { return !w.here && !w.gone.empty(); }, "a worker does not go");
  }
  Done wait_progress(heddle_id assignment) {
    return wait(assignment, [](const Done& d) { return d.done || !d.progress.empty(); }, "an assignment is not taken up");
  }
  Done wait_done(heddle_id assignment) {
    return wait(assignment, [](const Done& d) { return d.done; }, "an assignment does not come to its end");
  }
  uint64_t credit(heddle_id worker) {
    std::lock_guard lock(mutex_);
    return workers_[worker].credit;
  }

 private:
  struct Open {
    heddle_id worker = 0;
    Done said;
  };
  template <class Come>
  void await(std::unique_lock<std::mutex>& lock, Come&& come, const char* otherwise) {
    if (!changed_.wait_for(lock, std::chrono::minutes(2), come)) throw Error(HEDDLE_DEADLINE, otherwise);
  }
  template <class Come>
  Done wait(heddle_id id, Come&& come, const char* otherwise) {
    std::unique_lock lock(mutex_);
    await(lock, [&] { return come(given_[id].said); }, otherwise);
    return given_[id].said;
  }
  template <class Come>
  Worker wait_worker(heddle_id id, Come&& come, const char* otherwise) {
    std::unique_lock lock(mutex_);
    await(lock, [&] { return come(workers_[id]); }, otherwise);
    return workers_[id];
  }

  static FakeSidecar& of(const heddle_host* h) { return *static_cast<FakeSidecar*>(FakeObject<heddle_sidecar>::context_of(h)); }
  // heddle.assignments/1.
  template <class Fn>
  static void of_worker(const heddle_host* h, heddle_id id, const char* what, Fn&& fn) noexcept {
    auto& self = of(h);
    std::lock_guard lock(self.mutex_);
    const auto found = self.workers_.find(id);
    if (found == self.workers_.end()) return self.object_.fault(std::string("it ") + what + " the worker " + std::to_string(id) + ", which does not exist");
    fn(self, found->second);
    self.changed_.notify_all();
  }
  template <class Fn>
  static void of_assignment(const heddle_host* h, heddle_id id, const char* what, Fn&& fn) noexcept {
    auto& self = of(h);
    std::lock_guard lock(self.mutex_);
    const auto found = self.given_.find(id);
    if (found == self.given_.end() || found->second.said.done) return self.object_.fault(std::string("it ") + what + " the assignment " + std::to_string(id) + ", which is not open");
    fn(self, found->second.said);
    self.changed_.notify_all();
  }
  static void here(const heddle_host* h, heddle_id worker, const heddle_value* facts) noexcept {
    of_worker(h, worker, "spoke of", [&](FakeSidecar&, Worker& w) {
      w.here = true;
      w.gone.clear();
      w.facts = fake::text_of(facts);
    });
  }
  static void grant(const heddle_host* h, heddle_id worker, uint32_t assignments) noexcept {
    of_worker(h, worker, "granted assignments of", [&](FakeSidecar& self, Worker& w) {
      if (!w.here && assignments > 0) self.object_.fault("it granted assignments of a worker that is not here");
      w.credit += assignments;
    });
  }
  static void gone(const heddle_host* h, heddle_id worker, heddle_status status, heddle_str why) noexcept {
    of_worker(h, worker, "spoke of", [&](FakeSidecar& self, Worker& w) {
      if (!w.here && !w.gone.empty()) self.object_.fault("it said twice that a worker is gone");
      if (status >= 0) self.object_.fault("it said that a worker is gone, and that all is well");
      w.here = false;
      w.credit = 0;
      w.gone = fake::text_of(why);
    });
  }
  static void progress(const heddle_host* h, heddle_id assignment, const heddle_value* said) noexcept {
    of_assignment(h, assignment, "spoke of", [&](FakeSidecar&, Done& d) { d.progress.push_back(fake::text_of(said)); });
  }
  static void done(const heddle_host* h, heddle_id assignment, heddle_status status, heddle_value* result) noexcept {
    const fake::Owned owned(result ? fake::mutable_of(result) : nullptr);
    of_assignment(h, assignment, "ended", [&](FakeSidecar& self, Done& d) {
      if (!result || owned->kind != HEDDLE_MAP) self.object_.fault("it ended an assignment without a result");
      d.done = true;
      d.status = status;
      d.result = fake::text_of(result);
      for (size_t i = 0; result && i < owned->keys.size(); ++i) {
        const std::string text = fake::text_of(fake::handle(owned->children[i]));
        for (auto& [name, member] : {std::pair<const char*, std::string*>{"status", &d.outcome}, {"value", &d.value}, {"ref", &d.ref}, {"code", &d.code}, {"class", &d.error_class}, {"message", &d.message}})
          if (owned->keys[i] == name) *member = text;
      }
    });
  }
  static const heddle_assignments_service& service() {
    static constexpr heddle_assignments_service kService = {sizeof(heddle_assignments_service), here, grant, gone, progress, done};
    return kService;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::map<heddle_id, Worker> workers_;
  std::map<heddle_id, Open> given_;
  heddle_id last_id_ = 0;
  FakeObject<heddle_sidecar> object_;
};

}  // namespace heddle::sdk
