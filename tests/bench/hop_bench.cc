// Bench 1: what one hop of one item costs. Chains of real PassThrough plugins through the real host, beside a direct virtual call and a
// call through a function pointer of a .so, in one run. Prints ns per hop, and the ratios at the end.
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "manifest/manifest.h"
#include "pipeline/build.h"
#include "pipeline/run.h"
#include "plugin/catalog.h"

namespace {

using namespace heddle;

constexpr uint64_t kItems = 1'000'000;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "hop_bench: %s\n", why.c_str());
  std::exit(1);
}

// Values that go round: the feed gives references away, and the output takes them back, each without touching a count. So nothing but the hops is on the clock, and
// no two threads fight for the count of one value.
class Ring : public Feed, public Output {
 public:
  Ring() {
    for (size_t i = 0; i < kValues; ++i) {
      Result<Value> value = Value::parse(R"({"id":)" + std::to_string(i) + R"(,"name":"an item of the bench","tags":["a","b"]})");
      if (!value) give_up(value.error().text());
      for (uint64_t n = 0; n < kRounds; ++n) Value(*value).release();  // as many as can be on their way at once
      values_.push_back(*std::move(value));
    }
  }
  ~Ring() override {
    for (Value& value : values_) {
      for (uint64_t n = 0; n < kRounds; ++n) Value::adopt(value.get());
    }
  }
  void begin() { left_ = kItems; }

  Result<Got> pull(std::span<FeedItem> out) override {
    if (left_ == 0) return Got{State::kEnd, 0};
    const size_t n = std::min<uint64_t>(out.size(), left_);
    for (size_t i = 0; i < n; ++i) {
      out[i].value = Value::adopt(values_[(kItems - left_ + i) % kValues].get());
      out[i].line = kItems - left_ + i + 1;
    }
    left_ -= n;
    return Got{State::kItems, n};
  }
  void wait(Lanes&, LaneId, Job*) override { give_up("a feed that never waits was asked to"); }

  Result<void> write(const PipelineNode&, std::span<Item> items) override {
    for (Item& item : items) item.value.release();
    return {};
  }
  Result<void> close() override { return {}; }

 private:
  static constexpr size_t kValues = 1024;
  static constexpr uint64_t kRounds = kItems / kValues + 1;
  std::vector<Value> values_;
  uint64_t left_ = 0;
};

const Catalog& catalog() {
  static const Catalog found = Catalog::scan({HEDDLE_BENCH_PLUGINS});
  return found;
}

// A chain of `nodes` PassThroughs; with `second_lane`, the second half of them on another lane, so that one edge is a queue.
Pipeline chain_of(int nodes, bool second_lane) {
  std::string list, connections;
  for (int i = 0; i < nodes; ++i) {
    std::string id = "n" + std::to_string(i);
    list += (i ? ",{\"id\":\"" : "{\"id\":\"") + id + "\",\"node_type\":\"PassThrough\"" +
            (second_lane && i >= nodes / 2 ? ",\"lane\":\"prompt\"}" : "}");
    if (i) connections += (i > 1 ? ",{\"from\":\"n" : "{\"from\":\"n") + std::to_string(i - 1) + "\",\"to\":\"" + id + "\"}";
  }
  std::string text =
      "{\"version\":\"heddle/1\",\"metadata\":{\"name\":\"hop\"},\"nodes\":[" + list + "],\"connections\":[" + connections + "]}";
  Diagnostics diagnostics("hop", text);
  std::optional<Manifest> manifest = read_manifest(text, "hop", {}, diagnostics);
  std::optional<Pipeline> pipeline = manifest ? build_pipeline(*manifest, catalog(), diagnostics) : std::nullopt;
  if (!pipeline) give_up(diagnostics.text(false));
  return *std::move(pipeline);
}

