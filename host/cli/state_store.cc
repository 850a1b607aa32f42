#include "cli/state_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "log.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr char kType[] = "Sqlite";

Result<void> make_folder(const std::string& folder) {
  std::error_code failed;
  if (std::filesystem::create_directories(folder, failed); failed) return Error("io", "the folder " + folder + " cannot be made: " + failed.message(), ErrorClass::kConfig);
  ::chmod(folder.c_str(), 0700);  // best effort: the file itself is for its owner alone
  return {};
}

}  // namespace

StateStore::~StateStore() {
  if (!store_) return;
  if (auto closed = store_->deactivate(); !closed) log::write(log::Level::kError, {}, "the store of the state folder was not closed cleanly: " + closed.error().text());
}

Result<StoreHandle*> StateStore::open() {
  if (store_) return store_.get();
  if (folder_.empty()) return Error("no-state", "there is no place for what must not be forgotten: neither XDG_STATE_HOME nor HOME is set; say --state-dir FOLDER", ErrorClass::kConfig);
  const CatalogEntry entry = catalog_.find("store", kType);
  if (!entry.type) {
    const std::string hint = catalog_.hint_for("store", kType);
    return Error("no-type", std::string("no plugin has the store \"") + kType + "\", in which the state folder is kept" + (hint.empty() ? "" : "; " + hint), ErrorClass::kConfig);
  }
  if (auto made = make_folder(folder_); !made) return std::move(made).error();
  auto store = StoreHandle::create(entry, "state", json_object({{"path", json_text(folder_ + "/chains.db")}}), &lanes_, *lanes_.find("control"));
  if (!store) return std::move(store).error();
  if (auto active = (*store)->activate(); !active) return std::move(active).error();
  store_ = *std::move(store);
  return store_.get();
}

Result<ChainJournal> StateStore::journal() {
  auto store = open();
  if (!store) return std::move(store).error();
  return ChainJournal{.store = *store, .is_durable = true};
}

}  // namespace heddle
