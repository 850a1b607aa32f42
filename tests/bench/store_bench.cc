// Bench 3, its store: jobs that are written and erased through the store ABI, beside a bare SQLite loop that does the same in the same run.
//
// store_bench [FOLDER]     prints jobs per second and their ratio to the bare loop; nothing is asserted. The files lie in FOLDER (default: TMPDIR).
//
// A job is one commit that puts a key with 100 bytes, and, when that is answered, one that erases it. With n outstanding, n jobs are always between their
// first commit and their last answer. The bare loop puts n keys in one transaction and erases them in the next: the same syncs, and no promises
// about versions, order or bounds.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "bare_sqlite.h"
#include "clock.h"
#include "plugin/store_handle.h"

namespace heddle {
namespace {

constexpr int kTurns = 3;

// Jobs that follow each other through the store; `slots` of them at a time.
class Jobs {
 public:
  Jobs(StoreHandle& store, uint32_t slots) : store_(store), slots_(slots) {}
  double per_second() {
    began_ = now_ns();
    open_ = static_cast<uint32_t>(slots_.size());
    for (Slot& slot : slots_) begin(slot);
    ended_.get_future().wait();
    return static_cast<double>(done_) * kNsPerSecond / static_cast<double>(now_ns() - began_);
  }

 private:
  struct Slot {
    std::string key;
  };
  void begin(Slot& slot) {
    slot.key = key_of(next_++);
    const heddle_write put = {HEDDLE_PUT, {slot.key.data(), slot.key.size()}, {kPayload.data(), kPayload.size()}, 0};
    store_.commit({&put, 1}, [this, &slot](Result<Value> outcome) {
      if (!outcome) give_up(outcome.error().text());
      end(slot);
    });
  }
  void end(Slot& slot) {
    const heddle_write erase = {HEDDLE_ERASE, {slot.key.data(), slot.key.size()}, {}, 0};
    store_.commit({&erase, 1}, [this, &slot](Result<Value> outcome) {
      if (!outcome) give_up(outcome.error().text());
      ++done_;
      if (now_ns() - began_ < kRunNs) return begin(slot);
      if (--open_ == 0) ended_.set_value();
    });
  }

  StoreHandle& store_;
  std::vector<Slot> slots_;
  std::atomic<uint64_t> next_{0}, done_{0};
  std::atomic<uint32_t> open_{0};
  uint64_t began_ = 0;
  std::promise<void> ended_;
};

double through_the_abi(const Catalog& catalog, const char* type, const std::string& params, uint32_t outstanding) {
  auto store = StoreHandle::create(catalog.find("store", type), "bench", *Value::parse(params), nullptr, LaneId{0});
  if (!store) give_up(store.error().text());
  if (auto opened = (*store)->activate(); !opened) give_up(opened.error().text());
  const double rate = Jobs(**store, outstanding).per_second();
  if (auto closed = (*store)->deactivate(); !closed) give_up(closed.error().text());
  return rate;
}

void bench(const std::string& folder) {
  const Catalog catalog = Catalog::scan({HEDDLE_BENCH_PLUGINS});
  std::printf("jobs/s, middle of %d turns            store_sqlite   bare SQLite  ratio   bare, whole numbers  ratio   store_memory\n", kTurns);
  for (const uint32_t outstanding : {1u, 64u, 256u}) {
    std::vector<double> ours, keyed, numbered, memory;
    for (int turn = 0; turn < kTurns; ++turn) {  // side by side, so that a neighbour's load falls on all
      const std::string name = folder + "/" + std::to_string(outstanding) + "_" + std::to_string(turn);
      ours.push_back(through_the_abi(catalog, "Sqlite", R"({"path":")" + name + R"(_store"})", outstanding));
      keyed.push_back(BareLoop(name + "_keyed", true).per_second(outstanding));
      numbered.push_back(BareLoop(name + "_numbered", false).per_second(outstanding));
      memory.push_back(through_the_abi(catalog, "Memory", "{}", outstanding));
    }
    std::printf("%4u outstanding                   %15.0f %13.0f %6.2f %21.0f %6.2f %14.0f\n", outstanding, middle(ours), middle(keyed),
                middle(ours) / middle(keyed), middle(numbered), middle(ours) / middle(numbered), middle(memory));
  }
}

}  // namespace
}  // namespace heddle

int main(int argc, char** argv) {
  const std::filesystem::path place = argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path();
  std::string folder = (place / "heddle_store_bench_XXXXXX").string();
  if (!mkdtemp(folder.data())) heddle::give_up("no folder can be made in " + place.string());
  heddle::bench(folder);
  std::filesystem::remove_all(folder);
}
