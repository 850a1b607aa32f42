#include "serve/served_pipelines.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "manifest/chain_link.h"
#include "manifest/document.h"
#include "pipeline/build.h"
#include "pipeline/lane_config.h"
#include "pipeline/recursion.h"
#include "pipeline/try_params.h"
#include "plugin/endpoint.h"
#include "serve/execution.h"
#include "value/json_value.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

Error bad(std::string message) { return Error("bad-pipeline", std::move(message), ErrorClass::kConfig); }
Error bad(const Diagnostics& diagnostics) { return bad(diagnostics.text(false)); }

// "not-trusted" where what is missing may be in a plugin that is not trusted.
Error bad(const Diagnostics& diagnostics, const Catalog& catalog) {
  Error out = bad(diagnostics);
  const auto& all = diagnostics.all();
  const auto is_missing = [](const Diagnostic& one) { return one.code == "unknown-node-type" || one.code == "unknown-type"; };
  if (catalog.distrusts() && std::any_of(all.begin(), all.end(), is_missing)) out.code = "not-trusted";
  return out;
}

// The manifests of a folder, by file name.
Result<std::vector<fs::path>> manifests_of(const std::string& folder) {
  std::vector<fs::path> out;
  std::error_code fault;
  for (fs::directory_iterator at(folder, fault), end; !fault && at != end; at.increment(fault)) {
    const fs::path& path = at->path();
    if (path.extension() == ".json" && !path.filename().string().starts_with(".")) out.push_back(path);
  }
  if (fault) return Error("io", "cannot read the folder of pipelines " + folder + ": " + fault.message(), ErrorClass::kConfig);
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::string> text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxManifestBytes + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.eof() && !in) return Error("io", "cannot read " + path.string(), ErrorClass::kConfig);
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

bool is_as_before(const ServedPipeline& before, const std::string& file, const std::string& text, const Manifest& manifest, const Catalog& catalog) {
  return before.file == file && before.text == text && before.manifest.taken_in == manifest.taken_in && before.catalog.get() == &catalog;
}

// `before`, if there is nothing new.
Result<ServedPipelinePtr> build(const fs::path& path, std::string text, const Household& household, HostOffers& others, const ServedPipelinePtr& before) {
  const std::string file = path.string();
  Diagnostics diagnostics(file, text);
  auto manifest = read_manifest(text, file, {}, diagnostics);
  if (!manifest) return bad(diagnostics);
  if (before && is_as_before(*before, file, text, *manifest, *household.catalog)) return before;
  auto pipeline = build_pipeline(*manifest, *household.catalog, diagnostics, &others);
  if (pipeline) try_params(*pipeline, diagnostics);
  if (!pipeline || diagnostics.has_errors()) return bad(diagnostics, *household.catalog);
  return serve(path.stem().string(), file, std::move(text), *std::move(manifest), *std::move(pipeline), household);
}

bool same(const LaneConfig& a, const LaneConfig& b) { return json_object(lane_members(a)) == json_object(lane_members(b)); }

// The lanes that the manifests of one reading declare, beside those of the host.
class DeclaredLanes {
 public:
  explicit DeclaredLanes(const std::vector<LaneSetup>& host_lanes) : host_lanes_(host_lanes) {}

  Result<void> declare(const ServedPipeline& pipeline) {
    for (size_t i = 0; i < pipeline.lanes.size(); ++i) {
      const LaneSettings& said = pipeline.manifest.lanes[i];
      const LaneConfig& lane = pipeline.lanes[i];
      if (const auto host = of_host(lane.name)) {
        note_difference(pipeline, said, *host);
        continue;
      }
      const auto [known, is_new] = added_.emplace(lane.name, lane);
      if (is_new) declared_in_.emplace(lane.name, pipeline.file);
      if (same(lane, known->second)) continue;
      return refuse(pipeline, said, "lane-contradiction",
                    "the lane \"" + lane.name + "\" has " + lane_words(lane) + " here, but " + declared_in_.at(lane.name) + " has it with " + lane_words(known->second),
                    "all pipelines of a host share its lanes: give it the same settings, or another name, or set it in the configuration, which counts then");
    }
    return {};
  }
  const std::map<std::string, LaneConfig, std::less<>>& added() const { return added_; }
  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  std::optional<LaneConfig> of_host(const std::string& name) const {
    for (const LaneSetup& setup : host_lanes_) {
      if (setup.lane.name == name) return setup.lane;
    }
    if (std::find(std::begin(kHostLanes), std::end(kHostLanes), name) != std::end(kHostLanes)) return default_setup(name).lane;
    return {};
  }

