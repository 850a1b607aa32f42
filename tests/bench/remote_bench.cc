// Bench 4: what a remote node costs beside a bare call of the same transport to the same host, in the same run, in turns; and what it does about endpoints that fail. Nothing is asserted.
//
//   remote_bench [calls|items|faults|all] [ms of each figure] [rounds]
//   remote_bench http|grpc [ms] [in flight: 64]      a node alone, for a profiler
#include <cstdio>
#include <cstring>
#include <mutex>

#include "bare_clients.h"
#include "bench_host.h"
#include "manifest/manifest.h"
#include "pipeline/build.h"
#include "pipeline/run.h"
#include "remote_faults.h"

namespace {

using namespace heddle;

// Keeps `in_flight` calls open: `ask` begins one, and calls what it is given once that is over.
class Steady {
 public:
  using Ask = std::function<void(std::function<void(bool ok)>)>;
  Steady(Ask ask, uint64_t for_ns) : ask_(std::move(ask)), until_ns_(begin_ns_ + for_ns) {}
  Rates run(int in_flight) {
    open_ = in_flight;
    for (int i = 0; i < in_flight; ++i) one();
    std::unique_lock lock(mutex_);
    fewer_.wait(lock, [this] { return open_ == 0; });
    return rates_of(took_ns_, now_ns() - begin_ns_);
  }

 private:
  void one() {
    ask_([this, begun = now_ns()](bool ok) {
      if (!ok) give_up("a call failed");
      const uint64_t now = now_ns();
      {
        std::lock_guard lock(mutex_);
        took_ns_.push_back(now - begun);
        if (now >= until_ns_) {
          --open_;
          fewer_.notify_all();
          return;
        }
      }
      one();
    });
  }
  const Ask ask_;
  const uint64_t begin_ns_ = now_ns(), until_ns_;
  std::mutex mutex_;
  std::condition_variable fewer_;
  std::vector<uint64_t> took_ns_;
  int open_ = 0;
};

// The same item again and again, until the time is over; no more of them at a time than the node is to have in flight.
class Again : public Feed, public Output, public DeadLetters {
 public:
  Again(size_t in_flight, uint64_t for_ns) : room_(in_flight), until_ns_(now_ns() + for_ns) {}
  Result<Got> pull(std::span<FeedItem> out) override {
    if (now_ns() >= until_ns_) return Got{State::kEnd, 0};
    std::lock_guard lock(mutex_);
    const size_t n = std::min(out.size(), room_);
    for (size_t i = 0; i < n; ++i) out[i].value = Value::integer(21);
    room_ -= n;
    return Got{n > 0 ? State::kItems : State::kWait, n};
  }
  void wait(Lanes& lanes, LaneId lane, Job* job) override {
    {
      std::lock_guard lock(mutex_);
      if (room_ == 0) {
        waiting_ = [&lanes, lane, job] { lanes.post(lane, job); };
        return;
      }
    }
    lanes.post(lane, job);
  }
  Result<void> write(const PipelineNode&, std::span<Item> items) override {
    std::function<void()> waiting;
    {
      std::lock_guard lock(mutex_);
      room_ += items.size();
      waiting = std::exchange(waiting_, {});
    }
    if (waiting) waiting();
    return {};
  }
  Result<void> close() override { return {}; }
  Result<void> add(const DeadLetter& letter) override { give_up("an item failed: " + letter.error.text()); }

 private:
  std::mutex mutex_;
  size_t room_;                    // guarded by mutex_
  std::function<void()> waiting_;  // guarded by mutex_
  const uint64_t until_ns_;
};

constexpr int kManyItems = 4096;

class CallsBench {
 public:
  CallsBench(std::string transport, std::string endpoint) : transport_(std::move(transport)), endpoint_(std::move(endpoint)) {}

  Rates bare(int in_flight, uint64_t for_ns) { return transport_ == "http" ? bare_http(endpoint_, in_flight, for_ns) : bare_grpc(endpoint_, in_flight, for_ns); }

  Rates by_channel(int in_flight, uint64_t for_ns) {
    auto handle = *TransportHandle::create(catalog_->find("transport", transport_), "bench", *Value::map({}), nullptr, LaneId{0});
    std::unique_ptr<Channel> channel;
    handle->connect({.endpoint = endpoint_, .operations = bench_operations()}, [&](Result<std::unique_ptr<Channel>> made) { channel = *std::move(made); });
    const auto ask = [&](std::function<void(bool)> over) {
      Hearing hearing;
      const auto told = std::make_shared<std::function<void(bool)>>(std::move(over));
      hearing.answered = [told](const RemoteAnswer& a) {
        if (!a.is_ok() || !a.more) (*told)(a.is_ok());
      };
      hearing.part = [](const Value&) {};
      hearing.ended = [told](const Result<void>& end) { (*told)(end.has_value()); };
      channel->call(bench_call(), std::move(hearing));
    };
    const Rates rates = Steady(ask, for_ns).run(in_flight);
    std::promise<void> gone;
    channel->disconnect([&](const Result<void>&) { gone.set_value(); });
    gone.get_future().wait();
    return rates;
  }

