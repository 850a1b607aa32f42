// StateStore: the store in which `heddle run` keeps what chains must not forget: one file of its state folder, made when it is first wanted.
#pragma once
#include <memory>
#include <string>

#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/chain_handle.h"
#include "plugin/store_handle.h"
#include "result.h"

namespace heddle {

class StateStore {
 public:
  // `folder`: empty: there is no place for it. Both references outlive it.
  StateStore(const Catalog& catalog, Lanes& lanes, std::string folder) : catalog_(catalog), lanes_(lanes), folder_(std::move(folder)) {}
  // Closes it; nobody uses it any more.
  ~StateStore();
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  // [start] Errors: "no-state" (no folder), "no-type" (no plugin has the store "Sqlite"), what the store says: another process may have it.
  Result<StoreHandle*> open();
  Result<ChainJournal> journal();

 private:
  const Catalog& catalog_;
  Lanes& lanes_;
  const std::string folder_;
  std::unique_ptr<StoreHandle> store_;
};

}  // namespace heddle