  void note_difference(const ServedPipeline& pipeline, const LaneSettings& said, const LaneConfig& host) {
    LaneConfig wanted = host;
    apply(said, wanted);
    if (same(wanted, host)) return;
    notes_.push_back(pipeline.file + ": the lane \"" + said.name + "\" is the host's, which has it with " + lane_words(host) +
                     "; that counts, and not what this manifest says of it: " + lane_words(wanted));
  }

  static Error refuse(const ServedPipeline& pipeline, const LaneSettings& said, std::string code, std::string message, std::string hint) {
    Diagnostics diagnostics(pipeline.file, pipeline.text);
    diagnostics.add({.code = std::move(code), .pointer = said.pointer, .span = said.span, .message = std::move(message), .hint = std::move(hint)});
    return bad(diagnostics);
  }

  const std::vector<LaneSetup>& host_lanes_;
  std::map<std::string, LaneConfig, std::less<>> added_;
  std::map<std::string, std::string> declared_in_;  // file, by lane
  std::vector<std::string> notes_;
};

// "host:port" of an endpoint in any form, with one name for this machine.
std::string plain_endpoint(std::string_view endpoint) {
  endpoint = authority_of(endpoint);
  const size_t colon = endpoint.rfind(':');
  if (colon == endpoint.npos) return std::string(endpoint);
  const std::string_view host = endpoint.substr(0, colon);
  const bool is_here = host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == "0.0.0.0" || host == "[::]";
  return (is_here ? "here" : std::string(host)) + std::string(endpoint.substr(colon));
}

// Of pipelines that would end up running themselves, what is wrong with each; empty: there is none.
std::string recursion_among(const std::map<std::string, ServedPipelinePtr, std::less<>>& pipelines, const Catalog& catalog, const std::vector<std::string>& endpoints) {
  std::vector<std::string> own;
  for (const std::string& endpoint : endpoints) own.push_back(plain_endpoint(endpoint));
  const ServedHere served = [&](std::string_view name, const std::vector<std::string>& asked) -> const Manifest* {
    const auto is_own = [&](const std::string& endpoint) { return std::find(own.begin(), own.end(), plain_endpoint(endpoint)) != own.end(); };
    const auto found = pipelines.find(name);
    return found != pipelines.end() && std::any_of(asked.begin(), asked.end(), is_own) ? &found->second->manifest : nullptr;
  };
  std::string wrong;
  for (const auto& [name, pipeline] : pipelines) {
    Diagnostics diagnostics(pipeline->file, pipeline->text);
    check_recursion(name, pipeline->manifest, catalog, served, diagnostics);
    if (diagnostics.has_errors()) wrong += "\n" + diagnostics.text(false);
  }
  return wrong;
}

bool is_for_each_item(const PipelineNode& node) {
  const MergeMode merge = node.settings.merge.mode;
  return node.entry.type && node.entry.type->stateless && node.entry.type->max_in_flight == 0 && !node.settings.keep_state && !node.is_source && merge != MergeMode::kZip && merge != MergeMode::kJoin;
}

bool is_for_each_item(const PipelineEdge& edge) { return edge.on_full == OnFull::kBlock && edge.batch.items == 0; }

// No node remembers an item, or lets it wait for something else; none can end the run of all, or take the place or the time that another one has.
bool keeps_apart(const Pipeline& pipeline) {
  const auto apart = [](const auto& part) { return is_for_each_item(part); };
  return pipeline.run.on_error == OnError::kDeadLetter && pipeline.run.item_deadline_ms == 0 && std::all_of(pipeline.nodes.begin(), pipeline.nodes.end(), apart) &&
         std::all_of(pipeline.edges.begin(), pipeline.edges.end(), apart);
}

}  // namespace

