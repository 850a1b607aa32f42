#include "rpc.h"

#include <time.h>

#include <algorithm>
#include <utility>

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

Rpc::Rpc(const heddle_host* host, const heddle_endpoints_service* endpoints, heddle_id pool, Network& network, std::vector<std::string> origins, RpcParams params)
    : host_(host),
      endpoints_(endpoints),
      pool_(pool),
      network_(network),
      origins_(std::move(origins)),
      params_(params),
      one_(origins_.size()),
      ordered_(origins_.size()),
      busy_(origins_.size()),
      is_sending_(origins_.size()),
      most_batch_(origins_.size(), params_.most_batch) {}

void Rpc::ask(std::string_view method, std::string_view params, Answered answered, size_t endpoint) {
  add(endpoint == kAny ? any_ : one_[endpoint], method, params, std::move(answered));
}

void Rpc::ask_together(std::vector<Call> calls, std::function<void(std::vector<Answer>)> answered, size_t endpoint) {
  struct Together {
    std::vector<Answer> answers;
    size_t left;
    std::function<void(std::vector<Answer>)> answered;
  };
  auto together = std::make_shared<Together>(Together{.answers = std::vector<Answer>(calls.size()), .left = calls.size(), .answered = std::move(answered)});
  for (size_t i = 0; i < calls.size(); ++i) {
    const auto one = [together, i](Answer answer) {
      together->answers[i] = std::move(answer);
      if (--together->left == 0) together->answered(std::move(together->answers));
    };
    ask(calls[i].method, calls[i].params, one, endpoint);
  }
}

void Rpc::send(std::string_view method, std::string_view params, Answered answered, size_t endpoint) { add(ordered_[endpoint], method, params, std::move(answered)); }

