// Journal: what must not be forgotten, in the store of the host. Answers come on the network's thread.
#pragma once
#include <heddle/draft/journal.h>
#include <heddle/sdk/value.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lane.h"
#include "network.h"

namespace chain_evm {

// What each key has is said in journal.cc.
class Journal {
 public:
  // `account`: 20 bytes.
  Journal(const heddle_host* host, const heddle_journal_service* service, uint64_t chain_id, std::string account);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  // Before any of the rest; null: nothing is answered any more.
  void connect(Network* network);

  void commit(const std::vector<Put>& puts, std::function<void(Committed how, const std::string& why)> then);
  // Value: of what is kept, or empty: there is nothing. `why` is not empty: it could not be read.
  using Found = std::function<void(heddle::sdk::Value kept, const std::string& why)>;
  void find_key(const std::string& key, Found found);
  void find_number(uint64_t number, Found found);
  // LIST of what is kept of the numbers from `from` to before `until`, in order; perhaps not all: `next` is where it goes on.
  using Page = std::function<void(std::vector<heddle::sdk::Value> records, uint64_t next, const std::string& why)>;
  void scan(uint64_t from, uint64_t until, Page page);
  void erase(const std::vector<std::pair<uint64_t, std::string>>& numbers_and_keys);

 private:
  using Answered = std::function<void(heddle_status status, heddle::sdk::Value result, const std::string& why)>;
  struct Door;
  struct Waiting;
  std::string number_key(uint64_t number) const;
  void get(const std::string& key, Found found);
  Waiting* waiting(Answered then);

  const heddle_host* const host_;
  const heddle_journal_service* const service_;
  const std::string prefix_;  // of the numbers
  std::shared_ptr<Door> door_;
};

}  // namespace chain_evm