  Rates by_peers(int in_flight, uint64_t for_ns) {
    Lanes lanes(2);
    Outside outside(lanes, catalog_);
    const auto group = *outside.peers.open({.transport = transport_, .pools = {{{endpoint_}}}, .operations = bench_operations()});
    const auto ask = [&](std::function<void(bool)> over) { bench_ask(*group, {}, [over = std::move(over)](const PeerAnswer& a, bool ok) { over(ok && a.answer.is_ok()); }); };
    return Steady(ask, for_ns).run(in_flight);
  }

  Rates by_node(int in_flight, uint64_t for_ns) {
    const std::string text = R"({"version":"heddle/1","metadata":{"name":"bench"},"nodes":[{"id":"there","node_type":"RemotePipeline","params":{"transport":")" + transport_ + R"(","endpoint":")" + endpoint_ + R"(","manifest_source":{"type":"name","name":"double"}}}]})";
    Diagnostics diagnostics("bench", text);
    const auto manifest = read_manifest(text, "bench", {}, diagnostics);
    const auto pipeline = manifest ? build_pipeline(*manifest, *catalog_, diagnostics) : std::nullopt;
    if (!pipeline) give_up(diagnostics.text(false));
    Lanes lanes(2);
    Outside outside(lanes, catalog_);
    Again items(static_cast<size_t>(in_flight), for_ns);
    RunOptions options;
    options.lanes = &lanes;
    options.outside = &outside;
    options.feed = &items;
    options.output = &items;
    options.dead_letters = &items;
    auto run = Run::start(*pipeline, options);
    if (!run) give_up(run.error().text());
    (*run)->wait(600'000);
    const RunReport& report = (*run)->report();
    if (!report.ok) give_up("the run failed: " + report.error.text());
    const double rate = static_cast<double>(report.output_items) * 1e9 / static_cast<double>(report.duration_ns);
    return {rate, in_flight * 1e6 / rate};
  }

 private:
  const std::shared_ptr<const Catalog> catalog_ = bench_catalog();
  const std::string transport_, endpoint_;
};

Rates median(std::vector<Rates> all) {
  std::sort(all.begin(), all.end(), [](const Rates& a, const Rates& b) { return a.per_second < b.per_second; });
  return all[all.size() / 2];
}

void measure_calls(uint64_t for_ns, int rounds) {
  const BenchHost host("calls");
  for (const char* transport : {"grpc", "http"}) {
    CallsBench bench(transport, std::string(transport) == "http" ? host.http : host.grpc);
    for (const int in_flight : {1, 16, 64}) {
      std::vector<Rates> rows[4];
      for (int round = 0; round < rounds; ++round) {
        rows[0].push_back(bench.bare(in_flight, for_ns));
        rows[1].push_back(bench.by_channel(in_flight, for_ns));
        rows[2].push_back(bench.by_peers(in_flight, for_ns));
        rows[3].push_back(bench.by_node(in_flight, for_ns));
      }
      const Rates channel = median(rows[1]);
      std::printf("%s, %d in flight, median of %d:\n", transport, in_flight, rounds);
      static constexpr const char* kNames[] = {"bare client", "the transport's channel", "group of peers", "RemotePipeline"};
      for (size_t i = 0; i < 4; ++i) {
        const Rates row = median(rows[i]);
        std::printf("  %-24s %8.0f calls/s = %.2f x the channel   %8.1f us %s = %.2f x\n", kNames[i], row.per_second, row.per_second / channel.per_second, row.p50_us,
                    i == 3 ? "mean" : "p50 ", row.p50_us / channel.p50_us);
      }
    }
  }
}

// As many small items as the node takes, to one endpoint.
void measure_items(uint64_t for_ns, int rounds) {
  const BenchHost host("items");
  for (const char* transport : {"grpc", "http"}) {
    CallsBench bench(transport, std::string(transport) == "http" ? host.http : host.grpc);
    std::vector<Rates> bare, node;
    for (int round = 0; round < rounds; ++round) {
      bare.push_back(bench.bare(64, for_ns));
      node.push_back(bench.by_node(kManyItems, for_ns));
    }
    const Rates calls = median(bare), items = median(node);
    std::printf("%s, as many items as it takes, median of %d: %8.0f items/s = %.2f x a bare client's calls, 64 in flight\n", transport, rounds, items.per_second,
                items.per_second / calls.per_second);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string what = argc > 1 ? argv[1] : "all";
  const uint64_t for_ns = static_cast<uint64_t>(argc > 2 ? std::max(std::atoi(argv[2]), 1) : 500) * kNsPerMs;
  const int rounds = argc > 3 ? std::max(std::atoi(argv[3]), 1) : 3;
  if (what == "http" || what == "grpc") {
    const BenchHost host("node");
    std::printf("%.0f calls/s\n", CallsBench(what, what == "http" ? host.http : host.grpc).by_node(argc > 3 ? std::max(std::atoi(argv[3]), 1) : 64, for_ns).per_second);
    return 0;
  }
  if (what == "calls" || what == "all") measure_calls(for_ns, rounds);
  if (what == "items" || what == "all") measure_items(for_ns, rounds);
  if (what == "faults" || what == "all") measure_faults();
}
