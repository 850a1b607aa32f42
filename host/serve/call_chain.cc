#include "serve/call_chain.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "manifest/chain_link.h"

namespace heddle {
namespace {

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