void run_chain(benchmark::State& state, unsigned threads, bool second_lane) {
  int nodes = static_cast<int>(state.range(0));
  Pipeline pipeline = chain_of(nodes, second_lane);
  Lanes lanes(threads);
  Ring ring;
  for (auto _ : state) {
    ring.begin();
    RunOptions options;
    options.lanes = &lanes;
    options.feed = &ring;
    options.output = &ring;
    Result<std::unique_ptr<Run>> run = Run::start(pipeline, options);
    if (!run) give_up(run.error().text());
    if (!(*run)->wait(600'000)) give_up("the run does not end");
    const RunReport& report = (*run)->report();
    if (!report.ok || report.output_items != kItems || !report.balanced) give_up("the run failed: " + report.error.text());
  }
  state.counters["hops"] = static_cast<double>(kItems) * nodes;
}

void heddle_fused(benchmark::State& state) { run_chain(state, 1, false); }
void heddle_two_lanes(benchmark::State& state) { run_chain(state, 2, true); }

// The limits: a call that does nothing but pass a pointer on.
struct Step {
  virtual ~Step() = default;
  virtual void* pass(void* item) = 0;
};
struct PassStep final : Step {
  [[gnu::noinline]] void* pass(void* item) override {
    benchmark::DoNotOptimize(item);
    return item;
  }
};

void virtual_call(benchmark::State& state) {
  std::vector<std::unique_ptr<Step>> steps;
  for (int64_t i = 0; i < state.range(0); ++i) steps.push_back(std::make_unique<PassStep>());
  benchmark::DoNotOptimize(steps.data());
  for (auto _ : state) {
    void* item = &steps;
    for (uint64_t n = 0; n < kItems; ++n) {
      for (auto& step : steps) item = step->pass(item);
    }
    benchmark::DoNotOptimize(item);
  }
  state.counters["hops"] = static_cast<double>(kItems) * static_cast<double>(state.range(0));
}

void function_pointer(benchmark::State& state) {
  void* library = ::dlopen(HEDDLE_BENCH_PEER, RTLD_NOW | RTLD_LOCAL);
  if (!library) give_up(::dlerror());
  auto pass = reinterpret_cast<void* (*)(void*)>(::dlsym(library, "hop_peer_pass"));
  if (!pass) give_up("the peer has no hop_peer_pass");
  std::vector<void* (*)(void*)> steps(static_cast<size_t>(state.range(0)), pass);
  benchmark::DoNotOptimize(steps.data());
  for (auto _ : state) {
    void* item = &steps;
    for (uint64_t n = 0; n < kItems; ++n) {
      for (auto step : steps) item = step(item);
    }
    benchmark::DoNotOptimize(item);
  }
  state.counters["hops"] = static_cast<double>(kItems) * static_cast<double>(state.range(0));
}

BENCHMARK(virtual_call)->Arg(3)->Arg(10)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(function_pointer)->Arg(3)->Arg(10)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(heddle_fused)->Arg(3)->Arg(10)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(heddle_two_lanes)->Arg(4)->Unit(benchmark::kMillisecond)->UseRealTime();

// Prints the usual table, and keeps the best figure of each bench for the ratios.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      auto hops = run.counters.find("hops");
      if (hops == run.counters.end()) continue;
      double ns = run.real_accumulated_time / static_cast<double>(run.iterations) / hops->second * 1e9;
      auto [at, fresh] = best_.emplace(run.run_name.function_name + "/" + run.run_name.args, ns);
      if (!fresh) at->second = std::min(at->second, ns);
    }
  }
  void print_ratios() const {
    auto of = [this](const char* name) {
      auto found = best_.find(name);
      return found == best_.end() ? 0.0 : found->second;
    };
    double three = of("heddle_fused/3"), ten = of("heddle_fused/10"), virt = of("virtual_call/10"), pointer = of("function_pointer/10"),
           lanes = of("heddle_two_lanes/4");
    if (virt <= 0 || pointer <= 0) return;
    std::printf("\nns per hop (best of the run; the item's way in and out of the run is part of it)\n");
    std::printf("  direct virtual call            %7.2f\n  function pointer of a .so      %7.2f\n", virt, pointer);
    std::printf("  heddle, 3 fused nodes          %7.2f  = %5.1f x the virtual call\n", three, three / virt);
    std::printf("  heddle, 10 fused nodes         %7.2f  = %5.1f x the virtual call, %5.1f x the function pointer (wanted: <= 10 ns)\n",
                ten, ten / virt, ten / pointer);
    std::printf("  heddle, one more fused node    %7.2f  (10 nodes less 3, per item and node)\n", (ten * 10 - three * 3) / 7);
    std::printf("  heddle, 4 nodes on two lanes   %7.2f  per item, on two threads: the edge costs %.2f more than 4 fused hops (wanted: <= 25 ns)\n", lanes * 4,
                lanes * 4 - ten * 4);
  }

 private:
  std::map<std::string, double> best_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_ratios();
}
