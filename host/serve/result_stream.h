// Results of a pipeline for a peer: as parts of an answer, as soon as they are there; and executions that end when nobody waits for them any more.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plugin/request.h"
#include "serve/execution.h"
#include "serve/one_at_a_time.h"

namespace heddle {

// The executions that a peer waits for: they end when it goes, perhaps before they have begun, and make nothing more while it does not read. Any thread.
class GivenUp {
 public:
  void watch(const std::shared_ptr<Execution>& execution);
  void give_up();
  // It reads again.
  void go_on();

 private:
  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<std::weak_ptr<Execution>> executions_;
  bool given_up_ = false;
};

// The parts of one answer, kept until the peer takes them. Where many are left unread, what makes them waits. A peer that leaves more unread than is kept for it all the same, or goes, is
// given up, and what it waited for with it. Any thread.
class ResultStream : public std::enable_shared_from_this<ResultStream> {
 public:
  // `given_up`: what is given up with it.
  static std::shared_ptr<ResultStream> begin(Request request, std::shared_ptr<GivenUp> given_up, std::string_view content_type = "application/x-ndjson");

  void add(Value part);
  bool is_full() const { return is_full_.load(std::memory_order_acquire); }
  // After the last part; an error breaks the answer off.
  void end(Result<void> outcome);

 private:
  ResultStream(AnswerStream answer, std::shared_ptr<GivenUp> given_up) : given_up_(std::move(given_up)), answer_(std::move(answer)) {}
  void go_on();
  void send_all();
  bool take();
  void set_self(std::shared_ptr<ResultStream> self);

  const std::shared_ptr<GivenUp> given_up_;
  OneAtATime sending_;
  // Of whoever sends:
  AnswerStream answer_;
  Value next_;
  bool is_ended_ = false;

  std::atomic<bool> is_full_{false};
  std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<ResultStream> self_;  // until its end was sent, or nobody wants it
  std::deque<Value> waiting_;
  size_t unread_ = 0;
  bool is_late_ = false;
  std::optional<Result<void>> end_;
};

// How results are told as they come: a line each, {"output": …} or {"failed": …}; or an event each, "output" or "failed", and "end" after the last one.
enum class ToldAs : uint8_t { kLines, kEvents };

// [any] Answers `request` so. If the run as a whole fails, that is the last that is told, and the answer breaks off.
void stream_results(Admitted admitted, Lanes& lanes, std::shared_ptr<Feed> items, Request request, ToldAs told);

}  // namespace heddle
