#include "hex.h"

#include <heddle/sdk/error.h>

#include <algorithm>

#include "keccak.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr size_t kShown = 60;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

[[noreturn]] void fail(std::string_view text, const std::string& why) {
  std::string shown(text.substr(0, kShown));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  throw Error(HEDDLE_INVALID, "\"" + shown + (text.size() > kShown ? "…" : "") + "\" is no address: " + why);
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string out = "0x";
  out.reserve(2 + 2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> parse_hex(std::string_view text) {
  if (!text.starts_with("0x") || text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2 - 1);
  for (size_t i = 2; i < text.size(); i += 2) {
    const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::optional<std::string> parse_hex(std::string_view text, size_t size) {
  return text.size() == 2 + 2 * size ? parse_hex(text) : std::nullopt;
}

std::string parse_address(std::string_view text) {
  std::optional<std::string> address = parse_hex(text, kAddressSize);
  if (!address) fail(text, "0x and 40 hex digits are one");
  const std::string_view digits = text.substr(2);
  const bool has_low = std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'a' && c <= 'f'; });
  const bool has_high = std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (has_low && has_high && text != to_checksummed(*address))
    fail(text, "its checksum (EIP-55) is wrong; write it in lower case if you are sure of it");
  return *std::move(address);
}

std::string to_checksummed(std::string_view address) {
  std::string text = to_hex(address);
  const std::string hash = keccak256(std::string_view(text).substr(2));
  for (size_t i = 2; i < text.size() && (i - 2) / 2 < hash.size(); ++i) {
    const unsigned char byte = static_cast<unsigned char>(hash[(i - 2) / 2]);
    const unsigned digit = i % 2 == 0 ? byte >> 4 : byte & 15;
    if (text[i] >= 'a' && digit >= 8) text[i] = static_cast<char>(text[i] - 'a' + 'A');
  }
  return text;
}

}  // namespace chain_evm
