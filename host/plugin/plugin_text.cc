#include "plugin/plugin_text.h"

#include <cstdint>

namespace heddle {
namespace {

// The length of the UTF-8 sequence that `text` begins with; 0: none (overlong, a surrogate, too large, cut).
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  uint32_t point = lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  return point < kLeast[length] || point > 0x10ffff || surrogate ? 0 : length;
}

// C0, DEL, and C1 (two bytes in UTF-8).
bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  return sequence.size() == 2 && first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

}  // namespace

std::string plugin_text(std::string_view said) {
  std::string out;
  out.reserve(std::min(said.size(), kMaxPluginText));
  while (!said.empty()) {
    const size_t length = sequence_length(said);
    const std::string_view sequence = said.substr(0, length == 0 ? 1 : length);
    const std::string_view fit = length == 0 ? "\uFFFD" : is_control(sequence) ? " " : sequence;
    if (out.size() + fit.size() > kMaxPluginText) break;
    out += fit;
    said.remove_prefix(sequence.size());
  }
  return out;
}

}  // namespace heddle
