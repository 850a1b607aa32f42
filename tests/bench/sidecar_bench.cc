// What the host adds to a task that a worker does in no time: from the item to the assignment that the worker has, from its completion to the result, each with the wire in between; and how many tasks it
// gets done. Nothing is asserted.
//
//   sidecar_bench [ms of each figure] [rounds]
#include <algorithm>
#include <cstdio>
#include <mutex>

#include "bench_host.h"
#include "clock.h"
#include "manifest/manifest.h"
#include "pipeline/build.h"
#include "pipeline/run.h"

namespace {

using namespace heddle;

struct Figures {
  double per_second = 0;
  std::vector<uint64_t> in_ns, out_ns;
};

double us(std::vector<uint64_t>& all, double share) {
  if (all.empty()) return 0;
  const auto at = all.begin() + static_cast<long>(share * static_cast<double>(all.size() - 1));
  std::nth_element(all.begin(), at, all.end());
  return static_cast<double>(*at) / 1e3;
}

// Items that say when they began; no more of them at a time than are to be in flight.
class Stamped : public Feed, public Output, public DeadLetters {
 public:
  Stamped(size_t in_flight, uint64_t for_ns) : room_(in_flight), until_ns_(now_ns() + for_ns) {}
  Result<Got> pull(std::span<FeedItem> out) override {
    if (now_ns() >= until_ns_) return Got{State::kEnd, 0};
    std::lock_guard lock(mutex_);
    const size_t n = std::min(out.size(), room_);
    for (size_t i = 0; i < n; ++i) out[i].value = Value::integer(static_cast<int64_t>(now_ns()));
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
    const uint64_t now = now_ns();
    std::function<void()> waiting;
    {
      std::lock_guard lock(mutex_);
      for (const Item& item : items) {
        const auto at = [&](const char* name) { return static_cast<uint64_t>(item.value.find(name).as_int().value_or(0)); };
        figures.in_ns.push_back(at("got") - at("begun"));
        figures.out_ns.push_back(now - at("sent"));
      }
      room_ += items.size();
      waiting = std::exchange(waiting_, {});
    }
    if (waiting) waiting();
    return {};
  }
  Result<void> close() override { return {}; }
  Result<void> add(const DeadLetter& letter) override { give_up("an item failed: " + letter.error.text()); }

  Figures figures;  // after the end

 private:
  std::mutex mutex_;
  size_t room_;                    // guarded by mutex_
  std::function<void()> waiting_;  // guarded by mutex_
  const uint64_t until_ns_;
};

Figures by_node(const std::string& endpoint, size_t in_flight, uint64_t for_ns) {
  const auto catalog = std::make_shared<const Catalog>(Catalog::scan({HEDDLE_BENCH_PLUGINS}));
  const std::string text = R"({"version":"heddle/1","metadata":{"name":"bench"},"nodes":[{"id":"do","node_type":"Sidecar","params":{"endpoint":")" + endpoint + R"("}}]})";
  Diagnostics diagnostics("bench", text);
  const auto manifest = read_manifest(text, "bench", {}, diagnostics);
  const auto pipeline = manifest ? build_pipeline(*manifest, *catalog, diagnostics) : std::nullopt;
  if (!pipeline) give_up(diagnostics.text(false));
  Lanes lanes(2);
  Outside outside(lanes, catalog);
  const auto once = [&](uint64_t ns) {
    Stamped items(in_flight, ns);
    RunOptions options;
    options.lanes = &lanes;
    options.outside = &outside;
    options.feed = &items;
    options.output = &items;
    options.dead_letters = &items;
    auto run = Run::start(*pipeline, options);
    if (!run) give_up(run.error().text());
    (*run)->wait(600'000);
    if (!(*run)->report().ok) give_up("the run failed: " + (*run)->report().error.text());
    items.figures.per_second = static_cast<double>((*run)->report().output_items) * 1e9 / static_cast<double>((*run)->report().duration_ns);
    return std::move(items.figures);
  };
  once(300 * kNsPerMs);  // until it is connected
  return once(for_ns);
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const uint64_t for_ns = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000) * kNsPerMs;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  Program worker({HEDDLE_BENCH_WORKER, "256"});
  const std::string endpoint = "127.0.0.1:" + std::string(worker.next_line().json());
  std::printf("wanted: p99 < 5000 us for both ways together, 10,000 tasks/s\n");
  for (const size_t in_flight : {size_t{1}, size_t{16}, size_t{256}, size_t{4096}}) {
    std::vector<Figures> all;
    for (int round = 0; round < rounds; ++round) all.push_back(by_node(endpoint, in_flight, for_ns));
    std::sort(all.begin(), all.end(), [](const Figures& a, const Figures& b) { return a.per_second < b.per_second; });
    Figures& f = all[all.size() / 2];
    std::printf("%4zu in flight, median of %d: %8.0f tasks/s   item to assignment p50 %6.0f p99 %6.0f us   completion to result p50 %6.0f p99 %6.0f us\n", in_flight, rounds, f.per_second, us(f.in_ns, 0.5),
                us(f.in_ns, 0.99), us(f.out_ns, 0.5), us(f.out_ns, 0.99));
  }
  return 0;
}
