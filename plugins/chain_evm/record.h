// Record: what the journal has of one number (nonce) of the account: what was wanted, and every transaction that was signed for it.
#pragma once
#include <heddle/sdk/value.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fees.h"

namespace chain_evm {

// Hashes, addresses and data are bytes, not text.
struct Intent {
  std::string key;   // empty: nobody's, it only fills a number
  std::string what;  // "claim", "call" …
  std::string to;
  Amount value = 0;
  std::string data = {};
  uint64_t gas = 0;
  int64_t not_after_unix = 0;  // 0: whenever
};

struct Attempt {
  std::string hash;
  std::string raw;  // empty: a later one is sent in its place, or another life of this journal has made it, and the chain has it
  Fee fee = {};
  bool does_nothing = false;  // it only takes the number
  int64_t at_unix = 0;
  std::string error = {};  // what a node said of it last
};

enum class Stage : uint8_t {
  kStored,
  kSent,      // a node has taken it
  kIncluded,  // in a block that may still be undone
  kFinal,
  kReverted,  // for good
  kReplaced,  // one that does nothing has taken the number: it was too late
  kRefused,   // the same, for no node would ever take it
  kConflict   // a transaction that is not ours has taken the number
};
inline constexpr bool is_over(Stage stage) { return stage > Stage::kIncluded; }

// What the chain says of a transaction in a block.
struct Receipt {
  std::string hash, block_hash;
  uint64_t block = 0;
  bool succeeded = true;
  Amount paid = 0;           // wei
  std::string reason = {};   // JSON, of one that has not succeeded; may be empty
};

struct Record {
  uint64_t number = 0;
  Intent intent;
  std::vector<Attempt> attempts = {};
  Stage stage = Stage::kStored;
  Receipt receipt = {};  // from kIncluded on; of kConflict and kRefused: only `reason` may be there
  int64_t stored_unix = 0, over_unix = 0;

  const Attempt* attempt(std::string_view hash) const;
  // The one that counts: on the chain, or else the last one. Null: there is none yet.
  const Attempt* current() const;
};

std::string_view name_of(Stage stage);

// As it stands in the journal: JSON. The raw bytes are those of the last attempt only, for nothing else is sent; of what is over they are left out, too.
std::string to_text(const Record& record);
// Throws heddle::sdk::Error: it is none.
Record read_record(heddle::sdk::ValueRef value);

// "text" with what JSON wants escaped, and the quotes.
std::string json_string(std::string_view text);

}  // namespace chain_evm
