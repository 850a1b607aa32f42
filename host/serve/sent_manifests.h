// SentManifests: the pipelines that peers send along with their items, where the configuration lets them. Each is read, checked and planned once, and kept for the next items.
//
// A manifest from the network is somebody else's: it uses no other node types than those that the configuration names, and the lanes that the host has; it takes in nothing of the
// host, neither variables nor files, and keeps no state here.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "serve/config.h"
#include "serve/served_pipelines.h"

namespace heddle {

class SentManifests {
 public:
  static constexpr size_t kMostKept = 64, kMostKeptBytes = size_t{64} << 20;  // of their texts

  // Both outlive it.
  SentManifests(const ServedPipelines& pipelines, Lanes& lanes) : pipelines_(pipelines), lanes_(lanes) {}
  // [any] From now on. What was planned before is forgotten.
  void use(const ExecuteSettings& settings, std::shared_ptr<const Catalog> catalog);

  // [any] Error "denied": the configuration lets nobody send any.
  Result<void> allowed() const;
  // [any] One that was planned already; null: it was not, or is forgotten.
  ServedPipelinePtr find(const std::string& text);
  // [any] Runs code of plugins, where they say that it touches nothing outside. Error "bad-pipeline", of class config: everything that is wrong, each with its JSON Pointer.
  Result<ServedPipelinePtr> plan(const std::string& text);

 private:
  struct Rules {
    bool allowed = false;
    std::vector<const TypeDescriptor*> types;
    std::shared_ptr<const Catalog> catalog;  // in which the types are
  };
  struct Kept {
    ServedPipelinePtr pipeline;
    uint64_t used = 0;
  };
  void check(const Manifest& manifest, const Rules& rules, Diagnostics& diagnostics) const;
  void keep(const std::string& text, const std::shared_ptr<const Rules>& rules, const ServedPipelinePtr& pipeline);

  const ServedPipelines& pipelines_;
  Lanes& lanes_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<const Rules> rules_ = std::make_shared<const Rules>();
  std::unordered_map<std::string, Kept> kept_;  // by text
  size_t bytes_ = 0;                            // of the texts
  uint64_t uses_ = 0;
};

}  // namespace heddle
