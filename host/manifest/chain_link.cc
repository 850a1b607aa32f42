#include "manifest/chain_link.h"

#include <algorithm>
#include <cstdio>

namespace heddle {
namespace {

// FNV-1a.
void add_to(uint64_t& hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  hash = (hash ^ 0xff) * 1099511628211u;  // the end of one text
}

// Two maps with the same members are the same, whatever their order.
void sort(JsonNode& node) {
  std::sort(node.members.begin(), node.members.end(), [](const JsonNode::Member& a, const JsonNode::Member& b) { return a.key < b.key; });
  for (JsonNode::Member& member : node.members) sort(member.value);
  for (JsonNode& item : node.items) sort(item);
}

}  // namespace

uint64_t hash_of(const Manifest& manifest) {
  uint64_t hash = 14695981039346656037u;
  for (const NodeSettings& node : manifest.nodes) {
    JsonNode params = node.params;
    sort(params);
    for (const std::string& text : {node.id, node.node_type, params.json()}) add_to(hash, text);
  }
  for (const Connection& connection : manifest.connections) {
    for (const std::string& text : {connection.from_node, connection.from_port, connection.to_node, connection.to_port}) add_to(hash, text);
  }
  return hash;
}

std::string chain_link(std::string_view name, const Manifest& manifest) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash_of(manifest)));
  std::string link;
  for (const char c : name.substr(0, 64)) link += c > ' ' && c < '\x7f' && c != '@' ? c : '_';
  return link + "@" + digits;
}

}  // namespace heddle
