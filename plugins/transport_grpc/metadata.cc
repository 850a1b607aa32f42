#include "metadata.h"

#include <algorithm>

namespace transport_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::to_view;

constexpr std::string_view kPrefix = "heddle-";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::string_view view(grpc::string_ref text) { return {text.data(), text.size()}; }

std::string bearer(const Fields& fields) {
  if (fields.count("authorization") != 1) return {};
  const std::string_view said = view(fields.find("authorization")->second);
  if (lower(said.substr(0, 7)) != "bearer ") return {};
  const size_t begin = std::min(said.find_first_not_of(' ', 7), said.size());
  const std::string_view token = said.substr(begin);
  const bool visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  return visible ? std::string(token) : std::string();
}

// One that is there twice is as good as none; the host judges what it says.
std::string trace_of(const Fields& fields) {
  return fields.count("traceparent") == 1 ? std::string(view(fields.find("traceparent")->second)) : std::string();
}

std::string trace_state_of(const Fields& fields) {
  std::string state;
  const auto [begin, end] = fields.equal_range("tracestate");
  for (auto at = begin; at != end; ++at) state.append(at == begin ? "" : ",").append(view(at->second));
  return state;
}

bool is_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 64 && name != "timeout-ms" && std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Value map_of(const Texts& texts) {
  std::vector<Value::Entry> entries;
  entries.reserve(texts.size());
  for (const auto& [name, text] : texts) entries.push_back({name, Value::string(text)});
  return Value::map(entries);
}

MetadataOrRefusal read_metadata(const Fields& fields) {
  MetadataOrRefusal read{{bearer(fields), trace_of(fields), trace_state_of(fields), {}}, {}};
  size_t bytes = 0;
  for (const auto& [key, said] : fields) {
    const std::string_view field = view(key), text = view(said);
    if (!field.starts_with(kPrefix)) continue;
    const std::string_view name = field.substr(kPrefix.size());
    // The fields are in order: those of one name follow each other.
    if (!read.metadata.texts.empty() && read.metadata.texts.back().first == name)
      return {{}, failure("invalid", "the metadata " + std::string(field) + " are there twice")};
    if (!is_name(name) || !is_printable(text))
      return {{}, failure("invalid", "the metadata " + std::string(field) + " are none: a name of 64 letters, digits and '-', and printable ASCII")};
    bytes += name.size() + text.size();
    read.metadata.texts.emplace_back(name, text);
  }
  if (read.metadata.texts.size() <= HEDDLE_METADATA_MOST && bytes <= HEDDLE_METADATA_BYTES) return read;
  return {{}, failure("too-large", "at most " + std::to_string(HEDDLE_METADATA_MOST) + " metadata \"heddle-…\" with " + std::to_string(HEDDLE_METADATA_BYTES) +
                                       " bytes are taken")};
}

Texts fields_of(const heddle_request& r, const Texts& headers) {
  Texts fields = headers;
  const auto add = [&](std::string name, std::string_view text) {
    if (!is_printable(text)) throw Error(HEDDLE_INVALID, name + ": its text has characters that no metadata take");
    fields.emplace_back(std::move(name), text);
  };
  if (r.token.len) {
    std::erase_if(fields, [](const auto& field) { return field.first == "authorization"; });
    add("authorization", "Bearer " + std::string(to_view(r.token)));
  }
  if (r.trace.len) add("traceparent", to_view(r.trace));
  const heddle_request* const given = &r;
  if (HEDDLE_HAS(given, trace_state.len)) add("tracestate", to_view(r.trace_state));
  const ValueRef metadata(HEDDLE_HAS(given, metadata) ? r.metadata : nullptr);
  for (size_t i = 0; i < metadata.size(); ++i) {
    std::string_view name;
    const auto text = metadata.at(i, &name).as_text();
    if (text) add(std::string(kPrefix).append(name), *text);
  }
  return fields;
}

Texts read_headers(ValueRef headers) {
  Texts list;
  for (size_t i = 0; i < headers.size(); ++i) {
    std::string_view given;
    const auto text = headers.at(i, &given).as_text();
    const std::string name = lower(given);
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), fits) || name.ends_with("-bin") || !text || !is_printable(*text))
      throw Error(HEDDLE_INVALID, "the header \"" + name + "\" is none: letters, digits and '-', not \"-bin\" at the end, and printable ASCII");
    if (name.starts_with(kPrefix) || name.starts_with("grpc-") || name == "traceparent" || name == "tracestate" || name == "te" || name == "content-type" || name == "user-agent")
      throw Error(HEDDLE_INVALID, "the header \"" + name + "\" is the transport's own");
    list.emplace_back(name, *text);
  }
  return list;
}

}  // namespace transport_grpc
