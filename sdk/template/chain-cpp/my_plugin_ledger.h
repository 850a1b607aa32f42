// The ledger: one file that only grows, for everybody who may write it. A line is an entry, a JSON object, and the block of that number; it is there for good once it is on
// the disk. What it says is held in memory, which is for little data: put your chain in its place. One thread at a time calls it.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace plugin {

using heddle::sdk::Value;
using heddle::sdk::ValueRef;

struct Entry {
  Value said;               // "do", "activity" …, and of those of an account "by", "key" and "at_unix"
  std::string hash;         // of it and all before it
  std::string refused;      // why it changes nothing; empty: it counts
  uint64_t number = 0;      // of its account's entries, from 0
};

struct Activity {
  uint64_t block = 0;       // of its offer
  std::string state;        // "offered", "assigned", "completed", "failed"
  std::string workflow, kind, queue, worker, input;
  int64_t partition = 0, priority = 0, created_unix = 0, expires_unix = 0, lease_until_unix = 0, percent = 0;

  bool is_open(int64_t now_unix) const {  // to be claimed, also from somebody whose lease has ended
    const bool is_left = state == "assigned" && lease_until_unix != 0 && lease_until_unix <= now_unix;
    return (state == "offered" || is_left) && (expires_unix == 0 || now_unix < expires_unix);
  }
};

class Ledger {
 public:
  // Without an account it is only read.
  Ledger(std::string path, std::string account) : path_(std::move(path)), account_(std::move(account)) {}
  Ledger(const Ledger&) = delete;
  ~Ledger() { close(); }

  // All that may fail throws heddle::sdk::Error, or a Refusal with a code of heddle/chain.h.
  void open();
  void close() noexcept;
  void catch_up();  // takes in what others have written

  // The entry of this key, which is written now unless it was before: checked, written and on the disk while nobody else can write. After not_after_unix (0: never) it is refused.
  uint64_t submit(std::string_view key, std::vector<Value::Entry> deed, int64_t not_after_unix);

  const std::vector<Entry>& entries() const { return entries_; }  // by block
  const std::map<std::string, Activity, std::less<>>& activities() const { return activities_; }
  const std::map<std::string, uint64_t, std::less<>>& keys() const { return keys_; }  // of the account: the blocks of its entries
  const std::string& path() const { return path_; }
  const std::string& account() const { return account_; }

  int news() const noexcept { return news_; }
  void take_news() noexcept;

 private:
  void read_new();
  void take(std::string_view line);
  std::string try_out(ValueRef said, bool and_do);
  void begin_file();
  void cut_tail();
  void append(std::string line);

  const std::string path_, account_;
  int file_ = -1, lock_ = -1, news_ = -1;  // lock_: of <path>.<account>.lock, held while open
  uint64_t read_ = 0;                      // bytes of whole lines
  uint64_t sum_ = 0;
  std::string tail_;                       // behind them: somebody writes, or was stopped while he did
  std::vector<Entry> entries_;
  std::map<std::string, Activity, std::less<>> activities_;
  std::map<std::string, uint64_t, std::less<>> keys_, numbers_;  // numbers_: how many entries an account has
};

std::string_view text_in(ValueRef map, std::string_view key);
int64_t number_in(ValueRef map, std::string_view key);
int64_t unix_now();

}  // namespace plugin
