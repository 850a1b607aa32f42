// SPDX-License-Identifier: Apache-2.0
//
// ChainThread: the one thread that asks a ledger (chain.h): what is asked for the first time at once, and what waits again whenever there is news.
#pragma once
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <mutex>
#include <thread>

#include "config.h"
#include "quiet.h"

namespace heddle::sdk {

// An Error with one of the codes of heddle/chain.h.
class Refusal : public Error {
 public:
  Refusal(heddle_status status, const char* code, std::string why) : Error(status, std::move(why)), code_(code) {}
  const char* code() const noexcept { return code_; }

 private:
  const char* code_;  // a literal
};

namespace detail {

inline const char* code_of(heddle_status status) noexcept {
  return status == HEDDLE_INVALID ? "invalid" : status == HEDDLE_EXHAUSTED ? "full" : status == HEDDLE_UNAVAILABLE ? "unavailable" : "";
}

inline void complete_coded(heddle_op* op, heddle_status status, std::string_view code, std::string_view why) noexcept {
  Value details;
  if (!code.empty()) guard([&] { details = Value::map({{"code", Value::string(code)}}); }, [](heddle_status, std::string_view) {});
  services.op->complete(op, status, details.release(), to_str(why));
}

// Calls fn; what it throws is the answer. True: it was answered so.
template <class Fn>
bool refusing(heddle_op* op, Fn&& fn) noexcept {
  bool is_refused = false;
  const auto refuse = [&](heddle_status status, const char* code, std::string_view why) {
    complete_coded(op, status, code, why);
    is_refused = true;
  };
  guard(
      [&] {
        try {
          fn();
        } catch (const Refusal& why) {
          refuse(why.status(), why.code(), why.what());
        }
      },
      [&](heddle_status status, std::string_view why) { refuse(status, code_of(status), why); });
  return is_refused;
}

template <class Ledger>
class ChainThread {
  using Clock = std::chrono::steady_clock;

 public:
  enum class Verb { kRead, kSubmit, kEvents, kTransactions };
  struct Asked {
    Verb verb;
    heddle_op* op;
    Value what;
    std::string key = {};
    Clock::time_point until = {};  // of events: so long they may wait
    bool is_new = true;
  };

  explicit ChainThread(const Config& config) : ledger_(config), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) throw Error(HEDDLE_EXHAUSTED, "no descriptor is to be had");
  }
  ~ChainThread() {
    stop();
    ::close(wake_);
  }

  // [start]
  void start() {
    ledger_.open();
    set_active(true);
    try {
      thread_ = quiet_thread([this] { run(); });
    } catch (...) {
      set_active(false);
      ledger_.close();
      throw;
    }
    pthread_setname_np(thread_.native_handle(), "heddle-chain");
  }
  // [start] What is open is answered as cancelled.
  void stop() noexcept {
    set_active(false);
    if (!thread_.joinable()) return;
    thread_.join();
    ledger_.close();
  }

  // [any] Throws Refusal: it is not taken.
  void push(Asked asked) {
    {
      std::lock_guard lock(mutex_);
      if (!is_active_) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", "the chain is not active");
      if (open_ == kMostOpen) throw Refusal(HEDDLE_EXHAUSTED, "full", "too much is asked of the chain at once; ask again when some of it is answered");
      asked_.push_back(std::move(asked));
      ++open_;
    }
    wake();
  }

 private:
  static constexpr size_t kMostOpen = 65'536;
  static constexpr std::chrono::milliseconds kLook{500};  // between two looks at what waits, where there is no news

  void set_active(bool active) noexcept {
    {
      std::lock_guard lock(mutex_);
      is_active_ = active;
    }
    wake();
  }
  void wake() const noexcept {
    const uint64_t one = 1;
    static_cast<void>(!::write(wake_, &one, sizeof one));  // it is readable already, or is now
  }

