#include "remote_faults.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <mutex>

#include "bench_host.h"

namespace heddle {
namespace {

struct Told {
  bool ok = false;
  uint64_t took_ns = 0, at_ns = 0;
  std::string endpoint, why;
};

// One call after the other on `lines` lines, until `until` says so.
std::vector<Told> ask_until(PeerGroup& group, const CallPolicy& policy, int lines, const std::function<bool(size_t)>& enough, const std::function<void(size_t)>& meanwhile = {}) {
  std::vector<std::future<std::vector<Told>>> all;
  std::atomic<size_t> asked{0};
  for (int line = 0; line < lines; ++line) {
    all.push_back(std::async(std::launch::async, [&] {
      std::vector<Told> told;
      for (size_t n = asked++; !enough(n); n = asked++) {
        if (meanwhile) meanwhile(n);
        std::promise<Told> one;
        const uint64_t begun = now_ns();
        bench_ask(group, policy, [&](const PeerAnswer& a, bool ok) { one.set_value({ok && a.answer.is_ok(), now_ns() - begun, now_ns(), a.endpoint, a.answer.why.text()}); });
        told.push_back(one.get_future().get());
      }
      return told;
    }));
  }
  std::vector<Told> told;
  for (auto& one : all)
    for (Told& t : one.get()) told.push_back(std::move(t));
  std::sort(told.begin(), told.end(), [](const Told& a, const Told& b) { return a.at_ns < b.at_ns; });
  return told;
}

double ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }
size_t good(const std::vector<Told>& told) { return static_cast<size_t>(std::count_if(told.begin(), told.end(), [](const Told& t) { return t.ok; })); }

class FaultsBench {
 public:
  std::shared_ptr<PeerGroup> open(const std::vector<std::string>& endpoints, Balance balance = Balance::kRoundRobin) {
    PeerSettings settings{.transport = "http", .pools = {{}}, .operations = bench_operations()};
    for (const std::string& endpoint : endpoints) settings.pools[0].push_back({endpoint});
    settings.policy.balance = balance;
    return *peers_.open(std::move(settings));
  }

  void fail_over() {
    auto one = std::make_unique<BenchHost>("one");
    const BenchHost other("other");
    const auto group = open({one->http, other.http});
    uint64_t killed_ns = 0;
    const auto told = ask_until(*group, policy_, 16, [](size_t n) { return n >= 4000; }, [&](size_t n) {
      if (n != 1000) return;
      killed_ns = now_ns();
      one->kill();
    });
    uint64_t slowest = 0;
    for (const Told& t : told)
      if (t.at_ns > killed_ns && t.ok) slowest = std::max(slowest, t.took_ns);
    std::printf("a host of two is killed with 16 calls in flight: %zu of %zu calls answered; the slowest of them took %.0f ms (wanted: < 2000)\n", good(told), told.size(), ms(slowest));

    const uint64_t before = group->standing(now_ns())[0][0].good;
    const BenchHost again("again", one->http);
    const uint64_t there_ns = now_ns();
    const auto after = ask_until(*group, policy_, 1, [&](size_t) { return now_ns() > there_ns + 90 * kNsPerSecond || group->standing(now_ns())[0][0].good > before; });
    std::printf("the same host is there again: the first call goes to it %.1f s after it listens, without a restart of anything\n", ms(after.back().at_ns - there_ns) / 1e3);
  }

  void open_breaker() {
    BenchHost host("gone");
    const auto group = open({host.http});
    host.kill();
    CallPolicy once = policy_;
    once.retry.max_attempts = 1;
    ask_until(*group, once, 1, [](size_t n) { return n >= 10; });
    const auto told = ask_until(*group, once, 4, [](size_t n) { return n >= 2000; });
    const auto blocked = std::count_if(told.begin(), told.end(), [](const Told& t) { return t.why.find("breaker") != std::string::npos && t.took_ns < 100 * kNsPerMs; });
    std::printf("the breaker of a dead host is open: %.2f %% of %zu calls blocked within 100 ms (wanted: >= 99)\n", 100.0 * static_cast<double>(blocked) / static_cast<double>(told.size()), told.size());
  }

