#include "execution.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "hosted.h"
#include "stream.h"
#include "worker.h"

namespace sidecar_grpc {
namespace {

using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::to_view;

// Seconds of the wall clock at which `deadline_ns` of the monotonic one comes.
int64_t unix_of(uint64_t deadline_ns, uint64_t now_ns) {
  if (deadline_ns == 0) return 0;
  timespec wall;
  ::clock_gettime(CLOCK_REALTIME, &wall);
  const uint64_t left = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
  return wall.tv_sec + static_cast<int64_t>((left + static_cast<uint64_t>(wall.tv_nsec) + 999'999'999) / 1'000'000'000);
}

void add_input(execution::v1::TaskAssignment& to, ValueRef input) {
  execution::v1::InputDescriptor& one = *to.add_inputs();
  one.set_name(text_of(input, "name"));
  one.set_media_type(text_of(input, "media_type"));
  if (const auto ref = input.find("ref").as_text()) one.set_ref(std::string(*ref));
  else if (const auto bytes = input.find("bytes").as_bytes()) one.set_inline_bytes(bytes->data(), bytes->size());
  else if (const ValueRef value = input.find("value")) one.set_inline_json(std::string(value.json()));
}

Assignment assignment_of(const heddle_assignment& a, uint64_t now_ns) {
  const auto text = [](heddle_str s) { return std::string(to_view(s)); };
  Assignment out{.id = a.assignment, .activity = text(a.activity), .run = text(a.run), .deadline_ns = a.deadline_ns, .said = {}};
  execution::v1::TaskAssignment& said = *out.said.mutable_assign();
  said.set_activity_id(out.activity);
  said.set_run_id(out.run);
  said.set_workflow_instance_id(text(a.workflow));
  said.set_task_kind(text(a.kind));
  said.set_task_version(text(a.version));
  said.set_upload_prefix(text(a.upload_prefix));
  said.set_soft_deadline_unix(unix_of(a.deadline_ns, now_ns));
  said.set_heartbeat_interval_s(static_cast<int32_t>((a.heartbeat_ms + 999) / 1000));
  const ValueRef inputs(a.inputs);
  for (size_t i = 0; i < inputs.size(); ++i) add_input(said, inputs.at(i));
  if (a.checkpoint.len > 0) {
    execution::v1::InputDescriptor& one = *said.add_inputs();
    one.set_name("checkpoint");
    one.set_ref(text(a.checkpoint));
  }
  return out;
}

class HostedLines : public Hosted<LineOutside> {
 public:
  using Hosted::Hosted;
  std::shared_ptr<Line> open(uint64_t line) override { return Stream::begin(site_.connection, lines_of, line); }

  std::weak_ptr<Worker> lines_of;  // set before the first line
};

class ExecutionPeer : public Peer {
 public:
  explicit ExecutionPeer(std::shared_ptr<Worker> worker) : worker_(std::move(worker)) {}
  void connect() override { worker_->connect(); }
  void assign(const heddle_assignment& a, uint64_t now_ns) override { worker_->assign(assignment_of(a, now_ns)); }
  bool cancel(heddle_id assignment, const std::string& reason, uint64_t grace_ns) override { return worker_->cancel(assignment, reason, grace_ns); }
  void drain() override { worker_->drain(); }
  void probe(Said said) override {
    std::string why;
    Value facts = worker_->facts(why);
    said(std::move(facts), why);
  }
  void disconnect(std::function<void()> gone) override { worker_->disconnect(std::move(gone)); }

 private:
  const std::shared_ptr<Worker> worker_;
};

}  // namespace

std::shared_ptr<Peer> execution_peer(const Site& site, ValueRef options) {
  const auto outside = std::make_shared<HostedLines>(site);
  const ValueRef version = options.find("version");
  const auto worker = std::make_shared<Worker>(outside, WorkerOptions{.endpoint = site.connection.endpoint,
                                                                      .versions = {text_of(version, "min"), text_of(version, "max")},
                                                                      .slots = slots_of(options),
                                                                      .reattach_ns = number_of(options, "reattach_ms", 0) * 1'000'000,
                                                                      .most_bytes = site.connection.most_bytes});
  outside->lines_of = worker;
  return std::make_shared<ExecutionPeer>(worker);
}

}  // namespace sidecar_grpc
