// Follower: the pages of a chain's events, one after the other, out of a source's call.
#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "link.h"

namespace node_chain {

// What is asked for; the same in every page.
struct Following {
  heddle::sdk::Value filter;      // MAP: as in chain.h, without a cursor
  heddle::sdk::Value beginning;   // MAP: what stands in the first question if there is no cursor
  bool to_the_end = false;        // it ends with the first page that has nothing
};

// Made once for a node; it lives as long as somebody may still wake it. One thing at a time goes on in it, on whatever thread brought the news.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(const Link& link, heddle::sdk::Host host, Following following) : link_(link), host_(host), following_(std::move(following)) {}

  // The source's call: it is answered at the end, or when it is cancelled.
  void begin(heddle::sdk::Call call);
  // News: there is room, or nobody waits any more.
  void wake();
  // [start] No call is open. Nothing wakes it any more but what is on its way.
  void stop();

  // [start] No call is open. Where the next one goes on: {"cursor", "given"}; empty: nowhere yet.
  heddle::sdk::Value place() const;
  // Throws Error where it is no such thing.
  void go_to(heddle::sdk::ValueRef place);

 private:
  struct Answer {
    heddle_status status = HEDDLE_OK;
    heddle::sdk::Value result;
    std::string why;
  };
  enum class Step { kWait, kAgain, kOver };

  Step step();
  Step run_step() noexcept;
  Step give_up();
  Step take_answer(Answer answer);
  Step give();
  Step ask();
  Step fail(heddle_status status, const std::string& why, heddle::sdk::Value details = {});
  Step wait_before_asking(const std::string& why);
  heddle::sdk::Value question() const;
  static void answered(void* ctx, heddle_status status, heddle_value* result, heddle_str why) noexcept;
  static void rested(void* ctx) noexcept;

  const Link& link_;
  const heddle::sdk::Host host_;
  const Following following_;

  // Of whoever has set is_running_:
  heddle::sdk::Call call_{nullptr};
  heddle::sdk::Value cursor_, page_;     // where the page began; the page, empty: there is none
  size_t next_ = 0;                      // of the page
  std::vector<std::string> given_;       // of the page: what has gone out, by block and index
  std::multiset<std::string> skipped_;   // what had gone out in an earlier life, and is not given again
  uint64_t rest_ns_ = 0;                 // before the next question, after one that failed
  heddle_status ending_ = HEDDLE_OK;
  std::string why_;
  heddle::sdk::Value details_;

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  bool is_running_ = false, is_news_ = false;
  bool is_asking_ = false, is_resting_ = false;
  heddle_id asked_ = 0;      // 0: not known
  heddle_id timer_ = 0;      // 0: none
  void* resting_ = nullptr;  // its context
  std::unique_ptr<Answer> answer_;
};

}  // namespace node_chain
