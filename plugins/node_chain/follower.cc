#include "follower.h"

#include <algorithm>
#include <span>
#include <utility>

#include "failure.h"

namespace node_chain {

using namespace heddle::sdk;

namespace {

constexpr int64_t kWaitMs = 10'000;  // so long one question waits for something to happen; then it is asked again
constexpr uint64_t kFirstRestNs = 500'000'000, kLongestRestNs = 30'000'000'000;

std::string text_of(ValueRef value) { return std::string(value.as_text().value_or("")); }

// An event of a page, so that it is known again: a block has one of each index, and is removed once before it comes again.
std::string name_of(ValueRef event) {
  const ValueRef index = event.find("index");
  return text_of(event.find("block_hash")) + "/" + (event.find("event").as_text() == "removed" ? "removed" : index ? std::string(index.json()) : "");
}

}  // namespace

void Follower::begin(Call call) {
  call_ = std::move(call);
  wake();
}

void Follower::wake() {
  const auto self = shared_from_this();  // answering the call may end the node
  {
    std::lock_guard lock(mutex_);
    is_news_ = true;
    if (std::exchange(is_running_, true)) return;
  }
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (!std::exchange(is_news_, false)) {
        is_running_ = false;
        return;
      }
    }
    Step next = Step::kAgain;
    while (next == Step::kAgain) next = run_step();
    if (next != Step::kOver) continue;
    Call call = std::move(call_);
    const heddle_status status = ending_;
    const std::string why = std::move(why_);
    Value details = std::move(details_);
    page_ = {};
    {
      std::lock_guard lock(mutex_);
      is_running_ = is_news_ = false;
    }
    return status == HEDDLE_OK ? call.complete() : call.fail(status, why, std::move(details));
  }
}

void Follower::stop() {
  std::lock_guard lock(mutex_);
  answer_.reset();
}

Follower::Step Follower::run_step() noexcept {
  Step next = Step::kOver;
  detail::guard([&] { next = step(); }, [&](heddle_status status, std::string_view why) {
    ending_ = status;
    detail::guard([&] { why_ = why; }, [](auto&&...) {});
  });
  return next;
}

Follower::Step Follower::step() {
  if (!call_) return Step::kWait;
  std::unique_ptr<Answer> answer;
  {
    std::lock_guard lock(mutex_);
    answer = std::move(answer_);
  }
  if (call_.is_cancelled()) return give_up();
  if (answer) return take_answer(std::move(*answer));
  if (page_) return give();
  {
    std::lock_guard lock(mutex_);
    if (is_asking_ || is_resting_) return Step::kWait;
  }
  return ask();
}

// The answer to what was asked is waited for: it comes at once.
Follower::Step Follower::give_up() {
  heddle_id asked = 0, timer = 0;
  void* resting = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (is_asking_) asked = asked_;
    timer = std::exchange(timer_, 0);
    resting = resting_;
  }
  if (timer != 0 && detail::services.sched->cancel(host_.get(), timer)) delete static_cast<std::shared_ptr<Follower>*>(resting);
  if (asked != 0) link_.cancel(asked);
  std::lock_guard lock(mutex_);
  is_resting_ = false;
  if (is_asking_) return Step::kWait;
  ending_ = HEDDLE_CANCELLED;
  why_ = "cancelled";
  return Step::kOver;
}

Follower::Step Follower::fail(heddle_status status, const std::string& why, Value details) {
  ending_ = status;
  why_ = why;
  details_ = std::move(details);
  return Step::kOver;
}

Follower::Step Follower::take_answer(Answer answer) {
  if (answer.status == HEDDLE_UNAVAILABLE && !following_.to_the_end) return wait_before_asking(answer.why);
  if (answer.status != HEDDLE_OK) return fail(answer.status, answer.why, details_of(answer.result));
  if (!answer.result.find("cursor")) return fail(HEDDLE_INTERNAL, "the chain gave a page of events without a cursor");
  page_ = std::move(answer.result);
  next_ = 0;
  rest_ns_ = 0;
  return Step::kAgain;
}

Follower::Step Follower::give() {
  const ValueRef events = page_.find("events");
  for (; next_ < events.size(); ++next_) {
    Value event = Value::share(events.at(next_));
    std::string name = name_of(event);
    if (const auto skipped = skipped_.find(name); skipped != skipped_.end()) {
      skipped_.erase(skipped);
    } else if (!call_.try_emit(0, event)) {
      return Step::kWait;
    }
    given_.push_back(std::move(name));
  }
  const bool has_none = events.size() == 0;
  cursor_ = Value::share(page_.find("cursor"));
  page_ = {};
  given_.clear();
  skipped_.clear();
  if (!has_none || !following_.to_the_end) return Step::kAgain;
  ending_ = HEDDLE_OK;
  return Step::kOver;
}