  void run() noexcept {
    std::list<Asked> open;
    while (take(open)) {
      const bool is_submitted = std::ranges::any_of(open, [](const Asked& a) { return a.is_new && a.verb == Verb::kSubmit; });
      look(open, false);
      if (has_news() || is_submitted || Clock::now() >= next_look_) look(open, true);
      wait(open);
    }
    for (Asked& asked : open) complete_coded(asked.op, HEDDLE_CANCELLED, "", "the chain is closed");
  }

  // False: it is over, and nothing more will come.
  bool take(std::list<Asked>& open) noexcept {
    uint64_t ignored;
    static_cast<void>(!::read(wake_, &ignored, sizeof ignored));
    std::lock_guard lock(mutex_);
    open.splice(open.end(), asked_);
    return is_active_;
  }

  // Asks for what is new, or for what waits.
  void look(std::list<Asked>& open, bool again) noexcept {
    size_t answered = 0;
    for (auto at = open.begin(); at != open.end();) {
      const bool is_over = at->is_new != again && ask(*at);
      if (is_over) ++answered;
      at = is_over ? open.erase(at) : std::next(at);
    }
    if (again) next_look_ = Clock::now() + kLook;
    std::lock_guard lock(mutex_);
    open_ -= answered;
  }

  bool has_news() noexcept {
    pollfd news{ledger_.news(), POLLIN, 0};
    if (news.fd < 0 || ::poll(&news, 1, 0) <= 0) return false;
    ledger_.take_news();
    return true;
  }

  void wait(const std::list<Asked>& open) noexcept {
    Clock::time_point next = next_look_;
    for (const Asked& asked : open)
      if (asked.verb == Verb::kEvents) next = std::min(next, asked.until);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    if (!open.empty() && next < next_look_) next_look_ = next;
    pollfd any[] = {{wake_, POLLIN, 0}, {open.empty() ? -1 : ledger_.news(), POLLIN, 0}};
    ::poll(any, 2, open.empty() ? -1 : static_cast<int>(std::max<int64_t>(left, 0)));
  }

  // True: it is answered.
  bool ask(Asked& asked) noexcept {
    asked.is_new = false;
    std::optional<Value> result;
    if (services.op->is_cancelled(asked.op)) {
      complete_coded(asked.op, HEDDLE_CANCELLED, "", "it is no longer wanted");
      return true;
    }
    if (refusing(asked.op, [&] { result = result_of(asked); })) return true;
    if (result) services.op->complete(asked.op, HEDDLE_OK, result->release(), {});
    return result.has_value();
  }
  std::optional<Value> result_of(Asked& asked) {
    switch (asked.verb) {
      case Verb::kRead: return ledger_.read(asked.what);
      case Verb::kSubmit: return ledger_.submit(asked.key, asked.what);
      case Verb::kTransactions: return ledger_.transactions(asked.what);
      case Verb::kEvents: return events(asked);
    }
    return {};
  }
  std::optional<Value> events(Asked& asked) {
    Value page = ledger_.events(asked.what);
    if (page.find("events").size() > 0 || Clock::now() >= asked.until) return page;
    asked.what = going_on(asked.what, page.find("cursor"));
    return {};
  }
  // The same question, from where the last page ended: "the newest block" is another one by now.
  static Value going_on(ValueRef filter, ValueRef cursor) {
    std::vector<Value::Entry> entries;
    for (size_t i = 0; i < filter.size(); ++i) {
      std::string_view key;
      const ValueRef value = filter.at(i, &key);
      if (key != "after" && key != "from_block" && key != "from_unix") entries.push_back({key, Value::share(value)});
    }
    entries.push_back({"after", Value::share(cursor)});
    return Value::map(entries);
  }

  Ledger ledger_;
  const int wake_;
  std::thread thread_;
  Clock::time_point next_look_{};  // the thread's own
  std::mutex mutex_;
  // Guarded by mutex_:
  std::list<Asked> asked_;
  size_t open_ = 0;  // asked and not answered
  bool is_active_ = false;
};

}  // namespace detail
}  // namespace heddle::sdk
