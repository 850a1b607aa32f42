// Sender: the Lane's outside: the nodes, the journal and the signer.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal.h"
#include "lane.h"
#include "preparation.h"
#include "rpc.h"
#include "settings.h"
#include "signer.h"
#include "watch.h"

namespace chain_evm {

// The network's thread only.
class Sender : public Outside {
 public:
  // What whoever waits for a transaction hears.
  struct Ears {
    std::function<void(const Record&)> became;
    std::function<void(const std::string& key, Failure)> failed;
  };

  Sender(const Settings& settings, Network& network, Rpc& rpc, Watch& watch, Journal& journal, Preparation& preparation, Signer& signer, Ears ears, heddle::sdk::Log log);

  Lane& lane() { return lane_; }
  // Begins to tick.
  void start(uint64_t next);
  // What Watch has looked at.
  void looked_at(const Watch::Reading& reading, std::optional<uint64_t> removed_from, uint64_t final_block);
  // Checks the balance and hands it to the Lane. Nothing: it did; else nothing was taken.
  std::optional<Failure> take(Intent intent, std::optional<uint64_t> instead_of = {});
  std::vector<std::string> alarms() const;

  void sign(const Wanted& wanted) override;
  void commit(uint64_t commit, std::vector<Put> puts) override;
  void send(uint64_t number, const Attempt& attempt) override;
  void look(uint64_t number, std::vector<std::string> hashes) override;
  void trace(const Record& record) override;
  void again(const Record& record) override;
  void became(const Record& record) override;
  void failed(const std::string& key, heddle_status status, const char* code, const std::string& why) override;
  void alarm(const std::string& what, const std::string& why) override;
  uint64_t now_ms() const override;
  int64_t now_unix() const override;

 private:
  struct Search;
  using SearchPtr = std::shared_ptr<Search>;
  void tick();
  void read_receipts(uint64_t number, const std::vector<std::string>& hashes, const std::vector<Answer>& answers);
  void explain(uint64_t number, Receipt receipt);
  void search(const SearchPtr& search);
  void read_used(const SearchPtr& search);
  void confirm(const SearchPtr& search, const Trace& found, const Answer& said);
  void prepare_again(uint64_t number);

  const Settings& settings_;
  Network& network_;
  Rpc& rpc_;
  Watch& watch_;
  Journal& journal_;
  Preparation& preparation_;
  Signer& signer_;
  const Ears ears_;
  const heddle::sdk::Log log_;
  Lane lane_;
  std::map<std::string, std::string> alarms_;
  std::optional<Amount> room_;  // of the balance, beside what is promised
};

}  // namespace chain_evm
