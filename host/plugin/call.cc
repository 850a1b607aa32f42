#include "plugin/call.h"

#include <algorithm>

#include "plugin/host_table.h"
#include "plugin/plugin_text.h"

namespace heddle {
namespace {

// Answers of calls that were given up, remembered per batch.
constexpr size_t kMostOwed = 1'024;

// The batch that this thread has entered.
thread_local CallBatch* t_entered = nullptr;

// A handle is the object's address with its generation in the top 16 bits: user space addresses have at most 48.
constexpr unsigned kGenerationShift = 48;
constexpr uintptr_t kAddressMask = (uintptr_t{1} << kGenerationShift) - 1;

template <class T>
T* tagged(T* object, uint16_t generation) {
  return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(object) | (uintptr_t{generation} << kGenerationShift));
}
template <class T>
T* address(const T* handle) {
  return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(handle) & kAddressMask);
}
uint16_t generation(const void* handle) { return static_cast<uint16_t>(reinterpret_cast<uintptr_t>(handle) >> kGenerationShift); }

// The word of a call that this handle may still answer.
uint32_t open_word(const void* handle) { return heddle_op::word_of(generation(handle), heddle_op::kOpen); }

std::string_view view(heddle_str s) { return s.ptr ? std::string_view(s.ptr, s.len) : std::string_view(); }

// The id of the n-th value (from 0) that a call emits: the first keeps the input's, so that an id names an item along its way; the others are derived from it,
// the same at every attempt. The multiplier is 2^64 / golden ratio (Knuth, TAOCP 3, 6.4).
uint64_t emitted_id(uint64_t parent, uint32_t n) { return n == 0 ? parent : (parent + n) * 0x9E3779B97F4A7C15u ^ (parent >> 7); }

// What a plugin answered with a negative status.
Error failure_of(int32_t status, const Value& details, std::string_view why) {
  Error error = error_of_status(status, plugin_text(why));
  if (const Value code = details ? details.find("code") : Value(); code && code.kind() == HEDDLE_STRING && code.size() > 0) error.code = plugin_text(*code.as_text());
  if (details) error.details = details.json();
  return error;
}

}  // namespace

void CallBatch::append(heddle_call& c, Outlet& outlet, heddle_value* v) {
  if (!outlet.items.has_room()) outlet.items.reserve(std::max<size_t>(capacity(), outlet.items.size() * 2));
  append_in_room(c, outlet, v);
}

inline void CallBatch::append_in_room(heddle_call& c, Outlet& outlet, heddle_value* v) {
  const RawItem& input = *c.item;
  uint64_t id = input.id;
  if (c.emitted++ == 0) ++fruitful_;
  else id = emitted_id(id, c.emitted - 1);
  RawItem& item = outlet.items.push_in_room();
  item.value = v;
  item.id = id;
  item.sequence = input.sequence;
  item.deadline_ns = input.deadline_ns;
  item.attempt = input.attempt;
  item.call = c.index;
  item.edge = outlet.edge;
  item.port = outlet.to_port;
}

// The host's side of heddle.op/1 and heddle.call/1. What a call costs is decided here: take, emit and complete do the common case without a stack frame, and leave all
// else to a function out of line.
struct CallAnswers {
  static heddle_op* op(heddle_call* c) noexcept { return reinterpret_cast<heddle_op*>(c); }

  static uint32_t port(const heddle_call* handle) noexcept {
    const heddle_call& c = *address(handle);
    return c.is(open_word(handle)) ? c.item->port : 0;
  }

  static const heddle_value* input(const heddle_call* handle) noexcept {
    const heddle_call& c = *address(handle);
    return c.is(open_word(handle)) ? c.item->value : nullptr;
  }

  static heddle_value* take(heddle_call* handle) noexcept {
    heddle_call& c = *address(handle);
    if (c.is(open_word(handle)) && t_entered == c.batch) [[likely]] return std::exchange(c.item->value, nullptr);
    return take_elsewhere(handle);
  }
  // Whether what was given for a call is the op of an activate or the like, which has none of a call's members.
  static bool is_no_call(const heddle_call& c) noexcept {
    if (c.state() != heddle_op::kStart) return false;
    static_cast<const StartOp&>(static_cast<const heddle_op&>(c)).fault("took an operation for a call");
    return true;
  }

  [[gnu::noinline]] static heddle_value* take_elsewhere(heddle_call* handle) noexcept {
    heddle_call& c = *address(handle);
    if (is_no_call(c)) return nullptr;
    std::lock_guard lock(c.batch->mutex_);
    if (c.batch->given_up_ || !c.is(open_word(handle))) return nullptr;
    return std::exchange(c.item->value, nullptr);
  }

