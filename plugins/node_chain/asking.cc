#include "asking.h"

#include <utility>

#include "failure.h"

namespace node_chain {

using namespace heddle::sdk;

void Asking::read(Call call, const Value& question) {
  const CallId id = call.id();
  Open* const open = add(std::move(call));
  begun(open, id, link_.read(question, &answered, open));
}

void Asking::submit(Call call, const std::string& key, const Value& intent) {
  const CallId id = call.id();
  Open* const open = add(std::move(call));
  begun(open, id, link_.submit(key, intent, &answered, open));
}

Asking::Open* Asking::add(Call call) {
  const CallId id = call.id();
  std::lock_guard lock(mutex_);
  return open_.emplace(id, std::make_unique<Open>(Open{this, std::move(call)})).first->second.get();
}

// It may have been answered meanwhile, and `open` be gone; another of the same id is none of ours.
void Asking::begun(Open* open, CallId id, heddle_id asked) {
  if (asked == 0) return take(*open, id)->call.fail(HEDDLE_UNAVAILABLE, "it is being stopped");
  bool is_unwanted = false;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.get() != open) return;
    open->asked = asked;
    is_unwanted = open->is_unwanted;
  }
  if (is_unwanted) link_.cancel(asked);
}

void Asking::cancel(CallId id) {
  heddle_id asked = 0;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    asked = found->second->asked;
    found->second->is_unwanted = true;
  }
  if (asked != 0) link_.cancel(asked);
}

std::unique_ptr<Asking::Open> Asking::take(const Open& open, CallId id) {
  std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end() || found->second.get() != &open) return nullptr;
  std::unique_ptr<Open> taken = std::move(found->second);
  open_.erase(found);
  return taken;
}

void Asking::answered(void* ctx, heddle_status status, heddle_value* result, heddle_str why) noexcept {
  Open& open = *static_cast<Open*>(ctx);
  Asking& asking = *open.asking;
  const std::unique_ptr<Open> own = asking.take(open, open.call.id());
  Value value = Value::adopt(result);
  detail::guard([&] { asking.answer(own->call, status, std::move(value), {why.ptr, why.len}); }, [&](heddle_status failed, std::string_view reason) {
    if (own->call) own->call.fail(failed, reason);
  });
}

void Asking::answer(Call& call, heddle_status status, Value result, std::string_view why) const {
  if (status != HEDDLE_OK) return call.fail(status, why, status == HEDDLE_CANCELLED ? Value() : details_of(result));
  if (!result) result = Value::null();
  if (!result_.empty()) result = Value::map({{"item", Value::share(call.input())}, {result_, std::move(result)}});
  call.emit(std::move(result));
  call.complete();
}

}  // namespace node_chain
