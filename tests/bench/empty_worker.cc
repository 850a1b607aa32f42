// A worker of execution.v1 that does nothing, as fast as it can, with the whole protocol: capabilities, acks, capacity, completions. Its result says when the assignment was there and when the
// completion left (CLOCK_MONOTONIC, ns). For sidecar_bench.
//
//   empty_worker SLOTS      says its port on stdout, and goes when its input ends
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>

#include "execution/v1/execution.pb.h"

namespace {

using execution::v1::Envelope;

uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

class Stream : public grpc::ServerGenericBidiReactor {
 public:
  explicit Stream(uint32_t slots) : slots_(slots) { StartRead(&read_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    const uint64_t got = now_ns();
    std::vector<grpc::Slice> slices;
    (void)read_.Dump(&slices);
    std::string bytes;
    for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    Envelope said;
    if (said.ParseFromString(bytes)) answer(said, got);
    StartRead(&read_);
  }
  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    is_writing_ = false;
    if (ok) write();
  }
  void OnDone() override { delete this; }

 private:
  void answer(const Envelope& said, uint64_t got) {
    if (said.has_hello()) {
      Envelope ack, capabilities, capacity;
      ack.mutable_hello_ack()->set_min("1.0.0");
      ack.mutable_hello_ack()->set_max("1.0.0");
      capabilities.mutable_capabilities()->set_max_concurrency(slots_);
      capacity.mutable_capacity()->set_available_slots(slots_);
      for (const Envelope* one : {&ack, &capabilities, &capacity}) say(*one);
    }
    if (!said.has_assign()) return;
    Envelope ack, completion, capacity;
    ack.mutable_ack()->set_activity_id(said.assign().activity_id());
    ack.mutable_ack()->set_run_id(said.assign().run_id());
    say(ack);
    auto& done = *completion.mutable_completion();
    done.set_activity_id(said.assign().activity_id());
    done.set_run_id(said.assign().run_id());
    done.set_status("SUCCESS");
    done.set_result_inline("{\"begun\":" + said.assign().inputs(0).inline_json() + ",\"got\":" + std::to_string(got) + ",\"sent\":" + std::to_string(now_ns()) + "}");
    say(completion);
    capacity.mutable_capacity()->set_available_slots(slots_);
    say(capacity);
  }
  void say(const Envelope& one) {
    const std::string bytes = one.SerializeAsString();
    const grpc::Slice slice(bytes);
    std::lock_guard lock(mutex_);
    unsaid_.emplace_back(&slice, 1);
    if (!is_writing_) write();
  }
  // mutex_ held
  void write() {
    if (unsaid_.empty()) return;
    writing_ = std::move(unsaid_.front());
    unsaid_.pop_front();
    is_writing_ = true;
    grpc::WriteOptions options;
    if (!unsaid_.empty()) options.set_buffer_hint();
    StartWrite(&writing_, options);
  }

  const uint32_t slots_;
  grpc::ByteBuffer read_, writing_;
  std::mutex mutex_;
  std::deque<grpc::ByteBuffer> unsaid_;  // guarded by mutex_
  bool is_writing_ = false;              // guarded by mutex_
};

class Worker : public grpc::CallbackGenericService {
 public:
  explicit Worker(uint32_t slots) : slots_(slots) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override { return new Stream(slots_); }

 private:
  const uint32_t slots_;
};

}  // namespace

int main(int count, char** words) {
  Worker worker(count > 1 ? static_cast<uint32_t>(std::atoi(words[1])) : 64);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&worker);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  std::printf("%d\n", port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::_Exit(0);
}