  static heddle_status emit(heddle_call* handle, uint32_t port, heddle_value* v) noexcept {
    heddle_call& c = *address(handle);
    CallBatch& b = *c.batch;
    if (c.is(open_word(handle)) && t_entered == &b && port < b.outlet_count_ && v) [[likely]] {
      CallBatch::Outlet& outlet = b.outlets_[port];
      if (outlet.items.has_room() && outlet.items.bytes() < b.credit_bytes_) [[likely]] {
        b.append_in_room(c, outlet, v);
        return HEDDLE_OK;
      }
    }
    return emit_otherwise(handle, port, v);
  }
  [[gnu::noinline]] static heddle_status emit_otherwise(heddle_call* handle, uint32_t port, heddle_value* v) noexcept {
    heddle_call& c = *address(handle);
    if (is_no_call(c)) return HEDDLE_INVALID;
    CallBatch& b = *c.batch;
    if (!v) {
      b.owner_.fault("emitted no value");
      return HEDDLE_INVALID;
    }
    if (t_entered != &b) return b.emit_elsewhere(c, generation(handle), port, v);
    if (!c.is(open_word(handle))) {
      if (!b.is_owed(c, generation(handle), false)) b.owner_.fault("emitted from a call that is complete");
      return HEDDLE_INVALID;
    }
    if (port >= b.outlet_count_) {
      {
        std::lock_guard lock(b.mutex_);
        b.breach(c);
      }
      b.owner_.fault("emitted on output port " + std::to_string(port) + ", which it does not have");
      return HEDDLE_INVALID;
    }
    if (CallBatch::Outlet& outlet = b.outlets_[port]; outlet.items.bytes() < b.credit_bytes_) {
      b.append(c, outlet, v);
      return HEDDLE_OK;
    }
    b.awaiting_here_ = true;
    std::lock_guard lock(b.mutex_);
    c.awaiting = static_cast<int32_t>(port);
    return HEDDLE_AGAIN;
  }

  static void progress(heddle_call* handle, const heddle_value* said) noexcept {
    heddle_call& c = *address(handle);
    if (is_no_call(c)) return;
    uint64_t sequence = 0;
    {
      std::lock_guard lock(c.batch->mutex_);  // it is not given up meanwhile
      if (c.batch->given_up_ || !said || !c.is(open_word(handle))) return;
      if (c.batch->has_input_) sequence = c.item->sequence;
    }
    c.batch->owner_.progress(sequence, Value::share(said));
  }

  static bool item(const heddle_call* handle, heddle_item* out) noexcept {
    const heddle_call& c = *address(handle);
    if (!c.is(open_word(handle)) || !c.batch->has_input_ || out->struct_size < sizeof(heddle_item)) return false;
    out->attempt = c.item->attempt;
    out->id = c.item->id;
    out->sequence = c.item->sequence;
    out->deadline_ns = c.item->deadline_ns;
    return true;
  }

  static uint64_t deadline_ns(const heddle_op* handle) noexcept {
    const heddle_op& op = *address(handle);
    return op.is(open_word(handle)) ? static_cast<const heddle_call&>(op).item->deadline_ns : 0;
  }

  static bool is_cancelled(const heddle_op* handle) noexcept {
    const heddle_op& op = *address(handle);
    if (op.state() == heddle_op::kStart) return false;
    return op.generation() != generation(handle) || static_cast<const heddle_call&>(op).batch->cancelled_.load(std::memory_order_relaxed);
  }

  static heddle_str trace(const heddle_op* handle) noexcept {
    const heddle_op& op = *address(handle);
    if (op.state() == heddle_op::kStart) return {nullptr, 0};
    const std::string_view trace = static_cast<const heddle_call&>(op).batch->owner_.trace();
    return {trace.data(), trace.size()};
  }

