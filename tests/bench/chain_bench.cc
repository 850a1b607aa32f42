// chain_bench URL KEYFILE COUNT [AT_ONCE] [WINDOW]: COUNT transfers from one account by chain_evm, with its journal in a new SQLite file, AT_ONCE (512) of them asked for at a time. Prints
// {"stored_per_s", "mined_per_s", "failed", "p50_ms", "p99_ms"} (of one, from submit until it is stored) as JSON. tests/chain/bench/run.py sets a chain up for it, and its peer beside it.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "clock.h"
#include "plugin/chain_handle.h"
#include "plugin/store_handle.h"
#include "value/json_value.h"

namespace {

using namespace heddle;

constexpr char kTo[] = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

// So many at a time, and when all are over.
class Gate {
 public:
  explicit Gate(size_t most) : most_(most) {}
  void enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return inside_ < most_; });
    ++inside_;
  }
  void leave() {
    std::lock_guard lock(mutex_);
    --inside_;
    changed_.notify_all();
  }
  void wait_until_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  const size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t inside_ = 0;  // guarded by mutex_
};

[[noreturn]] void fail(const Error& why) {
  std::fprintf(stderr, "chain_bench: %s\n", why.text().c_str());
  std::exit(1);
}

Value params(const std::string& url, const std::string& key, size_t window, size_t count) {
  return json_object({{"endpoints", Value::list({json_text(url)})}, {"key", json_object({{"file", json_text(key)}})}, {"gas", json_count(21'000)}, {"simulate", Value::boolean(false)},
                      {"window", json_count(window)}, {"most_open", json_count(count + 1)}, {"confirmations", json_count(1)}, {"poll_ms", json_count(100)}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: chain_bench URL KEYFILE COUNT [AT_ONCE] [WINDOW]\n"), 2;
  const size_t count = std::strtoul(argv[3], nullptr, 10), at_once = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 512, window = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 1'024;
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("chain_bench_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  Lanes lanes(2);
  const Catalog catalog = Catalog::scan({HEDDLE_BENCH_PLUGINS});
  auto store = StoreHandle::create(catalog.find("store", "Sqlite"), "journal", json_object({{"path", json_text((folder / "journal.db").string())}}), &lanes, *lanes.find("control"));
  if (!store) fail(store.error());
  if (auto active = (*store)->activate(); !active) fail(active.error());
  auto chain = ChainHandle::create(catalog.find("chain", "evm"), "evm", params(argv[1], argv[2], window, count), {.store = store->get(), .is_durable = true, .prefix = "chain/"}, &lanes,
                                   *lanes.find("control"));
  if (!chain) fail(chain.error());
  if (auto active = (*chain)->activate(); !active) fail(active.error());

  Gate storing(at_once), mining(count);
  std::atomic<size_t> failed{0};
  std::vector<uint64_t> took(count);
  const Value transfer = [](const char* until) { return json_object({{"do", json_text("call")}, {"to", json_text(kTo)}, {"value", json_count(1)}, {"until", json_text(until)}}); }("stored");
  const Value mined = json_object({{"do", json_text("call")}, {"to", json_text(kTo)}, {"value", json_count(1)}, {"until", json_text("included")}});
  const uint64_t begun = now_ns();
  for (size_t i = 0; i < count; ++i) {
    storing.enter();
    mining.enter();
    const std::string key = "transfer-" + std::to_string(i);
    const uint64_t asked = now_ns();
    (*chain)->submit(key, transfer, [&, i, key, asked](Result<Value> outcome) {
      took[i] = now_ns() - asked;
      storing.leave();
      if (!outcome) {
        if (failed++ == 0) std::fprintf(stderr, "chain_bench: %s\n", outcome.error().text().c_str());
        return mining.leave();
      }
      (*chain)->submit(key, mined, [&](Result<Value> included) {
        if (!included && failed++ == 0) std::fprintf(stderr, "chain_bench: %s\n", included.error().text().c_str());
        mining.leave();
      });
    });
  }
  storing.wait_until_empty();
  const double stored_s = static_cast<double>(now_ns() - begun) / 1e9;
  mining.wait_until_empty();
  const double mined_s = static_cast<double>(now_ns() - begun) / 1e9;
  std::sort(took.begin(), took.end());
  std::printf("{\"stored_per_s\": %.0f, \"mined_per_s\": %.0f, \"failed\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f}\n", static_cast<double>(count) / stored_s, static_cast<double>(count) / mined_s,
              failed.load(), static_cast<double>(took[count / 2]) / 1e6, static_cast<double>(took[count * 99 / 100]) / 1e6);
  static_cast<void>((*chain)->deactivate());
  chain->reset();
  static_cast<void>((*store)->deactivate());
  std::filesystem::remove_all(folder);
  return failed == 0 ? 0 : 1;
}
