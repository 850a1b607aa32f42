// The sections of a heddle/1 document, one reader each. All of them report what is wrong and go on.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "manifest/manifest_reading.h"

namespace heddle {

inline constexpr size_t kMaxManifestNodes = 100'000;

// The node ids of the manifest under construction, which must not get more nodes while this lives.
class NodeIds {
 public:
  explicit NodeIds(ManifestReading& reading);
  bool has(std::string_view id) const { return ids_.contains(id); }
  // Reports `id` at `span` if no node has it, with the nearest one that there is.
  void expect(std::string_view id, const Path& path, Span span);

 private:
  ManifestReading& reading_;
  std::unordered_set<std::string_view> ids_;
  std::vector<std::string> names_;  // for suggestions; filled when first needed
};

using ParamValues = std::map<std::string, JsonNode, std::less<>>;

// "params": the declarations, and the value of each from --param, its source or its default. One that could not be had is reported and
// absent.
ParamValues read_params(ManifestReading& reading, JsonNode& section, const Path& path);
// --param of names that no declaration has.
void check_given_params(ManifestReading& reading);

void read_plugins(ManifestReading& reading, JsonNode& section, const Path& path);
void read_lanes(ManifestReading& reading, JsonNode& section, const Path& path);
void read_policies(ManifestReading& reading, JsonNode& section, const Path& path);
void read_nodes(ManifestReading& reading, JsonNode& section, const Path& path);
void read_connections(ManifestReading& reading, JsonNode& section, const Path& path, NodeIds& ids);
void read_worker(ManifestReading& reading, JsonNode& section, const Path& path, NodeIds& ids);
void read_run(ManifestReading& reading, JsonNode& section, const Path& path);
void read_tests(ManifestReading& reading, JsonNode& section, const Path& path, NodeIds& ids);

// The whole document in heddle/1 form. Takes the tree apart.
void read_heddle1(ManifestReading& reading, JsonNode& root, const Path& path);

// "host:port", the host possibly an address in brackets.
bool is_host_port(std::string_view text);
// What "capabilities" may say under `key`: gpu, cpu or memory_gb.
bool is_capability(std::string_view key, const JsonNode& value);

// A list of values as JSON texts.
std::vector<std::string> texts_of(const JsonNode& list);

}  // namespace heddle