  void repairs() {
    const BenchHost hosts[] = {BenchHost("a"), BenchHost("b")};
    std::vector<std::unique_ptr<Program>> proxies;
    std::vector<std::string> endpoints;
    for (const BenchHost& host : hosts) {
      proxies.push_back(std::make_unique<Program>(std::vector<std::string>{"python3", HEDDLE_BENCH_PROXY, host.http}));
      endpoints.emplace_back(*proxies.back()->next_line().find("endpoint").as_text());
      proxies.back()->say(R"({"fault":"refuse","share":0.2})");
      proxies.back()->next_line();
    }
    for (const bool retried : {false, true}) {
      CallPolicy policy = policy_;
      policy.retry.first_ns = 10 * kNsPerMs;
      if (!retried) policy.retry.max_attempts = 1;
      const auto told = ask_until(*open(endpoints, retried ? Balance::kRoundRobin : Balance::kRandom), policy, 4, [](size_t n) { return n >= 2000; });
      std::printf("20 %% of the exchanges are reset, %s: %.2f %% of %zu calls answered%s\n", retried ? "3 attempts" : "no retries", 100.0 * static_cast<double>(good(told)) / static_cast<double>(told.size()),
                  told.size(), retried ? " (wanted: >= 99)" : "");
    }
  }

  void balance() {
    const BenchHost hosts[] = {BenchHost("x"), BenchHost("y"), BenchHost("z")};
    for (const Balance balance : {Balance::kRoundRobin, Balance::kLeastConnections, Balance::kPowerOfTwo, Balance::kRandom}) {
      const auto group = open({hosts[0].http, hosts[1].http, hosts[2].http}, balance);
      ask_until(*group, policy_, 4, [](size_t n) { return n >= 100; });
      double least = 1e9, most = 0;
      for (const auto& endpoint : group->standing(now_ns())[0]) {
        least = std::min(least, static_cast<double>(endpoint.good));
        most = std::max(most, static_cast<double>(endpoint.good));
      }
      std::printf("100 calls to three equal hosts, %s: from %.0f to %.0f each, %.0f %% of their mean apart%s\n", std::string(name_of(balance)).c_str(), least, most, (most - least) * 3,
                  balance == Balance::kRoundRobin ? " (wanted: < 10)" : "");
    }
  }

 private:
  const CallPolicy policy_;
  Lanes lanes_{2};
  Peers peers_{lanes_, bench_catalog()};
};

}  // namespace

std::shared_ptr<const Catalog> bench_catalog() { return std::make_shared<const Catalog>(Catalog::scan({HEDDLE_BENCH_PLUGINS})); }
std::vector<Operation> bench_operations() { return {{"pipelines.execute", "POST", "/v1/pipelines/{name}/execute", true}}; }

RemoteCall bench_call() {
  return {.operation = "pipelines.execute", .parameters = {{"name", "double"}}, .body = Value::integer(21), .content_type = "application/x-ndjson", .deadline_ns = now_ns() + 30 * kNsPerSecond};
}

void bench_ask(PeerGroup& group, const CallPolicy& policy, std::function<void(const PeerAnswer&, bool ok)> over, bool repeatable) {
  struct Call {
    std::function<void(const PeerAnswer&, bool)> over;
    PeerAnswer answer;
  };
  const auto call = std::make_shared<Call>(Call{std::move(over), {}});
  PeerHearing hearing;
  hearing.answered = [call](PeerAnswer answer) {
    if (!answer.answer.is_ok() || !answer.answer.more) return call->over(answer, answer.answer.is_ok());
    call->answer = std::move(answer);
  };
  hearing.part = [](const Value&) {};
  hearing.ended = [call](const Result<void>& end) { call->over(call->answer, end.has_value()); };
  group.call(policy, {.call = bench_call(), .repeatable = repeatable}, std::move(hearing));
}

void measure_faults() {
  FaultsBench().fail_over();
  FaultsBench().open_breaker();
  FaultsBench().repairs();
  FaultsBench().balance();
}

}  // namespace heddle
