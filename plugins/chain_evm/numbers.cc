#include "numbers.h"

#include <algorithm>
#include <functional>

namespace chain_evm {
namespace {

constexpr uint64_t kMostNumber = UINT64_MAX / 4;  // no account will ever have used so many

}  // namespace

FirstFree first_free(const std::vector<std::optional<Counted>>& nodes) {
  FirstFree free;
  std::vector<uint64_t> latest;
  for (const auto& node : nodes)
    if (node && node->latest < kMostNumber) latest.push_back(node->latest);
  std::sort(latest.begin(), latest.end(), std::greater<>());
  const uint64_t known = latest.empty() ? 0 : latest[(latest.size() + 1) / 2 - 1];
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i]) continue;
    const auto is_believed = [&](uint64_t number) { return !latest.empty() && number <= known + kMostAhead; };
    for (const uint64_t number : {nodes[i]->latest, nodes[i]->pending})
      if (is_believed(number)) free.number = std::max(free.number.value_or(0), number);
    if (!is_believed(nodes[i]->latest) || !is_believed(nodes[i]->pending)) free.doubted.push_back(i);
  }
  return free;
}

}  // namespace chain_evm
