// A host with chains, for tests: it writes down what is asked, and answers what the test says, when the test says.
#pragma once
#include <heddle/draft/chains.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace node_chain {

class FakeChains {
 public:
  struct Asked {
    std::string what;  // "read {…}", "submit KEY {…}", "events {…}"
    heddle_chain_answered answered = nullptr;
    void* ctx = nullptr;
    bool is_open = true;
  };

  FakeChains() {
    self_ = this;
    host_.add_service(HEDDLE_CHAINS, &kService);
  }
  ~FakeChains() { self_ = nullptr; }

  heddle::sdk::FakeHost& host() { return host_; }
  // All that was asked, the first one first.
  const std::deque<Asked>& asked() const { return asked_; }
  const std::string& last() const { return asked_.back().what; }
  size_t open() const {
    return static_cast<size_t>(std::count_if(asked_.begin(), asked_.end(), [](const Asked& one) { return one.is_open; }));
  }
  const std::string& opened() const { return opened_; }  // the options, as JSON
  bool is_closed() const { return is_closed_; }

  // Answers the question of that place; the last one without it.
  void answer(heddle_status status, std::string_view result, std::string_view why = "", std::optional<size_t> which = {}) {
    Asked& one = asked_.at(which.value_or(asked_.size() - 1));
    if (!std::exchange(one.is_open, false)) throw std::logic_error(one.what + " was answered already");
    heddle::sdk::Value value = result.empty() ? heddle::sdk::Value() : heddle::sdk::Value::parse(result);
    one.answered(one.ctx, status, value.release(), {why.data(), why.size()});
  }
  // From now on questions are answered before the call that asks has returned.
  void answer_at_once(std::string result) { at_once_ = std::move(result); }
  void refuse_to_open(std::string why) { refusal_ = std::move(why); }
  void set_idempotency_key(std::string pointer) { key_ = std::move(pointer); }

 private:
  static heddle_id open_chain(const heddle_host*, const heddle_value* options, heddle_value** why) noexcept {
    self_->opened_ = heddle::sdk::ValueRef(options).json();
    if (self_->refusal_.empty()) return 7;
    *why = heddle::sdk::Value::map({{"code", heddle::sdk::Value::string("bad-password")}, {"message", heddle::sdk::Value::string(self_->refusal_)}}).release();
    return 0;
  }
  heddle_id add(std::string what, heddle_chain_answered answered, void* ctx) {
    asked_.push_back({std::move(what), answered, ctx});
    const heddle_id id = asked_.size();
    if (at_once_) answer(HEDDLE_OK, *at_once_);
    return id;
  }
  static std::string json(const heddle_value* v) { return std::string(heddle::sdk::ValueRef(v).json()); }
  static heddle_id read(const heddle_host*, heddle_id, const heddle_value* q, heddle_chain_answered answered, void* ctx) noexcept { return self_->add("read " + json(q), answered, ctx); }
  static heddle_id submit(const heddle_host*, heddle_id, heddle_str key, const heddle_value* i, heddle_chain_answered answered, void* ctx) noexcept {
    return self_->add("submit " + std::string(key.ptr, key.len) + " " + json(i), answered, ctx);
  }
  static heddle_id events(const heddle_host*, heddle_id, const heddle_value* f, heddle_chain_answered answered, void* ctx) noexcept { return self_->add("events " + json(f), answered, ctx); }
  static void cancel(const heddle_host*, heddle_id asked) noexcept {
    Asked& one = self_->asked_.at(asked - 1);
    if (std::exchange(one.is_open, false)) one.answered(one.ctx, HEDDLE_CANCELLED, nullptr, {"gone", 4});
  }
  static void close(const heddle_host* h, heddle_id) noexcept {
    for (heddle_id id = 1; id <= self_->asked_.size(); ++id) cancel(h, id);
    self_->is_closed_ = true;
  }
  static heddle_str idempotency_key(const heddle_host*) noexcept { return {self_->key_.data(), self_->key_.size()}; }

  static constexpr heddle_chains_service kService = {sizeof(heddle_chains_service), &open_chain, &read, &submit, &events, &cancel, &close, &idempotency_key};
  static inline FakeChains* self_ = nullptr;  // the service has no context but the host

  heddle::sdk::FakeHost host_;
  std::deque<Asked> asked_;
  std::optional<std::string> at_once_;
  std::string opened_, refusal_, key_;
  bool is_closed_ = false;
};

}  // namespace node_chain
