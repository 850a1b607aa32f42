#include "serve/call_chain.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace heddle {
namespace {

// FNV-1a.
void add_to(uint64_t& hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  hash = (hash ^ 0xff) * 1099511628211u;  // the end of one text
}

std::vector<std::string> links_of(std::string_view chain) {
  std::vector<std::string> links;
  while (!chain.empty()) {
    const size_t end = std::min(chain.find(' '), chain.size());
    if (end > 0) links.emplace_back(chain.substr(0, end));
    chain.remove_prefix(std::min(end + 1, chain.size()));
  }
  return links;
}

std::string joined(const std::vector<std::string>& links, std::string_view between) {
  std::string out;
  for (const std::string& link : links) out.append(out.empty() ? "" : between).append(link);
  return out;
}

}  // namespace

std::string chain_link(std::string_view name, const Manifest& manifest) {
  uint64_t hash = 14695981039346656037u;
  add_to(hash, name);
  for (const NodeSettings& node : manifest.nodes) {
    for (const std::string_view text : {std::string_view(node.id), std::string_view(node.node_type)}) add_to(hash, text);
    add_to(hash, node.params.json());
  }
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  std::string link;
  for (const char c : name.substr(0, 64)) link += c > ' ' && c < '\x7f' && c != '@' ? c : '_';
  return link + "@" + digits;
}

Result<std::string> chain_of(const Request& request, const std::string& link) {
  const Value said = request.metadata() ? request.metadata().find("chain") : Value();
  std::vector<std::string> links = links_of(said ? said.as_text().value_or("") : "");
  const bool is_again = std::find(links.begin(), links.end(), link) != links.end();
  links.push_back(link);
  if (is_again) return Error("recursion", "the pipeline is called by what it has called itself: " + joined(links, " -> "), ErrorClass::kConfig);
  if (links.size() > kMostLinks)
    return Error("too-deep", "more than " + std::to_string(kMostLinks) + " pipelines call each other: " + joined(links, " -> "), ErrorClass::kConfig);
  return joined(links, " ");
}

}  // namespace heddle