  static void complete(heddle_op* handle, heddle_status status, heddle_value* result, heddle_str why) noexcept {
    heddle_op& op = *address(handle);
    if (op.is(open_word(handle)) && status >= 0 && !result) [[likely]] {
      heddle_call& c = static_cast<heddle_call&>(op);
      if (t_entered == c.batch) [[likely]] {
        c.word.store(heddle_op::word_of(generation(handle), heddle_op::kComplete), std::memory_order_relaxed);
        --c.batch->open_;
        if (c.item->value) drop_input(c);
        return;
      }
    }
    complete_otherwise(handle, status, result, why);
  }
  [[gnu::noinline]] static void drop_input(heddle_call& c) noexcept { c.item->drop(); }
  [[gnu::noinline]] static void complete_otherwise(heddle_op* handle, heddle_status status, heddle_value* result, heddle_str why) noexcept {
    heddle_op& op = *address(handle);
    if (op.state() == heddle_op::kStart) {
      static_cast<StartOp&>(op).complete(generation(handle), status, result, why);
      return;
    }
    heddle_call& c = static_cast<heddle_call&>(op);
    CallBatch& b = *c.batch;
    if (t_entered != &b) return b.complete_elsewhere(c, generation(handle), status, result, why);
    if (!c.is(open_word(handle))) {
      Value dropped = Value::adopt(result);
      if (!b.is_owed(c, generation(handle), true)) b.owner_.fault("completed a call twice");
      return;
    }
    c.word.store(heddle_op::word_of(generation(handle), heddle_op::kComplete), std::memory_order_relaxed);
    b.record(c, status, result, view(why));
  }
};

CallBatch::CallBatch(uint32_t capacity, uint32_t outputs, CallOwner& owner)
    : owner_(owner), outlet_count_(outputs), outlets_(new Outlet[outputs]), calls_(new heddle_call[capacity]), handles_(capacity), owed_(outputs) {
  for (uint32_t i = 0; i < capacity; ++i) {
    calls_[i].index = i;
    calls_[i].batch = this;
  }
}

CallBatch::~CallBatch() {
  for (uint32_t port = 0; port < outlet_count_; ++port) {
    for (RawItem& item : outlets_[port].items) item.drop();
  }
  for (Letter& letter : mailbox_) Value::adopt(letter.value);
  leftovers_ = leftovers_ || open_ > 0;
  close_inputs();
}

void CallBatch::open(std::span<RawItem> items, Start start) {
  assert(open_ == 0 && items.size() <= capacity());
  close_inputs();
  failures_.clear();
  count_ = static_cast<uint32_t>(items.size());
  open_ = count_;
  fruitful_ = 0;
  guarded_ = start.guarded;
  has_input_ = count_ > 0 && items[0].value;
  leftovers_ = start.keep_inputs;
  awaiting_ = awaiting_here_ = woken_ = false;
  cancelled_.store(false, std::memory_order_relaxed);
  std::fill(owed_.begin(), owed_.end(), 0);
  heddle_call* const calls = calls_.get();
  heddle_call** const handles = handles_.data();
  for (uint32_t i = 0; i < count_; ++i) {
    heddle_call& c = calls[i];
    const uint16_t next = static_cast<uint16_t>(c.generation() + 1);
    c.word.store(heddle_op::word_of(next, heddle_op::kOpen), std::memory_order_relaxed);
    c.item = &items[i];
    c.emitted = 0;
    c.awaiting = -1;
    handles[i] = tagged(&c, next);
  }
  if (!start.keep_inputs) return;
  for (uint32_t i = 0; i < count_; ++i) calls[i].kept = Value::share(items[i].value).release();
}

void CallBatch::open_own(const ItemList& items, Start start) {
  close_inputs();
  own_.clear();
  own_.reserve(capacity());
  own_.append(items);
  open(own_, start);
}

void CallBatch::enter() {
  inside_.store(true, std::memory_order_relaxed);
  if (!guarded_) t_entered = this;
}

bool CallBatch::leave() {
  if (!guarded_) {
    t_entered = nullptr;
    // Sequentially consistent here and in elsewhere(): either that thread sees that nobody is inside and wakes the owner, or this one sees its letter.
    inside_.store(false);
    if (!has_mail_.load()) [[likely]] return true;
  } else {
    std::lock_guard lock(mutex_);
    inside_ = false;
    if (given_up_) return false;
  }
  settle();
  return true;
}

bool CallBatch::settle() {
  std::vector<Letter> letters;
  {
    std::lock_guard lock(mutex_);
    woken_ = false;
    letters = take_mail();
  }
  const bool any = !letters.empty();
  apply(std::move(letters));
  return any;
}

// [mutex_ held] Puts a letter into the mailbox. True: the owner is to be woken.
bool CallBatch::drop_in(Letter letter) {
  mailbox_.push_back(std::move(letter));
  has_mail_ = true;
  const bool wake = !inside_ && !woken_;
  woken_ = woken_ || wake;
  return wake;
}

// [mutex_ held]
std::vector<CallBatch::Letter> CallBatch::take_mail() {
  has_mail_ = false;
  for (Letter& letter : mailbox_) letter.is_stray = calls_[letter.index].generation() != letter.generation;
  return std::exchange(mailbox_, {});
}

