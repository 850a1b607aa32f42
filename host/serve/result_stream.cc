#include "serve/result_stream.h"

#include <algorithm>
#include <utility>

#include "serve/control_state.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr size_t kMuchUnread = size_t{1} << 20, kMostUnread = size_t{64} << 20;

}  // namespace

void GivenUp::watch(const std::shared_ptr<Execution>& execution) {
  std::unique_lock lock(mutex_);
  std::erase_if(executions_, [](const auto& one) { return one.expired(); });
  executions_.push_back(execution);
  const bool given_up = given_up_;
  lock.unlock();
  if (given_up) execution->stop();
  else execution->go_on();  // it may have begun, and have had to wait, before it was known here
}

void GivenUp::give_up() {
  std::vector<std::weak_ptr<Execution>> all;
  {
    std::lock_guard lock(mutex_);
    given_up_ = true;
    all.swap(executions_);
  }
  for (const auto& one : all)
    if (const auto running = one.lock()) running->stop();
}

void GivenUp::go_on() {
  std::vector<std::weak_ptr<Execution>> all;
  {
    std::lock_guard lock(mutex_);
    all = executions_;
  }
  for (const auto& one : all)
    if (const auto running = one.lock()) running->go_on();
}

std::shared_ptr<ResultStream> ResultStream::begin(Request request, std::shared_ptr<GivenUp> given_up, std::string_view content_type) {
  const std::shared_ptr<ResultStream> stream(new ResultStream(request.stream(content_type), std::move(given_up)));
  const std::weak_ptr<ResultStream> weak = stream;
  stream->answer_.on_room([weak] {
    if (const auto self = weak.lock()) self->go_on();
  });
  stream->set_self(stream);
  stream->answer_.on_gone([weak, given_up = stream->given_up_] {
    given_up->give_up();
    if (const auto self = weak.lock()) self->set_self(nullptr);
  });
  return stream;
}

void ResultStream::add(Value part) {
  {
    std::lock_guard lock(mutex_);
    if (is_late_) return;
    unread_ += part.weight();
    waiting_.push_back(std::move(part));
    is_late_ = unread_ > kMostUnread;
    if (unread_ > kMuchUnread) is_full_ = true;
  }
  go_on();
}

void ResultStream::end(Result<void> outcome) {
  {
    std::lock_guard lock(mutex_);
    end_ = std::move(outcome);
  }
  go_on();
}

void ResultStream::go_on() {
  sending_.run([this] { send_all(); });
}

void ResultStream::send_all() {
  for (;;) {
    if (!next_ && !take()) return;
    if (answer_.send(next_) != Sent::kSent) return;  // on_room follows, or the peer has gone
    next_ = Value();
  }
}

// False: there is nothing to send now, or any more.
bool ResultStream::take() {
  std::optional<Result<void>> end;
  {
    std::unique_lock lock(mutex_);
    if (!is_late_ && !waiting_.empty()) {
      next_ = std::move(waiting_.front());
      waiting_.pop_front();
      unread_ -= std::min(unread_, next_.weight());
      const bool has_room = unread_ < kMuchUnread / 2 && is_full_.exchange(false);
      lock.unlock();
      if (has_room) given_up_->go_on();
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

void ResultStream::set_self(std::shared_ptr<ResultStream> self) {
  std::lock_guard lock(mutex_);
  self_.swap(self);  // what was there goes after the lock
}

void stream_results(Admitted admitted, Lanes& lanes, std::shared_ptr<Feed> items, Request request, ToldAs told) {
  const bool events = told == ToldAs::kEvents;
  const auto given_up = std::make_shared<GivenUp>();
  const auto stream = ResultStream::begin(std::move(request), given_up, events ? "text/event-stream" : "application/x-ndjson");
  const auto tell = [stream, events](std::string_view what, Value value) {
    if (events) stream->add(json_object({{"event", json_text(what)}, {"data", json_text(value.json())}}));
    else stream->add(json_object({{std::string(what), std::move(value)}}));
  };
  AsTheyCome each;
  each.output = [tell](uint64_t, Value value) { tell("output", std::move(value)); };
  each.failed = [tell](uint64_t, Value value) { tell("failed", std::move(value)); };
  each.is_full = [stream] { return stream->is_full(); };
  const auto done = [stream, tell, events](Executed executed) {
    if (!executed.run) tell("failed", error_json(executed.run.error()));
    else if (events) tell("end", json_object({}));
    stream->end(std::move(executed.run));
  };
  given_up->watch(Execution::start(std::move(admitted), lanes, std::move(items), done, std::move(each)));
}

}  // namespace heddle
