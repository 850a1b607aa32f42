#include "serve/result_stream.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "serve/control_state.h"
#include "serve/one_at_a_time.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMostUnread = size_t{64} << 20;

class ResultStream : public std::enable_shared_from_this<ResultStream> {
 public:
  explicit ResultStream(AnswerStream answer) : answer_(std::move(answer)) {}

  void begin() {
    answer_.on_room([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->go_on();
    });
    set_self(shared_from_this());
    answer_.on_gone([weak = weak_from_this(), given_up = given_up_] {
      given_up->give_up();
      if (const auto self = weak.lock()) self->set_self(nullptr);
    });
  }
  GivenUp& given_up() { return *given_up_; }

  void add(std::string name, Value value) {
    {
      std::lock_guard lock(mutex_);
      if (is_late_) return;
      unread_ += value.weight();
      waiting_.push_back(json_object({{std::move(name), std::move(value)}}));
      is_late_ = unread_ > kMostUnread;
    }
    go_on();
  }
  void end(Result<void> run) {
    if (!run) add("failed", error_json(run.error()));
    {
      std::lock_guard lock(mutex_);
      end_ = std::move(run);
    }
    go_on();
  }

 private:
  void go_on() {
    sending_.run([this] { send_all(); });
  }

  void send_all() {
    for (;;) {
      if (!next_ && !take()) return;
      if (answer_.send(next_) != Sent::kSent) return;  // on_room follows, or the peer has gone
      next_ = Value();
    }
  }

  // False: there is nothing to send now, or any more.
  bool take() {
    std::optional<Result<void>> end;
    {
      std::lock_guard lock(mutex_);
      if (!is_late_ && !waiting_.empty()) {
        next_ = std::move(waiting_.front());
        waiting_.pop_front();
        unread_ -= std::min(unread_, next_.weight());
        return true;
      }
      if (is_late_) end = Error("exhausted", "the peer leaves too much unread");
      else end = std::exchange(end_, std::nullopt);
    }
    if (!end || std::exchange(is_ended_, true)) return false;
    set_self(nullptr);     // whoever called us holds us
    given_up_->give_up();  // of one that is over: nothing
    if (*end) answer_.end();
    else answer_.break_off(status_of(end->error()), end->error().text());
    return false;
  }

  void set_self(std::shared_ptr<ResultStream> self) {
    std::lock_guard lock(mutex_);
    self_.swap(self);  // what was there goes after the lock
  }

  const std::shared_ptr<GivenUp> given_up_ = std::make_shared<GivenUp>();
  OneAtATime sending_;
  // Of whoever sends:
  AnswerStream answer_;
  Value next_;
  bool is_ended_ = false;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<ResultStream> self_;  // until its end was sent, or nobody wants it
  std::deque<Value> waiting_;
  size_t unread_ = 0;
  bool is_late_ = false;
  std::optional<Result<void>> end_;
};

}  // namespace

void GivenUp::watch(const std::shared_ptr<Execution>& execution) {
  std::unique_lock lock(mutex_);
  execution_ = execution;
  if (!given_up_) return;
  lock.unlock();
  execution->stop();
}

void GivenUp::give_up() {
  std::shared_ptr<Execution> running;
  {
    std::lock_guard lock(mutex_);
    given_up_ = true;
    running = execution_.lock();
  }
  if (running) running->stop();
}

void stream_results(Admitted admitted, Lanes& lanes, std::vector<Value> items, Request request) {
  const auto stream = std::make_shared<ResultStream>(request.stream("application/x-ndjson"));
  stream->begin();
  AsTheyCome each;
  each.output = [stream](Value value) { stream->add("output", std::move(value)); };
  each.failed = [stream](Value value) { stream->add("failed", std::move(value)); };
  stream->given_up().watch(Execution::start(std::move(admitted), lanes, std::move(items), [stream](Executed done) { stream->end(std::move(done.run)); }, std::move(each)));
}

}  // namespace heddle