Value Follower::question() const {
  std::vector<Value::Entry> q;
  const auto add = [&](ValueRef members) {
    for (size_t i = 0; i < members.size(); ++i) {
      std::string_view name;
      const ValueRef value = members.at(i, &name);
      q.push_back({name, Value::share(value)});
    }
  };
  add(following_.filter);
  if (cursor_) q.push_back({"after", cursor_});
  else add(following_.beginning);
  // Without a cursor an answer is wanted at once: what is missed until there is one is missed for good.
  q.push_back({"wait_ms", Value::integer(cursor_ && !following_.to_the_end ? kWaitMs : 0)});
  return Value::map(std::span(q));
}

Follower::Step Follower::ask() {
  const Value q = question();
  auto ctx = std::make_unique<std::shared_ptr<Follower>>(shared_from_this());
  {
    std::lock_guard lock(mutex_);
    is_asking_ = true;
    asked_ = 0;
  }
  const heddle_id asked = link_.events(q, &answered, ctx.get());
  if (asked != 0) static_cast<void>(ctx.release());  // answered() has it, or has had it
  std::lock_guard lock(mutex_);
  if (asked == 0) {
    is_asking_ = false;
    return fail(HEDDLE_UNAVAILABLE, "it is being stopped");
  }
  if (is_asking_) asked_ = asked;
  return Step::kWait;
}

void Follower::answered(void* ctx, heddle_status status, heddle_value* result, heddle_str why) noexcept {
  const std::unique_ptr<std::shared_ptr<Follower>> own(static_cast<std::shared_ptr<Follower>*>(ctx));
  Follower& follower = **own;
  Value value = Value::adopt(result);
  std::unique_ptr<Answer> answer;
  detail::guard([&] { answer = std::make_unique<Answer>(Answer{status, std::move(value), std::string(why.ptr, why.len)}); },
                [](auto&&...) {});  // without memory for it the same is asked again
  {
    std::lock_guard lock(follower.mutex_);
    follower.is_asking_ = false;
    follower.asked_ = 0;
    follower.answer_ = std::move(answer);
  }
  follower.wake();
}

Follower::Step Follower::wait_before_asking(const std::string& why) {
  if (rest_ns_ == 0) host_.log().warn("the chain cannot be asked for events, and is asked again: " + why);
  rest_ns_ = rest_ns_ == 0 ? kFirstRestNs : std::min(rest_ns_ * 2, kLongestRestNs);
  if (!detail::services.sched) return fail(HEDDLE_UNAVAILABLE, why);
  auto ctx = std::make_unique<std::shared_ptr<Follower>>(shared_from_this());
  {
    std::lock_guard lock(mutex_);
    is_resting_ = true;
    timer_ = 0;
    resting_ = ctx.get();
  }
  const heddle_id timer = detail::services.sched->after(host_.get(), rest_ns_, &rested, ctx.get());
  std::lock_guard lock(mutex_);
  if (timer == 0) {
    is_resting_ = false;
    return fail(HEDDLE_UNAVAILABLE, why);
  }
  static_cast<void>(ctx.release());  // rested() has it
  if (is_resting_) timer_ = timer;
  return Step::kWait;
}

void Follower::rested(void* ctx) noexcept {
  const std::unique_ptr<std::shared_ptr<Follower>> own(static_cast<std::shared_ptr<Follower>*>(ctx));
  Follower& follower = **own;
  {
    std::lock_guard lock(follower.mutex_);
    if (follower.resting_ == ctx) {
      follower.is_resting_ = false;
      follower.timer_ = 0;
    }
  }
  follower.wake();
}

Value Follower::place() const {
  std::vector<Value> given;
  for (const std::string& name : given_) given.push_back(Value::string(name));
  if (!cursor_ && given.empty()) return {};
  std::vector<Value::Entry> place;
  if (cursor_) place.push_back({"cursor", cursor_});
  place.push_back({"given", Value::list(std::move(given))});
  return Value::map(std::span(place));
}

void Follower::go_to(ValueRef place) {
  const ValueRef given = place.find("given");
  if (!given.is(HEDDLE_LIST)) throw Error(HEDDLE_INVALID, "what was kept of the last run is no place in a chain's events");
  cursor_ = Value::share(place.find("cursor"));
  for (size_t i = 0; i < given.size(); ++i) skipped_.insert(text_of(given.at(i)));
}

}  // namespace node_chain