// The thread inside completes without a lock. Where another one does so at the same moment, both may find the call open: then the one inside was first.
void CallBatch::apply(std::vector<Letter> letters) {
  for (Letter& letter : letters) {
    heddle_call& c = calls_[letter.index];
    uint32_t mailed = heddle_op::word_of(letter.generation, heddle_op::kMailed);
    if (letter.is_stray) return_stray(letter);
    else if (letter.port >= 0) append(c, outlets_[static_cast<uint32_t>(letter.port)], letter.value);
    else if (c.word.compare_exchange_strong(mailed, heddle_op::word_of(letter.generation, heddle_op::kComplete), std::memory_order_relaxed)) record(c, letter.status, letter.value, letter.why);
    else return_stray(letter);
  }
}

void CallBatch::return_stray(Letter& letter) {
  Value::adopt(letter.value);
  owner_.fault(letter.port >= 0 ? "emitted from a call that is complete" : "completed a call twice");
}

void CallBatch::record(heddle_call& c, int32_t status, heddle_value* details, std::string_view why) {
  --open_;
  if (status < 0) [[unlikely]] {
    failures_.push_back({c.index, failure_of(status, Value::adopt(details), why)});
    leftovers_ = true;
    return;  // the input stays: the error item carries it
  }
  if (details) Value::adopt(details);
  if (c.item->value) c.item->drop();
}

heddle_status CallBatch::emit_elsewhere(heddle_call& c, uint16_t generation, uint32_t port, heddle_value* v) {
  const char* rule = nullptr;
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (given_up_ || !c.is(heddle_op::word_of(generation, heddle_op::kOpen))) {
      if (is_owed_locked(c, generation, false)) return HEDDLE_INVALID;
      rule = "emitted from a call that is complete";
    } else if (port >= outlet_count_) {
      breach(c);
      rule = "emitted on an output port which it does not have";
    } else if (owed_[port] >= credit_bytes_ / sizeof(RawItem)) {
      c.awaiting = static_cast<int32_t>(port);
      awaiting_ = true;
      return HEDDLE_AGAIN;
    } else {
      ++owed_[port];
      wake = drop_in({c.index, generation, static_cast<int32_t>(port), HEDDLE_OK, v, {}});
    }
  }
  if (rule) {
    owner_.fault(rule);
    return HEDDLE_INVALID;
  }
  if (wake) owner_.wake(*this);
  return HEDDLE_OK;
}

void CallBatch::complete_elsewhere(heddle_call& c, uint16_t generation, heddle_status status, heddle_value* result, heddle_str why) {
  const char* rule = nullptr;
  bool wake = false, dropped = true;
  {
    std::lock_guard lock(mutex_);
    uint32_t open = heddle_op::word_of(generation, heddle_op::kOpen);
    if (given_up_ || c.generation() != generation) {
      if (!is_owed_locked(c, generation, true)) rule = "completed a call twice";
    } else if (!c.word.compare_exchange_strong(open, heddle_op::word_of(generation, heddle_op::kMailed), std::memory_order_relaxed)) {
      rule = "completed a call twice";
    } else {
      dropped = false;
      wake = drop_in({c.index, generation, -1, status, result, std::string(view(why))});
    }
  }
  if (rule) owner_.fault(rule);
  if (dropped) {
    Value::adopt(result);
  } else if (wake) {
    owner_.wake(*this);
  }
}

void CallBatch::drained() {
  std::lock_guard lock(mutex_);
  std::fill(owed_.begin(), owed_.end(), 0);
  for (const Letter& letter : mailbox_) {
    if (letter.port >= 0) ++owed_[static_cast<size_t>(letter.port)];
  }
}

bool CallBatch::has_awaiting() {
  if (awaiting_here_) return true;
  std::lock_guard lock(mutex_);
  return awaiting_;
}

int32_t CallBatch::take_awaiting(uint32_t index) {
  std::lock_guard lock(mutex_);
  if (index == 0) awaiting_ = awaiting_here_ = false;
  const int32_t port = std::exchange(calls_[index].awaiting, -1);
  return is_open(index) ? port : -1;
}

// Whether the answer of a call that was given up is still owed; `settled`: this is it.
bool CallBatch::is_owed(const heddle_call& c, uint16_t generation, bool settled) {
  std::lock_guard lock(mutex_);
  return is_owed_locked(c, generation, settled);
}

bool CallBatch::is_owed_locked(const heddle_call& c, uint16_t generation, bool settled) {
  const auto found = std::find_if(answers_owed_.begin(), answers_owed_.end(), [&](const Owed& o) { return o.index == c.index && o.generation == generation; });
  if (found == answers_owed_.end()) return false;
  if (settled) answers_owed_.erase(found);
  return true;
}