ServedPipelinePtr serve(std::string name, std::string file, std::string text, Manifest manifest, Pipeline pipeline, Household household) {
  auto out = std::make_shared<ServedPipeline>();
  out->name = std::move(name);
  out->file = std::move(file);
  out->description = manifest.description;
  out->text = std::move(text);
  out->manifest = std::move(manifest);
  out->pipeline = std::move(pipeline);
  out->lanes = std::exchange(out->pipeline.lanes, {});
  out->pipeline.name = out->name;  // under which state is kept: others may say the same of themselves
  out->keeps_state = std::any_of(out->manifest.nodes.begin(), out->manifest.nodes.end(), [](const NodeSettings& node) { return node.keep_state; });
  out->keeps_items_apart = keeps_apart(out->pipeline);
  out->catalog = std::move(household.catalog);
  out->in_use = std::move(household.in_use);
  out->line = std::move(household.line);
  out->outside = household.outside;
  out->is_sent = household.is_sent;
  out->link = chain_link(out->name, out->manifest);
  return out;
}

void InUse::enter() {
  std::lock_guard lock(mutex_);
  ++count_;
}

void InUse::leave() {
  std::lock_guard lock(mutex_);
  if (--count_ == 0) changed_.notify_all();
}

bool InUse::wait_until_none(uint64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return count_ == 0; });
}

Result<ServedPipelines::Change> ServedPipelines::load(const std::string& folder, std::shared_ptr<const Catalog> catalog, Lanes& lanes,
                                                      const std::vector<LaneSetup>& host_lanes, const std::vector<std::string>& endpoints,
                                                      const std::vector<RemoteHost>& remotes) {
  Change change;
  std::map<std::string, ServedPipelinePtr, std::less<>> before, now;
  std::map<std::string, LaneConfig, std::less<>> lanes_before;
  bool same_remotes = false;
  {
    std::lock_guard lock(mutex_);
    before = pipelines_;
    lanes_before = lanes_;
    same_remotes = remotes == remotes_;
  }
  std::vector<fs::path> files;
  if (!folder.empty()) {
    auto found = manifests_of(folder);
    if (!found) return std::move(found).error();
    files = *std::move(found);
  }
  DeclaredLanes declared(host_lanes);
  RemoteHosts others([&remotes]() -> Result<std::vector<RemoteHost>> { return remotes; }, *catalog);
  std::string wrong;  // of all files
  bool untrusted = false;
  for (const fs::path& path : files) {
    auto text = text_of(path);
    if (!text) return std::move(text).error();
    const auto found = before.find(path.stem().string());
    const ServedPipelinePtr known = found == before.end() ? nullptr : found->second;
    auto built = build(path, *std::move(text), household(catalog), others, same_remotes ? known : nullptr);
    if (!built) {
      wrong += "\n" + built.error().message;
      untrusted = untrusted || built.error().code == "not-trusted";
      continue;
    }
    ServedPipelinePtr pipeline = *std::move(built);
    (!known ? change.added : pipeline == known ? change.unchanged : change.changed).push_back(pipeline->name);
    if (auto sound = declared.declare(*pipeline); !sound) wrong += "\n" + sound.error().message;
    now.emplace(pipeline->name, std::move(pipeline));
  }
  if (wrong.empty()) wrong = recursion_among(now, *catalog, endpoints);
  if (!wrong.empty()) return Error(untrusted ? "not-trusted" : "bad-pipeline", "the pipelines of " + folder + " are not served:" + wrong, ErrorClass::kConfig);
  for (const auto& [name, pipeline] : before) {
    if (!now.contains(name)) change.removed.push_back(name);
  }
  for (const auto& [name, lane] : declared.added()) {
    const auto old = lanes_before.find(name);
    if (old != lanes_before.end() && same(old->second, lane)) continue;  // perhaps changed since, by whoever may
    if (auto added = lanes.add(lane); !added) return std::move(added).error();
  }
  change.notes = declared.take_notes();
  std::lock_guard lock(mutex_);
  pipelines_ = std::move(now);
  lanes_ = declared.added();
  remotes_ = remotes;
  return change;
}

ServedPipelinePtr ServedPipelines::find(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto found = pipelines_.find(name);
  return found == pipelines_.end() ? nullptr : found->second;
}

std::vector<ServedPipelinePtr> ServedPipelines::all() const {
  std::lock_guard lock(mutex_);
  std::vector<ServedPipelinePtr> out;
  for (const auto& [name, pipeline] : pipelines_) out.push_back(pipeline);
  return out;
}

std::optional<LaneConfig> ServedPipelines::declared_lane(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto found = lanes_.find(name);
  return found == lanes_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace heddle
