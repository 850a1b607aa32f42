// Submissions: what was asked for under a key, and who waits for it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "journal.h"
#include "ops.h"
#include "preparation.h"
#include "record.h"
#include "sender.h"

namespace chain_evm {

// As submit and transactions show them (heddle/chain.h).
heddle::sdk::Value show_brief(const Record& record);
heddle::sdk::Value show_whole(const Record& record);

// The network's thread only.
class Submissions {
 public:
  Submissions(const Settings& settings, Journal& journal, Preparation& preparation, Sender& sender) : settings_(settings), journal_(journal), preparation_(preparation), sender_(sender) {}

  // Before the Lane starts.
  void restored(const Record& record);
  void submit(const std::string& key, heddle::sdk::ValueRef intent, OpPtr op);
  void find(const std::string& key, OpPtr op);
  void list(heddle::sdk::ValueRef filter, OpPtr op);

  void became(const Record& record);
  void failed(const std::string& key, const Failure& why);
  size_t open() const { return open_.size(); }

 private:
  struct Waiter {
    OpPtr op;
    Stage until;
  };
  struct Open {
    std::vector<Waiter> waiters;
    std::optional<uint64_t> number;  // it is the Lane's
  };
  struct Listing;

  void look_up(const std::string& key, heddle::sdk::Value intent);
  void found(const std::string& key, heddle::sdk::ValueRef kept);
  void prepare(const std::string& key, heddle::sdk::ValueRef intent);
  void list_kept(const std::shared_ptr<Listing>& listing);

  const Settings& settings_;
  Journal& journal_;
  Preparation& preparation_;
  Sender& sender_;
  std::unordered_map<std::string, Open> open_;
};

}  // namespace chain_evm
