// The older dialects (v1, 1.0, 1.0.0, no version): their tree is put into heddle/1 form, in place, and then read like any other. Nothing is
// lost silently: what has no place in heddle/1 stays as an `x-*` key, and every change is a sentence of the import report.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "manifest/manifest_reading.h"

namespace heddle {

class V1Import {
 public:
  // `path` is that of `root`, the manifest, in the text; both must outlive the import.
  V1Import(ManifestReading& reading, JsonNode& root, const Path& path) : reading_(reading), root_(root), path_(path) {}
  void run();

 private:
  struct Rename {
    std::string_view from, to;
  };
  using Renames = std::span<const Rename>;

  void import_metadata();
  void move_into_metadata(std::string_view key);

  void import_nodes();
  void import_node(JsonNode& node, const Path& path);
  void import_id(JsonNode& node, const Path& path);
  void import_capabilities(JsonNode& node, const Path& path);
  void import_execution(JsonNode& node, const Path& path);
  void import_token(JsonNode& params, const Path& path);
  void note_references(const JsonNode& value, const Path& path, std::string_view key);

  void import_connections();
  void import_connection(JsonNode& connection, const Path& path);
  void import_endpoint(JsonNode& connection, const Path& path, std::string_view key, std::string_view port_key);
  std::string endpoint(const std::string& text) const;
  void chain_nodes();

  // Renames known keys of `map`; the first use of each is reported.
  void rename(JsonNode& map, const Path& path, Renames renames);
  void drop_nulls(JsonNode& map, Keys keys);
  // Every member but `keys` gets the prefix "x-" and is reported.
  void set_aside_others(JsonNode& map, const Path& path, Keys keys);
  void set_aside(JsonNode& map, const Path& path, JsonNode::Member& member, std::string_view why);
  // A tree in heddle/1 form: strings with "${" must be escaped when they are written as heddle/1.
  void escape(const JsonNode& node, const Path& path, bool in_params);
  void report(const Path& path, std::string sentence);

  ManifestReading& reading_;
  JsonNode& root_;
  const Path& path_;
  std::map<std::string, std::string, std::less<>> ids_;  // as in the text → as in heddle/1
  std::set<std::string, std::less<>> used_ids_;
  std::set<std::string, std::less<>> reported_renames_;
};

JsonNode* find_member(JsonNode& map, std::string_view key);
void erase_member(JsonNode& map, std::string_view key);
JsonNode text_node(std::string text, Span span);

}  // namespace heddle