void Rpc::add(Queue& queue, std::string_view method, std::string_view params, Answered answered) {
  if (waiting_ >= params_.most_waiting) {
    network_.post([answered = std::move(answered)] { answered({.why = "too much waits for the nodes already"}); });
    return;
  }
  Question question{.body = {}, .answered = std::move(answered)};
  question.body.reserve(method.size() + params.size() + 64);
  ((((question.body += R"({"jsonrpc":"2.0","method":")") += method) += R"(","params":)") += params) += R"(,"id":)";
  queue.push_back(std::move(question));
  ++waiting_;
  wake();
}

// After all that this turn of the loop asks.
void Rpc::wake() {
  if (std::exchange(is_awake_, true)) return;
  network_.post([this] {
    is_awake_ = false;
    pump();
  });
}

void Rpc::pump() {
  for (size_t i = 0; i < one_.size(); ++i) {
    if (!ordered_[i].empty() && !is_sending_[i]) {
      is_sending_[i] = true;
      post(ordered_[i], {.questions = {}, .endpoint = i, .is_ordered = true});
    }
    while (!one_[i].empty() && busy_[i] < params_.most_at_a_time) {
      ++busy_[i];
      post(one_[i], {.questions = {}, .endpoint = i});
    }
  }
  while (!any_.empty() && busy_any_ < params_.most_at_a_time && pump_any()) {
  }
}

bool Rpc::pump_any() {
  uint32_t endpoint = 0;
  heddle_id call = 0;
  uint64_t again_ns = 0;
  if (endpoints_->pick(host_, pool_, avoid_, &endpoint, &call, &again_ns)) {
    ++busy_any_;
    post(any_, {.questions = {}, .endpoint = endpoint, .call = call, .is_any = true});
    return true;
  }
  // Every breaker is open: what waits hears it, for whoever asked knows better than we how long it may take.
  auto none = std::make_shared<Batch>(Batch{.questions = {}, .is_any = true});
  std::move(any_.begin(), any_.end(), std::back_inserter(none->questions));
  any_.clear();
  const uint64_t now = monotonic_ns(), wait_ms = again_ns > now ? std::min<uint64_t>((again_ns - now) / 1'000'000 + 1, 1000) : 1;
  network_.after(wait_ms, [this, none] {
    for (Question& question : none->questions) answer(*none, question, {.why = "no endpoint may be asked: all have failed lately"});
  });
  return false;
}

void Rpc::post(Queue& queue, Batch batch) {
  auto sent = std::make_shared<Batch>(std::move(batch));
  std::string body = "[";
  while (!queue.empty() && sent->questions.size() < most_batch_[sent->endpoint] && (sent->questions.empty() || body.size() + queue.front().body.size() < params_.most_batch_bytes)) {
    if (!sent->questions.empty()) body += ',';
    ((body += queue.front().body) += std::to_string(sent->questions.size())) += '}';
    sent->questions.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  body += ']';
  // One question alone goes as itself: there are nodes that know no batches.
  if (sent->questions.size() == 1) body = body.substr(1, body.size() - 2);
  network_.ask(sent->endpoint, std::move(body), [this, sent](const Reply& reply) { replied(sent, reply); });
}

void Rpc::replied(const std::shared_ptr<Batch>& batch, const Reply& reply) {
  if (batch->is_ordered) is_sending_[batch->endpoint] = false;
  if (batch->is_any) --busy_any_;
  if (!batch->is_any && !batch->is_ordered) --busy_[batch->endpoint];
  Value answers;
  heddle::sdk::detail::guard([&] { answers = reply.body.empty() ? Value() : Value::parse(reply.body); }, [](heddle_status, std::string_view) {});
  const bool is_answer = answers.is(HEDDLE_LIST) || answers.is(HEDDLE_MAP);
  const bool is_fault = (!is_answer && reply.status != 413) || reply.status == 429 || reply.status >= 500;
  if (batch->call != 0) endpoints_->over(host_, pool_, batch->call, is_fault ? HEDDLE_OUTCOME_FAILED : HEDDLE_OUTCOME_OK);
  if (is_fault) avoid_ = static_cast<uint32_t>(batch->endpoint);
  if (!is_fault && avoid_ == batch->endpoint) avoid_ = UINT32_MAX;
  if (is_answer) {
    match(*batch, answers);
  } else if (reply.status == 413 && batch->questions.size() > 1) {
    ask_in_halves(*batch);
  } else {
    const std::string status = reply.status != 0 ? "HTTP " + std::to_string(reply.status) + (reply.status == 200 ? ", and no JSON" : "") : reply.why;
    fail(*batch, origin(batch->endpoint) + ": " + status);
  }
  wake();
}

void Rpc::match(Batch& batch, ValueRef answers) {
  const auto hide = [this, &batch](std::string_view text) { return network_.hide(batch.endpoint, text); };
  const bool is_list = answers.is(HEDDLE_LIST);
  const size_t count = is_list ? answers.size() : 1;
  for (size_t i = 0; i < count; ++i) {
    const ValueRef one = is_list ? answers.at(i) : answers;
    const ValueRef id = one.find("id"), error = one.find("error"), result = one.find("result");
    if (error.is(HEDDLE_MAP) && !id.is(HEDDLE_INT) && count == 1) {  // of the batch as a whole
      const NodeError said = read_error(error, hide);
      if (batch.questions.size() > 1 && said.trouble != Trouble::kRateLimited) return ask_in_halves(batch);
      for (Question& question : batch.questions)
        if (question.answered) answer(batch, question, {.error = said, .endpoint = batch.endpoint});
      return;
    }
    const int64_t at = id.as_int().value_or(-1);
    if (at < 0 || static_cast<size_t>(at) >= batch.questions.size() || !batch.questions[static_cast<size_t>(at)].answered) continue;
    Question& question = batch.questions[static_cast<size_t>(at)];
    if (error.is(HEDDLE_MAP)) {
      answer(batch, question, {.error = read_error(error, hide), .endpoint = batch.endpoint});
    } else if (result) {
      answer(batch, question, {.result = Value::share(result), .endpoint = batch.endpoint});
    }
  }
  fail(batch, origin(batch.endpoint) + ": the answer leaves out what was asked");
}

// Nodes take so many questions at once, or so many bytes, and do not say so beforehand.
void Rpc::ask_in_halves(Batch& batch) {
  const size_t half = batch.questions.size() / 2;
  most_batch_[batch.endpoint] = std::min(most_batch_[batch.endpoint], half);
  Queue& queue = batch.is_any ? any_ : batch.is_ordered ? ordered_[batch.endpoint] : one_[batch.endpoint];
  queue.insert(queue.begin(), std::make_move_iterator(batch.questions.begin()), std::make_move_iterator(batch.questions.end()));
}

void Rpc::fail(Batch& batch, const std::string& why) {
  for (Question& question : batch.questions)
    if (question.answered) answer(batch, question, {.why = why, .endpoint = batch.endpoint});
}

void Rpc::answer(Batch& batch, Question& question, Answer answer) {
  const bool is_worth_more = answer.is_silent() || (answer.error && answer.error->trouble == Trouble::kRateLimited);
  if (batch.is_any && is_worth_more && ++question.tries < params_.tries && batch.call != 0) {
    Question again = std::move(question);
    question.answered = nullptr;
    any_.push_back(std::move(again));
    return wake();
  }
  --waiting_;
  const Answered answered = std::exchange(question.answered, nullptr);
  // What it throws is the network's to tell, by itself: the others of its batch have their answers none the less.
  heddle::sdk::detail::guard([&] { answered(std::move(answer)); },
                             [&](heddle_status status, std::string_view why) { network_.post([status, said = std::string(why)] { throw Error(status, said); }); });
}

void Rpc::set_well(size_t endpoint, bool well) { endpoints_->set_well(host_, pool_, static_cast<uint32_t>(endpoint), well); }

}  // namespace chain_evm
