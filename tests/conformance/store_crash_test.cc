// kill -9 during commits: every acknowledged commit is there, and none in half.
//
// The child commits as fast as it can and writes the number of each acknowledged commit into a pipe: the ledger. The parent kills it after a
// random number of lines, reads what is left in the pipe, opens the same file, and looks.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "opened_store.h"

namespace heddle {
namespace {

constexpr uint64_t kInFlight = 32;
constexpr uint64_t kKept = 1000;  // pairs, before a commit erases them

std::string key(char half, uint64_t n) { return half + std::to_string(n); }
std::string value_of(uint64_t n) { return "value " + std::to_string(n); }

// A commit puts two keys and erases those of an earlier one, so that a half would show.
void commit_next(StoreHandle& store, std::atomic<uint64_t>& next, int ledger) {
  const uint64_t n = next++;
  const Put a{key('a', n), value_of(n)}, b{key('b', n), value_of(n)};
  std::vector<heddle_write> writes = {raw(a), raw(b)};
  const Erase old_a{key('a', n - kKept)}, old_b{key('b', n - kKept)};
  if (n > kKept) writes.insert(writes.end(), {raw(old_a), raw(old_b)});
  store.commit(writes, [&store, &next, ledger, n](Result<Value> outcome) {
    if (!outcome || write(ledger, &n, sizeof n) != sizeof n) _exit(3);
    commit_next(store, next, ledger);
  });
}

// The child: until it is killed.
[[noreturn]] void commit_until_killed(const std::string& path, uint64_t first, int ledger) {
  auto store = std::make_unique<OpenedStore>("Sqlite", path_param(path));
  if (!store->open()) _exit(2);
  std::atomic<uint64_t> next{first};
  for (uint64_t i = 0; i < kInFlight; ++i) commit_next(*store->operator->(), next, ledger);
  for (;;) pause();
}

// Numbers that were acknowledged to a child that was killed after `lines` of them.
std::vector<uint64_t> run_and_kill(const std::string& path, uint64_t first, int lines) {
  int ledger[2];
  EXPECT_EQ(pipe(ledger), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ledger[0]);
    commit_until_killed(path, first, ledger[1]);
  }
  close(ledger[1]);
  std::vector<uint64_t> acknowledged;
  uint64_t n;
  while (read(ledger[0], &n, sizeof n) == sizeof n) {
    acknowledged.push_back(n);
    if (static_cast<int>(acknowledged.size()) == lines) kill(child, SIGKILL);
  }
  close(ledger[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself: " << WEXITSTATUS(status);
  return acknowledged;
}

TEST(StoreCrash, KillDuringCommitsLosesNothingAcknowledgedAndLeavesNoHalf) {
  TestFolder folder;
  const std::string path = folder / "db";
  std::mt19937 random(11);
  uint64_t first = 1;
  for (int round = 0; round < 25; ++round) {
    SCOPED_TRACE(round);
    const std::vector<uint64_t> acknowledged = run_and_kill(path, first, 1 + static_cast<int>(random() % 3000));
    ASSERT_FALSE(acknowledged.empty());
    const uint64_t last = *std::max_element(acknowledged.begin(), acknowledged.end());

    OpenedStore store("Sqlite", path_param(path));
    auto opened = store.open();
    ASSERT_TRUE(opened) << opened.error().text();
    const uint64_t end = last + kInFlight;  // nothing was committed past it
    for (const uint64_t n : acknowledged) {
      if (n + kKept > end) {
        ASSERT_EQ(store.value(key('a', n)), value_of(n));
      }
      if (n > kKept) {
        ASSERT_EQ(store.value(key('a', n - kKept)), "not-found");
      }
    }
    for (uint64_t n = last > 2 * kKept ? last - 2 * kKept : 1; n <= end; ++n) ASSERT_EQ(store.value(key('a', n)), store.value(key('b', n))) << n;
    first = end + 1;
  }
}

// The lock of an owner that was killed is free, and its file of no consequence.
TEST(StoreCrash, AKilledOwnerLeavesTheStoreFree) {
  TestFolder folder;
  run_and_kill(folder / "db", 1, 1);
  EXPECT_TRUE(std::filesystem::exists(folder / "db-lock"));
  OpenedStore store("Sqlite", path_param(folder / "db"));
  EXPECT_TRUE(store.open());
}

}  // namespace
}  // namespace heddle