// [mutex_ held]
std::vector<uint32_t> CallBatch::close_open_calls() {
  std::vector<uint32_t> closed;
  leftovers_ = true;
  for (uint32_t i = 0; i < count_; ++i) {
    const uint16_t generation = calls_[i].generation();
    uint32_t open = heddle_op::word_of(generation, heddle_op::kOpen);
    // The next generation: an answer that still comes finds no open call.
    const uint32_t closed_word = heddle_op::word_of(static_cast<uint16_t>(generation + 1), heddle_op::kComplete);
    if (!calls_[i].word.compare_exchange_strong(open, closed_word, std::memory_order_relaxed)) continue;
    closed.push_back(i);
    if (answers_owed_.size() == kMostOwed) answers_owed_.erase(answers_owed_.begin());
    answers_owed_.push_back({i, generation});
  }
  return closed;
}

void CallBatch::close_rest(std::vector<Letter> letters, size_t closed) {
  apply(std::move(letters));
  open_ -= static_cast<uint32_t>(closed);
}

// [mutex_ held]
void CallBatch::breach(const heddle_call& c) {
  breaches_.push_back(c.index);
  has_breaches_.store(true, std::memory_order_relaxed);
}

void CallBatch::fail_breaches() {
  if (!has_breaches_.load(std::memory_order_relaxed)) [[likely]] return;
  std::vector<uint32_t> breaches;
  {
    std::lock_guard lock(mutex_);
    breaches.swap(breaches_);
    has_breaches_.store(false, std::memory_order_relaxed);
  }
  for (const uint32_t index : breaches) {
    if (std::any_of(failures_.begin(), failures_.end(), [&](const CallFailure& f) { return f.index == index; })) continue;
    failures_.push_back({index, Error("broken-contract", "the node emitted on an output port which it does not have")});
  }
}

std::vector<uint32_t> CallBatch::give_up() {
  std::vector<Letter> letters;
  std::vector<uint32_t> closed;
  {
    std::lock_guard lock(mutex_);
    letters = take_mail();
    closed = close_open_calls();
  }
  close_rest(std::move(letters), closed.size());
  return closed;
}

std::optional<std::vector<uint32_t>> CallBatch::give_up_hung() {
  std::vector<Letter> letters;
  std::vector<uint32_t> closed;
  {
    std::lock_guard lock(mutex_);
    if (!inside_) return std::nullopt;
    given_up_ = true;
    hung_ = true;
    letters = take_mail();
    closed = close_open_calls();
  }
  close_rest(std::move(letters), closed.size());
  return closed;
}

void CallBatch::close_inputs() {
  if (!leftovers_ || hung_) return;  // of a hung batch, the thread inside may still read them
  leftovers_ = false;
  for (uint32_t i = 0; i < count_; ++i) {
    heddle_call& c = calls_[i];
    if (c.item->value) c.item->drop();
    if (c.kept) Value::adopt(std::exchange(c.kept, nullptr));
  }
}

Value CallBatch::original(uint32_t index) const {
  const heddle_call& c = calls_[index];
  return Value::share(c.kept ? c.kept : c.item->value);
}

void CallBatch::cancel() { cancelled_.store(true, std::memory_order_relaxed); }

heddle_op* StartOp::handle() { return tagged<heddle_op>(this, generation()); }

void StartOp::reopen(Done done) {
  std::lock_guard lock(mutex_);
  word.store(word_of(static_cast<uint16_t>(generation() + 1), kStart), std::memory_order_relaxed);
  done_ = std::move(done);
}

bool StartOp::complete(uint16_t generation, heddle_status status, heddle_value* result, heddle_str why) {
  Value answer = Value::adopt(result);
  Done done;
  {
    std::lock_guard lock(mutex_);
    if (generation == this->generation()) done.swap(done_);
  }
  if (!done) {
    if (fault_) fault_("completed an operation twice");
    return false;
  }
  if (status >= 0) done(std::move(answer));
  else done(failure_of(status, answer, view(why)));
  return true;
}

const heddle_op_service& op_service() {
  static const heddle_op_service service = {sizeof(heddle_op_service), CallAnswers::deadline_ns, CallAnswers::is_cancelled, CallAnswers::trace,
                                            CallAnswers::complete};
  return service;
}

const heddle_call_service& call_service() {
  static const heddle_call_service service = {sizeof(heddle_call_service), CallAnswers::op,   CallAnswers::port, CallAnswers::input,
                                              CallAnswers::take,           CallAnswers::emit, CallAnswers::item, CallAnswers::progress};
  return service;
}

}  // namespace heddle
