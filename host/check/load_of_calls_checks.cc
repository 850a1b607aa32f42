// Many calls, calls from several threads, and calls that wait.
#include <malloc.h>

#include <barrier>
#include <random>
#include <thread>

#include "check/check_runs.h"
#include "check/node_trial.h"
#include "check/process_counts.h"
#include "clock.h"

namespace heddle {
namespace {

constexpr unsigned kThreads = 4;
constexpr int kRounds = 200;
constexpr uint64_t kItems = 100'000, kWarmUp = 20'000, kLeastItems = 1'000;
constexpr size_t kFedAtOnce = 256;  // whole batches
constexpr uint64_t kMostGrowth = uint64_t{2} << 20;

void on_own_thread(const std::function<void()>& function) { std::thread(function).join(); }

}  // namespace

Verdict check_again_then_resume(const CheckSubject& subject) {
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    if (!node.handle().has_resume()) return not_applicable("it has no resume: it is never told AGAIN");
    NodeCalls& calls = node.calls();
    CallsOutcome outcome;
    if (subject.type->inputs.empty()) {
      outcome = calls.call_source();
    } else {
      for (size_t i = 0; i < 2 * CallBatch::kCredit && !outcome.again && !outcome.missing; ++i) outcome.add(calls.call(ordinary_inputs(), {.is_timed = false, .is_full = true}));
    }
    if (outcome.missing) return missing_calls(subject, node, outcome);
    if (const std::string rule = node.fault_about(""); !rule.empty()) return failed("it " + rule, "a value that was answered AGAIN is still yours: emit it again in resume, and complete then");
    if (!outcome.again) return not_applicable("it emits too little to be told AGAIN");
    return passed(std::to_string(outcome.again) + " times");
  });
}

Verdict check_cancel_in_flight(const CheckSubject& subject) {
  if (subject.type->max_in_flight == 0) return not_applicable("it answers at once");
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    NodeCalls& calls = node.calls();
    subject.at("cancel: complete() is still owed");
    const CallsOutcome outcome = subject.type->inputs.empty() ? calls.call_source() : calls.call(ordinary_inputs(), {.is_cancelled = true});
    if (outcome.missing) return missing_calls(subject, node, outcome);
    if (const std::string rule = node.fault_about(""); !rule.empty()) return failed("it " + rule, "a cancelled call is completed once, like any other");
    return passed();
  });
}

Verdict check_parallel_calls(const CheckSubject& subject) {
  if (subject.type->concurrency != Concurrency::kParallel) return not_applicable("it does not declare \"parallel\"");
  if (subject.type->inputs.empty()) return not_applicable("it is a source");
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    struct Share {
      NodeCalls* calls;
      CallsOutcome outcome;
    };
    std::vector<Share> shares;
    for (unsigned i = 0; i < kThreads; ++i) shares.push_back({&node.calls(), {}});
    const uint32_t in_flight = subject.type->max_in_flight;
    const uint32_t batch = in_flight ? std::max(1u, in_flight / kThreads) : 0;
    const uint64_t until = now_ns() + subject.limit_ms * kNsPerMs / 2;
    std::vector<std::thread> threads;
    std::barrier together(kThreads);  // also where the machine is busy with others
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        std::mt19937_64 random(subject.seed + i);
        std::vector<Value> inputs = ordinary_inputs();
        for (int round = 0; round < kRounds && !shares[i].outcome.missing && now_ns() < until; ++round) {
          std::shuffle(inputs.begin(), inputs.end(), random);
          together.arrive_and_wait();
          shares[i].outcome.add(shares[i].calls->call(inputs, {.batch = batch, .is_timed = false}));
        }
        together.arrive_and_drop();
      });
    }
    for (std::thread& thread : threads) thread.join();
    CallsOutcome all;
    for (const Share& share : shares) all.add(share.outcome);
    if (all.missing) return missing_calls(subject, node, all);
    if (const std::string rule = node.fault_about(""); !rule.empty()) return failed("it " + rule, "guard what calls share, or declare \"concurrency\": \"serial\"");
    return passed(std::to_string(all.calls) + " calls on " + std::to_string(kThreads) + " threads");
  });
}

Verdict check_thread_tags(const CheckSubject& subject) {
  const ObjectParams with = object_params(subject);
  if (!with.params) return with.missing;
  Lanes lanes(2);
  size_t threads = 0;
  for (int round = 0; round < 2; ++round) {  // what the first one leaves may be the library's, and stay
    StartedNode node(subject, lanes);
    Result<void> created, active, stopped;
    CallsOutcome outcome;
    on_own_thread([&] { created = node.create("check", with.params); });
    if (!created) return cannot_start(with, subject, created.error().text());
    on_own_thread([&] { active = node.activate(); });
    if (!active) return cannot_start(with, subject, active.error().text());
    if (!subject.type->inputs.empty()) {
      NodeCalls& calls = node.calls();
      for (int i = 0; i < 3 && !outcome.missing; ++i) on_own_thread([&] { outcome.add(calls.call(ordinary_inputs(), {})); });
      if (outcome.missing) return missing_calls(subject, node, outcome);
    }
    on_own_thread([&] { stopped = node.deactivate(); });
    if (!stopped) return failed("deactivate: " + stopped.error().text(), "");
    on_own_thread([&] { node.destroy(); });
    if (round == 1 && thread_count() > threads) return failed(counted(thread_count() - threads, "thread") + " left after destroy", "no thread of an object runs after its destroy (heddle/object.h)");
    threads = thread_count();
  }
  return passed();
}

Verdict check_memory_growth(const CheckSubject& subject) {
  if (subject.type->inputs.empty()) return not_applicable("it is a source");
  if (!kMemoryTells) return not_applicable("this heddle is built with a sanitizer");
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    std::vector<Value> inputs;
    for (const std::vector<Value> some = ordinary_inputs(); inputs.size() < kFedAtOnce;) inputs.insert(inputs.end(), some.begin(), some.end());
    NodeCalls& calls = node.calls();
    const uint64_t begin = now_ns(), warm_until = begin + subject.limit_ms * kNsPerMs / 8, until = begin + subject.limit_ms * kNsPerMs / 2;
    CallsOutcome outcome;
    const auto feed = [&](uint64_t most, uint64_t until_ns) {
      while (outcome.calls < most && !outcome.missing && now_ns() < until_ns) outcome.add(calls.call(inputs, {.is_timed = false}));
    };
    feed(kWarmUp, warm_until);
    ::malloc_trim(0);
    const uint64_t warm = resident_bytes(), first = outcome.calls;
    feed(first + kItems, until);
    if (outcome.missing) return missing_calls(subject, node, outcome);
    const uint64_t items = outcome.calls - first;
    if (items < kLeastItems) return not_applicable("it is too slow: " + std::to_string(items) + " items in the time that is given to it", "give it more: --timeout-ms");
    ::malloc_trim(0);
    const uint64_t now = resident_bytes();
    const std::string fed = std::to_string(items) + " items";
    if (now > warm + kMostGrowth) return failed("after " + fed + " more, " + std::to_string((now - warm) >> 10) + " KiB more are in use", "release what take() gave, and forget what a call needed once it is complete");
    return passed(fed);
  });
}

}  // namespace heddle
