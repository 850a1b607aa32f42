// Bench 3, jobs: what is submitted by type, run, and acknowledged; in memory, and durable beside a bare SQLite loop and a bare fdatasync in the same run.
//
// job_bench [FOLDER [memory|durable|restart [OUTSTANDING]]]     all parts, or one, or one row of "durable"; nothing is asserted. The files lie in FOLDER (default: TMPDIR).
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <latch>
#include <thread>

#include "bare_sqlite.h"
#include "lanes/jobs.h"
#include "plugin/store_handle.h"
#include "serve/job_store.h"

namespace heddle {
namespace {

constexpr int kTurns = 3;
constexpr size_t kInMemory = 500'000;
constexpr size_t kOutstanding = 2'000;
constexpr size_t kWaiting = 1'000'000;

uint64_t p50(std::vector<uint64_t> times) {
  std::nth_element(times.begin(), times.begin() + static_cast<long>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

// Of the whole process, user and system.
uint64_t cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<uint64_t>(t.tv_sec) * kNsPerSecond + static_cast<uint64_t>(t.tv_nsec);
}

struct Cost {
  double per_second = 0, cpu_us = 0;  // of one job
};

// `outstanding`: so many between their submit and their end at most.
Cost in_memory(size_t lanes_count, bool subscriber, size_t outstanding) {
  Lanes lanes;
  Jobs jobs(lanes);
  alignas(64) std::atomic<size_t> ended{0};
  std::latch done(1);
  jobs.add_type("nothing", [&](JobRun run) {
    run.complete(Value());
    if (ended.fetch_add(1, std::memory_order_relaxed) + 1 == kInMemory) done.count_down();
  });
  std::vector<std::string> names;
  for (size_t i = 0; i < lanes_count; ++i) {
    names.push_back("bench-" + std::to_string(i));
    const auto lane = lanes.add({.name = names.back(), .depth = kInMemory});
    if (!lane) give_up(lane.error().text());
    jobs.set_policy(*lane, {.alerts = {.depth = {}}});  // a bench means it
  }
  const auto events = subscriber ? jobs.subscribe({}) : nullptr;
  const Value payload = *Value::string(kPayload);
  const uint64_t began = now_ns(), cpu_began = cpu_ns();
  for (size_t i = 0; i < kInMemory; ++i) {
    while (i % 64 == 0 && i - ended.load(std::memory_order_relaxed) > outstanding) std::this_thread::yield();
    if (auto id = jobs.submit({.type = "nothing", .lane = names[i % lanes_count], .payload = payload}); !id) give_up(id.error().text());
  }
  done.wait();
  const Cost cost = {static_cast<double>(kInMemory) * kNsPerSecond / static_cast<double>(now_ns() - began),
                     static_cast<double>(cpu_ns() - cpu_began) / 1e3 / static_cast<double>(kInMemory)};
  jobs.shutdown(10'000);
  return cost;
}

// A host with one durable lane, on a database.
struct Durable {
  Durable(const Catalog& catalog, const std::string& path, Durability durability, Jobs::Settings settings = {}) : lanes(), jobs(lanes, settings) {
    auto made = StoreHandle::create(catalog.find("store", "Sqlite"), "bench", *Value::parse(R"({"path":")" + path + R"("})"), nullptr, LaneId{0});
    if (!made) give_up(made.error().text());
    store = std::move(*made);
    if (auto opened = store->activate(); !opened) give_up(opened.error().text());
    lane = *lanes.add({.name = "durable", .depth = 2 * kWaiting});
    jobs.set_policy(lane, {.durability = durability, .alerts = {.depth = {}}});
    jobs.add_type("nothing", [](JobRun run) { run.complete(Value()); });
    if (auto back = jobs.restore(std::make_shared<JobStore>(*store)); !back) give_up(back.error().text());
  }
  ~Durable() {
    jobs.shutdown(60'000);
    if (auto closed = store->deactivate(); !closed) give_up(closed.error().text());
  }
  std::unique_ptr<StoreHandle> store;
  Lanes lanes;
  Jobs jobs;
  LaneId lane = 0;
};

// Jobs that follow each other, so many of them between their submit and their acknowledged end at a time.
class Flow {
 public:
  Flow(Jobs& jobs, uint32_t outstanding) : jobs_(jobs), open_(outstanding), outstanding_(outstanding) {}
  double per_second() {
    began_ = now_ns();
    for (uint32_t i = 0; i < outstanding_; ++i) next();
    ended_.get_future().wait();
    return static_cast<double>(done_) * kNsPerSecond / static_cast<double>(now_ns() - began_);
  }

 private:
  void next() {
    jobs_.submit({.type = "nothing", .lane = "durable", .payload = payload_}, [this](Result<Jobs::Accepted> accepted) {
      if (!accepted) give_up(accepted.error().text());
      jobs_.when_over(accepted->id, [this](const std::optional<JobView>&) {
        ++done_;
        if (now_ns() - began_ < kRunNs) return next();
        if (--open_ == 0) ended_.set_value();
      });
    });
  }
  Jobs& jobs_;
  const Value payload_ = *Value::string(kPayload);
  std::atomic<uint64_t> done_{0};
  std::atomic<uint32_t> open_;
  const uint32_t outstanding_;
  uint64_t began_ = 0;
  std::promise<void> ended_;
};

uint64_t submit_p50(Durable& host) {
  std::vector<uint64_t> times;
  const Value payload = *Value::string(kPayload);
  for (int i = 0; i < 2'000; ++i) {
    const uint64_t began = now_ns();
    const auto id = host.jobs.submit({.type = "nothing", .lane = "durable", .payload = payload});
    if (!id) give_up(id.error().text());
    times.push_back(now_ns() - began);
    host.jobs.wait(*id, 10'000);
  }
  return p50(times);
}

uint64_t fdatasync_p50(const std::string& path) {
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
  if (fd < 0) give_up(path + " cannot be made");
  const std::string page(4096, 'x');
  std::vector<uint64_t> times;
  for (int i = 0; i < 2'000; ++i) {
    const uint64_t began = now_ns();
    if (pwrite(fd, page.data(), page.size(), 0) != static_cast<ssize_t>(page.size()) || fdatasync(fd) != 0) give_up("a page cannot be written");
    times.push_back(now_ns() - began);
  }
  close(fd);
  return p50(times);
}

void restart(const Catalog& catalog, const std::string& path) {
  {
    Durable host(catalog, path, Durability::kDurable);
    host.lanes.pause(host.lane);
    std::latch accepted(kWaiting);
    std::counting_semaphore<> room(4'096);
    const Value payload = *Value::string(kPayload);
    for (size_t i = 0; i < kWaiting; ++i) {
      room.acquire();
      host.jobs.submit({.type = "nothing", .lane = "durable", .payload = payload}, [&](Result<Jobs::Accepted> a) {
        if (!a) give_up(a.error().text());
        room.release();
        accepted.count_down();
      });
    }
    accepted.wait();
    host.jobs.shutdown(0);
  }
  const uint64_t began = now_ns();
  Durable host(catalog, path, Durability::kDurable);
  const uint64_t took = now_ns() - began;
  std::printf("  %zu waiting jobs are back after %.2f s (wanted: <= 3 s)\n", kWaiting, static_cast<double>(took) / 1e9);
  host.lanes.pause(host.lane);
  host.jobs.shutdown(0);
}

void memory() {
  std::printf("in memory, through Jobs, submitted by one thread: M jobs/s and CPU per job; %zu outstanding, and all %zu at once; middle of %d (wanted: 2.5 and <= 0.8 us)\n",
              kOutstanding, kInMemory, kTurns);
  for (const size_t lanes : {1u, 10u, 1'000u}) {
    for (const bool subscriber : {false, true}) {
      std::printf("  %4zu lanes%s", lanes, subscriber ? ", a subscriber that never reads" : "");
      for (const size_t outstanding : {kOutstanding, kInMemory}) {
        std::vector<double> rates, cpu;
        for (int turn = 0; turn < kTurns; ++turn) {
          const Cost cost = in_memory(lanes, subscriber, outstanding);
          rates.push_back(cost.per_second);
          cpu.push_back(cost.cpu_us);
        }
        std::printf("   %.2f  %.2f us", middle(rates) / 1e6, middle(cpu));
      }
      std::printf("\n");
    }
  }
}

void durable_jobs(const Catalog& catalog, const std::string& folder, uint32_t only) {
  std::printf("durable, accepted, run and acknowledged: jobs/s, middle of %d; the bare loop puts and erases as many in two transactions\n", kTurns);
  for (const uint32_t outstanding : {1u, 64u, 256u}) {
    if (only != 0 && outstanding != only) continue;
    std::vector<double> durable, written, bare;
    for (int turn = 0; turn < kTurns; ++turn) {
      const std::string name = folder + "/" + std::to_string(outstanding) + "_" + std::to_string(turn);
      durable.push_back([&] {
        Durable host(catalog, name + "_durable", Durability::kDurable);
        return Flow(host.jobs, outstanding).per_second();
      }());
      written.push_back([&] {
        Durable host(catalog, name + "_written", Durability::kWritten);
        return Flow(host.jobs, outstanding).per_second();
      }());
      bare.push_back(BareLoop(name + "_bare", true).per_second(outstanding));
    }
    std::printf("  %4u outstanding   durable %8.0f = %.2f   written %8.0f = %.2f   bare SQLite %8.0f   (wanted: %s)\n", outstanding, middle(durable),
                middle(durable) / middle(bare), middle(written), middle(written) / middle(bare), middle(bare),
                outstanding == 1 ? "2,700 and 4,500" : outstanding == 64 ? "80,000" : "180,000");
  }
  {
    Durable host(catalog, folder + "/submit", Durability::kDurable);
    const uint64_t ours = submit_p50(host), bare = fdatasync_p50(folder + "/page");
    std::printf("  submit acknowledged p50 %.0f us = %.2f x a bare fdatasync, %.0f us (wanted: <= 1.5)\n", static_cast<double>(ours) / 1e3,
                static_cast<double>(ours) / static_cast<double>(bare), static_cast<double>(bare) / 1e3);
  }
}

}  // namespace
}  // namespace heddle

int main(int argc, char** argv) {
  const std::filesystem::path place = argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path();
  std::string folder = (place / "heddle_job_bench_XXXXXX").string();
  if (!mkdtemp(folder.data())) heddle::give_up("no folder can be made in " + place.string());
  const std::string part = argc > 2 ? argv[2] : "";
  const heddle::Catalog catalog = heddle::Catalog::scan({HEDDLE_BENCH_PLUGINS});
  if (part.empty() || part == "memory") heddle::memory();
  if (part.empty() || part == "durable") heddle::durable_jobs(catalog, folder, argc > 3 ? static_cast<uint32_t>(std::atoi(argv[3])) : 0);
  if (part.empty() || part == "restart") heddle::restart(catalog, folder + "/restart");
  std::filesystem::remove_all(folder);
}
