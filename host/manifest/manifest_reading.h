// ManifestReading: a manifest while it is read, from a text that may be of an older dialect.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "manifest/manifest.h"
#include "manifest/reading.h"

namespace heddle {

class ManifestReading final : public Reading {
 public:
  ManifestReading(std::string_view text, const ReadOptions& options, Diagnostics& diagnostics, Manifest& manifest)
      : Reading(text, manifest.file, diagnostics), options_(options), manifest_(manifest) {}

  Manifest& manifest() { return manifest_; }
  const ReadOptions& options() const { return options_; }

  // An import has put the tree into heddle/1 form before it is read; pointers in messages are those of the text nevertheless.
  bool imported = false;
  bool in_wrapper = false;                       // the manifest is the member "manifest" of the document
  std::string_view connections = "connections";  // the key they have in the text

  bool takes_in() const override { return options_.takes_in; }
  const char* variable(const std::string& name) const override;
  // With ReadOptions::substitute off.
  bool is_open(std::string_view value) const override;
  void keep_written(const Path& path, const std::string& text) override { manifest_.written.emplace(canonical(path), text); }
  void take_in(const Path& path, const JsonNode& value) override {
    manifest_.taken_in = std::hash<std::string>()(std::to_string(manifest_.taken_in) + canonical(path) + '\0' + value.json());
  }
  void keep_extension(const Path& path, const JsonNode& value) override { manifest_.extensions.emplace(canonical(path), value.json()); }

 private:
  // The pointer in heddle/1 form, relative to the manifest.
  std::string canonical(const Path& path) const;
  std::string pointer_in_text(const Path& path, Span span) override;

  const ReadOptions& options_;
  Manifest& manifest_;
  JsonNode original_;  // an imported text once more, to find pointers in
  bool has_original_ = false;
};

}  // namespace heddle
