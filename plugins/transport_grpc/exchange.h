// Exchange: one request of a peer and its answer, between gRPC's callbacks and whichever thread of the host answers.
#pragma once
#include <grpcpp/support/server_callback.h>
#include <heddle/transport.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "clock.h"
#include "credit.h"
#include "exchanges.h"
#include "methods.h"
#include "stream_messages.h"
#include "waiter.h"

namespace transport_grpc {

class Listener;

class Exchange final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>, public Waiter, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Listener& listener, const Method& method, grpc::CallbackServerContext& context) : listener_(listener), method_(method), context_(context) {}
  // For gRPC. It keeps itself until it is over.
  static Exchange* begin(Listener& listener, const Method& method, grpc::CallbackServerContext& context);

  void answer(const heddle_answer& a) override;
  void part(heddle_value* v) override;
  void end(heddle_status status, std::string_view why) override;
  void grant(uint32_t parts) override;
  void give_up() override;
  // A peer that keeps us waiting too long is cut off.
  void look(uint64_t now) override;
  void close() override {}  // it has time until its end

  // By gRPC.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class State : uint8_t { kReading, kAsked, kStreaming, kEnded };

  void start();
  void take_message();
  void take_stream_message();
  void ask();
  void settle();
  void conclude();
  // With the lock held:
  void open(StreamRequestSaid said);
  void read_on();
  void send(grpc::ByteBuffer message, bool counts);
  void go_on();
  void finish(const Failure& failure);
  void finish_with(const grpc::ByteBuffer& reply);
  void host_erred(std::string_view what);
  bool is_owed() const { return state_ == State::kAsked; }
  bool is_health() const { return method_.path == std::string_view(kHealthPath); }

  Listener& listener_;
  const Method& method_;
  grpc::CallbackServerContext& context_;
  std::shared_ptr<Exchange> self_;  // until it is over
  uint64_t deadline_ns_ = 0;
  Metadata metadata_;
  grpc::ByteBuffer in_;
  // Of whoever reads:
  Wanted wanted_;
  std::string lines_;  // of a stream, what the host is asked with

  std::mutex mutex_;
  // Guarded by mutex_:
  State state_ = State::kReading;
  heddle_id id_ = 0;  // once the host is asked
  struct Message {
    grpc::ByteBuffer bytes;
    bool counts;  // against the credit
  };
  std::deque<Message> out_;  // the first one is being written, if `writing_`
  uint64_t parts_out_ = 0;   // of these, those that count
  bool writing_ = false;
  std::optional<grpc::Status> end_;  // once everything is written
  Credit credit_;
  // Of a stream's items:
  bool opened_ = false;
  bool more_ = false;                // items may come
  bool told_end_ = false;            // the host has heard that none do
  std::deque<std::string> items_;    // said, and not yet taken by the host
  uint64_t item_credit_ = 0;         // so many it takes
  uint64_t items_said_ = 0, items_granted_ = 0, items_owed_ = 0;  // in all; of those that are granted, what the peer has not been told
  bool paused_ = false;              // nothing is read until it has taken them
  uint64_t silent_ns_ = kNever;      // by then the peer must have said something
  bool settling_ = false;  // somebody speaks to the host
  bool given_up_ = false;  // by the host
  bool done_ = false;      // gRPC has forgotten it
  bool cancelled_ = false;  // and had been told by the peer, or by time
  bool over_due_ = false;   // the last word is to be said by who speaks to the host
  uint64_t due_ns_ = kNever;
};

}  // namespace transport_grpc
