#include "amount.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <iterator>

#include "hex.h"

namespace chain_evm {

namespace multiprecision = boost::multiprecision;

// Between an Amount and the number that Boost reckons with.
struct Arithmetic {
  static multiprecision::uint256_t number(const Amount& amount) {
    multiprecision::uint256_t number = 0;
    multiprecision::import_bits(number, amount.words_.begin(), amount.words_.end());
    return number;
  }
  static Amount amount(multiprecision::uint256_t number) {
    Amount amount;
    for (size_t i = amount.words_.size(); i-- > 0; number >>= 64) amount.words_[i] = static_cast<uint64_t>(number & UINT64_MAX);
    return amount;
  }
};

Amount operator+(const Amount& a, const Amount& b) { return Arithmetic::amount(Arithmetic::number(a) + Arithmetic::number(b)); }
Amount operator-(const Amount& a, const Amount& b) { return Arithmetic::amount(Arithmetic::number(a) - Arithmetic::number(b)); }
Amount operator*(const Amount& a, const Amount& b) { return Arithmetic::amount(Arithmetic::number(a) * Arithmetic::number(b)); }
Amount operator/(const Amount& a, const Amount& b) { return Arithmetic::amount(Arithmetic::number(a) / Arithmetic::number(b)); }
Amount operator<<(const Amount& a, size_t bits) { return Arithmetic::amount(Arithmetic::number(a) << bits); }
Amount operator>>(const Amount& a, size_t bits) { return Arithmetic::amount(Arithmetic::number(a) >> bits); }

namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

constexpr size_t kMostDigits = 78;  // of 2^256 - 1
constexpr size_t kShown = 80;

[[noreturn]] void fail(std::string_view text, const char* why) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  throw Error(HEDDLE_INVALID,
              (is_plain ? "\"" + std::string(text.substr(0, kShown)) + (text.size() > kShown ? "…" : "") + "\" " : "it ") + why);
}

bool are_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Of digits, as many zeros in front as there are. `whole`: what is shown of it.
Amount of_digits(std::string_view digits, std::string_view whole) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  const Amount most = Amount::most();
  if (digits.size() > kMostDigits) fail(whole, "does not fit into 256 bits");
  Amount amount = 0;
  for (const char c : digits) {
    const unsigned digit = static_cast<unsigned>(c - '0');
    if (amount > (most - digit) / 10) fail(whole, "does not fit into 256 bits");
    amount = amount * 10 + digit;
  }
  return amount;
}

// `text`: a number in the grammar of JSON, without its sign. 1.5e3 is whole.
Amount of_number(std::string_view text) {
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, e);
  std::string_view exponent = text.substr(std::min(e + 1, text.size()));
  const bool shrinks = exponent.starts_with('-');
  if (shrinks || exponent.starts_with('+')) exponent.remove_prefix(1);
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  size_t behind = mantissa.size() - std::min(point + 1, mantissa.size());  // digits behind the point
  digits += mantissa.substr(mantissa.size() - behind);
  if (!are_digits(digits) || !are_digits(exponent)) fail(text, "is no number");
  if (digits.find_first_not_of('0') == digits.npos) return 0;
  while (behind > 0 && digits.back() == '0') {
    digits.pop_back();
    --behind;
  }
  exponent.remove_prefix(std::min(exponent.find_first_not_of('0'), exponent.size()));
  if (exponent.size() > 6) fail(text, "is not whole, or does not fit into 256 bits");
  const size_t shift = exponent.empty() ? 0 : std::stoul(std::string(exponent));
  if (shrinks) {
    behind += shift;
    for (; behind > 0 && digits.ends_with('0'); --behind) digits.pop_back();
    if (behind > 0) fail(text, "is not whole");
  } else {
    if (behind > shift) fail(text, "is not whole");
    if (shift - behind > kMostDigits) fail(text, "does not fit into 256 bits");
    digits.append(shift - behind, '0');
  }
  return of_digits(digits, text);
}

}  // namespace

Amount parse_decimal(std::string_view digits) {
  if (digits.empty() || !are_digits(digits) || (digits.size() > 1 && digits[0] == '0'))
    fail(digits, "is no whole number in decimal digits");
  return of_digits(digits, digits);
}

Amount parse_quantity(std::string_view text) {
  const std::string_view digits = text.substr(std::min<size_t>(text.size(), 2));
  if (!text.starts_with("0x") || digits.empty() || digits.size() > 2 * kHashSize) fail(text, "is no number: 0x and 1 to 64 digits");
  const auto bytes = parse_hex((digits.size() % 2 ? "0x0" : "0x") + std::string(digits));
  if (!bytes) fail(text, "is no number: 0x and 1 to 64 digits");
  return amount_of(*bytes);
}

Amount amount_of(std::string_view bytes) {
  if (bytes.size() > kHashSize)
    throw Error(HEDDLE_INVALID, "a number of " + std::to_string(bytes.size()) + " bytes does not fit into 256 bits");
  multiprecision::uint256_t number = 0;
  if (!bytes.empty())
    multiprecision::import_bits(number, reinterpret_cast<const unsigned char*>(bytes.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data() + bytes.size()));
  return Arithmetic::amount(number);
}

Whole read_whole(ValueRef value) {
  if (value.is_number()) {
    std::string_view text = value.json();
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const Amount size = of_number(text);
    return {negative && size != 0, size};
  }
  if (!value.is(HEDDLE_STRING)) throw Error(HEDDLE_INVALID, "it must be a whole number, or a text of one");
  std::string_view text = *value.as_text();
  if (text.starts_with("0x")) return {false, parse_quantity(text)};
  const bool negative = text.starts_with('-');
  const Amount size = parse_decimal(text.substr(negative ? 1 : 0));
  return {negative && size != 0, size};
}

Amount read_amount(ValueRef value) {
  const Whole number = read_whole(value);
  if (number.negative) fail("-" + to_decimal(number.size), "is less than 0");
  return number.size;
}

std::string to_decimal(const Amount& amount) { return Arithmetic::number(amount).str(); }

std::string to_quantity(const Amount& amount) { return "0x" + Arithmetic::number(amount).str(0, std::ios_base::hex); }

std::string to_word(const Amount& amount) {
  const std::string bytes = to_bytes(amount);
  return std::string(kHashSize - bytes.size(), '\0') + bytes;
}

std::string to_bytes(const Amount& amount) {
  std::string bytes;
  if (amount == 0) return bytes;
  multiprecision::export_bits(Arithmetic::number(amount), std::back_inserter(bytes), 8);
  return bytes;
}

Value to_value(const Amount& amount) { return to_value(Whole{false, amount}); }

Value to_value(const Whole& number) {
  const std::string text = (number.negative ? "-" : "") + to_decimal(number.size);
  return Value::decimal(text);  // the host makes it INT where it fits
}

}  // namespace chain_evm
