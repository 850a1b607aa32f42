// Chains: the chains of this process: one object for each type and its params, for all who ask for the same. An account's numbers are given out by one object only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/chain_handle.h"
#include "result.h"

namespace heddle {

class Chains {
 public:
  // Of these there are few; what a transaction was stored in stays open as long as the process lives.
  static constexpr size_t kMost = 64;

  // `lanes` outlives it.
  Chains(Lanes& lanes, std::shared_ptr<const Catalog> catalog) : lanes_(lanes), catalog_(std::move(catalog)) {}
  ~Chains() { close(); }
  Chains(const Chains&) = delete;
  Chains& operator=(const Chains&) = delete;

  // [any] Chains that are not there yet come from this one.
  void use(std::shared_ptr<const Catalog> catalog);
  // [setup] Before the first open: where they write what they must not forget. `journal` is asked once, when the first one is opened; what it gives outlives this. Without it there is none.
  void keep_in(std::function<Result<ChainJournal>()> journal) { journal_ = std::move(journal); }

  // [start] The chain of this type with these params, opened if nobody has. Errors: "no-type" (no plugin has it), "too-many", that of the journal, what the chain says.
  Result<std::shared_ptr<ChainHandle>> open(const std::string& type, const Value& params);
  // [setup] Stops all there are: nobody asks any more, and the journal is not used after it. Transactions that are open go on in the life of the process that asks for them next.
  void close();
  struct Opened {
    std::string type;
    std::shared_ptr<ChainHandle> chain;
  };
  // [any] All there are, in the order of their opening.
  std::vector<Opened> all() const;

 private:
  bool drop_idle();
  static void deactivate(const std::vector<std::pair<std::string, Opened>>& chains);
  Result<std::shared_ptr<ChainHandle>> make(const std::string& type, const Value& params);

  Lanes& lanes_;
  std::function<Result<ChainJournal>()> journal_;
  std::mutex starting_;  // held around [start] calls into chains
  std::optional<ChainJournal> kept_in_;  // guarded by starting_
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<const Catalog> catalog_;
  std::vector<std::pair<std::string, Opened>> chains_;  // by type and params
};

}  // namespace heddle
