#include "metadata.h"

#include <heddle/transport.h>

#include <algorithm>

#include "ascii.h"

namespace transport_http {
namespace {

bool is_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

MetadataOrRefusal read_metadata(const httplib::Headers& headers) {
  MetadataOrRefusal read;
  size_t bytes = 0;
  for (const auto& [header, text] : headers) {
    std::string name = lower(header);
    if (!name.starts_with(kMetadataPrefix) || name == "heddle-timeout-ms") continue;
    name.erase(0, kMetadataPrefix.size());
    const auto is_it = [&](const auto& known) { return known.first == name; };
    if (std::any_of(read.metadata.begin(), read.metadata.end(), is_it)) return {{}, refusal(400, "the header " + header + " is there twice")};
    if (!is_name(name) || !is_printable(text))
      return {{}, refusal(400, "the header " + header + " is no metadata: a name of 64 letters, digits and '-', and printable ASCII")};
    bytes += name.size() + text.size();
    read.metadata.emplace_back(std::move(name), text);
  }
  if (read.metadata.size() <= HEDDLE_METADATA_MOST && bytes <= HEDDLE_METADATA_BYTES) return read;
  const std::string entries = std::to_string(HEDDLE_METADATA_MOST), most = std::to_string(HEDDLE_METADATA_BYTES);
  return {{}, refusal(431, "at most " + entries + " headers \"heddle-…\" with " + most + " bytes are taken")};
}

heddle::sdk::Value map_of(const Parameters& texts) {
  using heddle::sdk::Value;
  std::vector<Value::Entry> entries;
  entries.reserve(texts.size());
  for (const auto& [name, text] : texts) entries.push_back({name, Value::string(text)});
  return Value::map(entries);
}

}  // namespace transport_http
