// Amount: a whole number of 256 bits without a sign: wei, fees, and what contracts count.
#pragma once
#include <heddle/sdk/value.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chain_evm {

// It wraps, as a number of the machine does: compare before you subtract. The arithmetic is Boost's, which only amount.cc includes.
class Amount {
 public:
  constexpr Amount(uint64_t number = 0) : words_{0, 0, 0, number} {}

  friend constexpr auto operator<=>(const Amount&, const Amount&) = default;
  friend Amount operator+(const Amount& a, const Amount& b);
  friend Amount operator-(const Amount& a, const Amount& b);
  friend Amount operator*(const Amount& a, const Amount& b);
  friend Amount operator/(const Amount& a, const Amount& b);  // b: not 0
  friend Amount operator<<(const Amount& a, size_t bits);
  friend Amount operator>>(const Amount& a, size_t bits);
  Amount operator-() const { return Amount(0) - *this; }  // the complement of two
  Amount& operator+=(const Amount& more) { return *this = *this + more; }
  Amount& operator-=(const Amount& less) { return *this = *this - less; }
  // The lowest 64 bits.
  constexpr explicit operator uint64_t() const { return words_[3]; }

  static constexpr Amount most() {
    Amount amount;
    amount.words_.fill(UINT64_MAX);
    return amount;
  }

 private:
  friend struct Arithmetic;

  std::array<uint64_t, 4> words_;
};

// All that read throw heddle::sdk::Error (INVALID), which says what is wrong with the text.
Amount parse_decimal(std::string_view digits);
// A QUANTITY of JSON-RPC: "0x" and 1 to 64 digits. Zeros in front are taken, for some nodes write them.
Amount parse_quantity(std::string_view text);
// Up to 32 bytes, the highest first; none at all is 0.
Amount amount_of(std::string_view bytes);
// A number that is whole and not negative, or STRING of decimal digits or of a QUANTITY.
Amount read_amount(heddle::sdk::ValueRef value);

std::string to_decimal(const Amount& amount);
// "0x0", "0x1f": without zeros in front.
std::string to_quantity(const Amount& amount);
// 32 bytes, the highest first.
std::string to_word(const Amount& amount);
// As few bytes as it takes, the highest first; 0 is none.
std::string to_bytes(const Amount& amount);
// INT where it fits, else what a host makes of such a number: DECIMAL, or FLOAT where that holds it exactly (1e+21).
heddle::sdk::Value to_value(const Amount& amount);

// A whole number with a sign.
struct Whole {
  bool negative = false;  // never of 0
  Amount size;
};
Whole read_whole(heddle::sdk::ValueRef value);
heddle::sdk::Value to_value(const Whole& number);

}  // namespace chain_evm
