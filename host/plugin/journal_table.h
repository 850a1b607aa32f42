// JournalTable: heddle.journal/1 for one object: its own part of a store. See heddle/draft/journal.h.
#pragma once
#include <heddle/draft/journal.h>

#include <string>
#include <string_view>

#include "plugin/store_handle.h"

namespace heddle {

class JournalTable {
 public:
  // `store` is active as long as this lives. `prefix` begins every key that it writes there.
  JournalTable(StoreHandle& store, bool is_durable, std::string prefix) : store_(store), is_durable_(is_durable), prefix_(std::move(prefix)) {}
  JournalTable(const JournalTable&) = delete;
  JournalTable& operator=(const JournalTable&) = delete;

  // Its context (HostTable::context) is a JournalTable.
  static const heddle_journal_service& service();

 private:
  friend struct JournalFunctions;
  // The rows of a page with the keys as their object knows them.
  Value without_prefix(const Value& page) const;
  // The first key after all that begin with the prefix.
  std::string end() const;

  StoreHandle& store_;
  const bool is_durable_;
  const std::string prefix_;
};

}  // namespace heddle
