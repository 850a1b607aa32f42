#include "rlp.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;

constexpr unsigned char kBytes = 0x80, kList = 0xc0;
constexpr size_t kMostShort = 55;  // bytes of which the first byte of an item tells the number

std::string head_of(size_t size, unsigned char kind) {
  if (size <= kMostShort) return std::string(1, static_cast<char>(kind + size));
  const std::string length = to_bytes(size);
  return static_cast<char>(kind + kMostShort + length.size()) + length;
}

[[noreturn]] void fail(const char* why) { throw Error(HEDDLE_INVALID, std::string("this is no RLP that can be used: ") + why); }

}  // namespace

std::string rlp_bytes(std::string_view bytes) {
  if (bytes.size() == 1 && static_cast<unsigned char>(bytes[0]) < kBytes) return std::string(bytes);
  return head_of(bytes.size(), kBytes).append(bytes);
}

std::string rlp_number(const Amount& number) { return rlp_bytes(to_bytes(number)); }

std::string rlp_list(std::string_view items) { return head_of(items.size(), kList).append(items); }

bool RlpReader::at_list() const { return head().is_list; }

RlpReader::Head RlpReader::head() const {
  if (rest_.empty()) fail("an item is missing");
  const auto first = static_cast<unsigned char>(rest_[0]);
  if (first < kBytes) return {false, 0, 1};
  const bool is_list = first >= kList;
  size_t head = 1, body = first - (is_list ? kList : kBytes);
  if (body > kMostShort) {
    const size_t digits = body - kMostShort;  // of the length: 1 to 8
    head += digits;
    if (head > rest_.size()) fail("an item ends too early");
    body = static_cast<size_t>(amount_of(rest_.substr(1, digits)));
    if (rest_[1] == '\0' || body <= kMostShort) fail("a length is written longer than it has to be");
  }
  if (body > rest_.size() - head) fail("an item ends too early");
  if (!is_list && body == 1 && static_cast<unsigned char>(rest_[head]) < kBytes) fail("a single byte is written longer than it has to be");
  return {is_list, head, body};
}

std::string_view RlpReader::take(bool list) {
  const Head head = this->head();
  if (head.is_list != list) fail(list ? "there are bytes where a list belongs" : "there is a list where bytes belong");
  const std::string_view body = rest_.substr(head.head, head.body);
  rest_.remove_prefix(head.head + head.body);
  return body;
}

std::string_view RlpReader::bytes() { return take(false); }

Amount RlpReader::number() {
  const std::string_view digits = bytes();
  if (digits.starts_with('\0')) fail("a number begins with a zero");
  return amount_of(digits);
}

uint64_t RlpReader::small_number() {
  const Amount number = this->number();
  if (number > UINT64_MAX) fail("a number has more than 64 bits");
  return static_cast<uint64_t>(number);
}

RlpReader RlpReader::list() { return RlpReader(take(true)); }

void RlpReader::end() const {
  if (!rest_.empty()) fail("there is more than belongs there");
}

}  // namespace chain_evm
