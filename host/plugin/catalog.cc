#include "plugin/catalog.h"

#include <heddle/abi.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <span>

#include "manifest/diagnostic.h"
#include "plugin/note.h"
#include "plugin/note_cache.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

std::string key_of(std::string_view kind, std::string_view type) {
  std::string key;
  key.reserve(kind.size() + 1 + type.size());
  return key.append(kind).append(1, '/').append(type);
}

Error refusal(const char* code, const std::string& path, const std::string& what) {
  return {code, path + ": " + what, ErrorClass::kConfig};
}

// One file or folder, by whichever name it is reached.
using Identity = std::pair<dev_t, ino_t>;

bool is_new(const std::string& path, std::set<Identity>& seen) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return true;
  return seen.emplace(status.st_dev, status.st_ino).second;
}

// The *.so of a folder by name, so that which of two plugins wins does not depend on the file system.
Result<std::vector<std::string>> shared_objects(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(directory, failed); !failed && entry != fs::directory_iterator(); entry.increment(failed))
    if (entry->path().extension() == ".so") paths.push_back(entry->path().string());
  if (failed && failed != std::errc::no_such_file_or_directory) return refusal("cannot-read", directory, failed.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Where our own types come from.
struct Shipped {
  std::string_view kind, name;
  std::vector<std::string> types;  // and their aliases
};

const Shipped kShipped[] = {
    {"node",
     "heddle-plugins-base",
     {"PassThrough",    "PassThroughNode", "PassthroughNode", "Echo",     "EchoNode",       "Multiply", "Add", "Calculator",
      "CalculatorNode", "Delay",           "Merge",           "Split",    "Aggregate",      "Sample",   "Log", "Assert",
      "ReadCsv",        "ReadJsonLines",   "ReadText",        "WriteCsv", "WriteJsonLines", "WriteText",
      "RemotePipeline", "RemotePipelineNode", "Sidecar",        "ChainSubmit", "ChainCall", "ChainEvents"}},
    {"node", "heddle-plugin-jq", {"Filter", "Route", "Jq"}},
    {"transport", "heddle-plugins-base", {"http"}},
    {"transport", "heddle-plugin-grpc", {"grpc"}},
    {"sidecar", "heddle-plugin-grpc", {"execution", "nsn"}},
    {"sidecar", "heddle-plugins-base", {"execution_rest"}},
    {"store", "heddle-plugins-base", {"Memory", "Sqlite"}},
    {"broker", "heddle-plugins-base", {"s3", "http_api"}},
    {"chain", "heddle-plugin-evm", {"evm"}},
};

const Shipped* package_with(std::string_view kind, std::string_view type) {
  for (const Shipped& package : kShipped)
    if (package.kind == kind && std::find(package.types.begin(), package.types.end(), type) != package.types.end()) return &package;
  return nullptr;
}

}  // namespace

std::optional<Error> abi_refusal(const PluginDescriptor& plugin) {
  const std::string name = "plugin \"" + plugin.name + "\"";
  if (plugin.abi_major != HEDDLE_ABI_MAJOR) {
    return refusal(
        "wrong-major", plugin.path,
        name + " is for ABI major " + std::to_string(plugin.abi_major) + ", this host has major " + std::to_string(HEDDLE_ABI_MAJOR));
  }
  if (plugin.abi_minor > HEDDLE_ABI_MINOR) {
    return refusal(
        "minor-too-new", plugin.path,
        name + " needs ABI minor " + std::to_string(plugin.abi_minor) + ", this host has minor " + std::to_string(HEDDLE_ABI_MINOR));
  }
  return std::nullopt;
}

namespace {

Result<PluginDescriptor> read_through(NoteCache* cache, const std::string& path) {
  struct stat status;
  if (!cache || ::stat(path.c_str(), &status) != 0) return read_note(path);
  if (auto known = cache->find(path, status)) return *std::move(known);
  auto read = read_note(path);
  if (read) cache->keep(*read, status);
  return read;
}

}  // namespace

Catalog Catalog::scan(const std::vector<std::string>& directories, const PluginPolicy* policy, NoteCache* cache) {
  Catalog catalog;
  std::set<Identity> seen;
  for (const std::string& directory : directories) {
    if (!is_new(directory, seen)) continue;
    auto paths = shared_objects(directory);
    if (!paths) {
      catalog.refused_.push_back({directory, std::move(paths).error()});
      continue;
    }
    if (paths->empty()) continue;
    if (auto why = policy ? directory_refusal(*policy, directory) : std::nullopt) {
      catalog.refused_.push_back({directory, *std::move(why)});
      continue;
    }
    for (const std::string& path : *paths)
      if (is_new(path, seen)) catalog.add_file(path, policy, cache);
  }
  catalog.index_types();
  catalog.index_aliases();
  return catalog;
}

Catalog Catalog::installed(const std::vector<std::string>& directories, const PluginPolicy* policy) {
  NoteCache cache(NoteCache::usual_places());
  Catalog catalog = scan(directories, policy, &cache);
  (void)cache.save();  // what cannot be kept is read again
  return catalog;
}

void Catalog::add_file(const std::string& path, const PluginPolicy* policy, NoteCache* cache) {
  auto read = read_through(cache, path);
  if (!read) {
    refused_.push_back({path, std::move(read).error()});
    return;
  }
  std::optional<Error> why = abi_refusal(*read);
  if (!why && policy) why = plugin_refusal(*policy, *read);
  const auto same_name = [&](const auto& other) { return other->name == read->name; };
  if (const auto other = std::find_if(plugins_.begin(), plugins_.end(), same_name); !why && other != plugins_.end())
    why = refusal("name-taken", path, "plugin \"" + read->name + "\" was found before: " + (*other)->path);
  if (why) {
    refused_.push_back({path, *std::move(why), *std::move(read)});
    return;
  }
  if (policy) read->pins = pins_of(*policy, *read);
  plugins_.push_back(std::make_unique<PluginDescriptor>(std::move(*read)));
}

void Catalog::index_types() {
  for (const auto& plugin : plugins_) {
    for (const TypeDescriptor& type : plugin->types) {
      const auto [place, added] = index_.try_emplace(key_of(type.kind, type.type), CatalogEntry{plugin.get(), &type});
      if (added) continue;
      refused_.push_back({plugin->path, refusal("type-taken", plugin->path,
                                                type.kind + " type \"" + type.type + "\" is already offered by plugin \"" +
                                                    place->second.plugin->name + "\"")});
    }
  }
}

void Catalog::index_aliases() {
  for (const auto& plugin : plugins_) {
    for (const TypeDescriptor& type : plugin->types) {
      if (find(type.kind, type.type).type != &type) continue;
      for (const std::string& alias : type.aliases) {
        const auto [place, added] = index_.try_emplace(key_of(type.kind, alias), CatalogEntry{plugin.get(), &type});
        if (added || place->second.type == &type) continue;
        refused_.push_back({plugin->path, refusal("alias-taken", plugin->path,
                                                  "alias \"" + alias + "\" of " + type.kind + " type \"" + type.type +
                                                      "\" is a name of \"" + place->second.type->type + "\" already")});
      }
    }
  }
}

CatalogEntry Catalog::find(std::string_view kind, std::string_view type) const {
  const auto found = index_.find(key_of(kind, type));
  return found == index_.end() ? CatalogEntry{} : found->second;
}

std::string Catalog::suggest(std::string_view kind, std::string_view type) const {
  std::vector<std::string> names;
  const std::string prefix = key_of(kind, "");
  for (const auto& [key, entry] : index_)
    if (key.starts_with(prefix)) names.push_back(key.substr(prefix.size()));
  std::sort(names.begin(), names.end());  // so that the answer does not depend on the order of the index
  for (const Shipped& package : kShipped)
    if (package.kind == kind) names.insert(names.end(), package.types.begin(), package.types.end());
  return nearest(type, names);
}

std::string Catalog::package_of(std::string_view kind, std::string_view type) {
  const Shipped* const package = package_with(kind, type);
  return package ? std::string(package->name) : std::string();
}

const RefusedPlugin* Catalog::refused_with(std::string_view kind, std::string_view name) const {
  if (find(kind, name).type) return nullptr;
  const auto has = [&](const TypeDescriptor& type) {
    return type.kind == kind && (type.type == name || std::find(type.aliases.begin(), type.aliases.end(), name) != type.aliases.end());
  };
  for (const RefusedPlugin& one : refused_)
    if (std::any_of(one.plugin.types.begin(), one.plugin.types.end(), has)) return &one;
  return nullptr;
}

bool Catalog::distrusts() const {
  return std::any_of(refused_.begin(), refused_.end(), [](const RefusedPlugin& one) { return one.why.code == "not-trusted"; });
}

std::string Catalog::hint_for(std::string_view kind, std::string_view type) const {
  const auto install = [](const Shipped& package) {
    const std::string name(package.name);
    return "it is in the package " + name + ": apt install " + name;
  };
  if (const RefusedPlugin* const refused = refused_with(kind, type)) return "a plugin that has it was refused: " + refused->why.text();
  std::string hint;
  if (const Shipped* const package = package_with(kind, type)) {
    hint = install(*package);
  } else if (const std::string guess = suggest(kind, type); !guess.empty()) {
    hint = "did you mean \"" + guess + "\"?";
    if (const Shipped* const home = package_with(kind, guess); home && !find(kind, guess).type) hint += " " + install(*home);
  }
  std::vector<const RefusedPlugin*> unread;  // what types they would have, nobody knows
  for (const RefusedPlugin& one : refused_)
    if (one.plugin.types.empty() && one.why.code != "type-taken" && one.why.code != "alias-taken") unread.push_back(&one);
  if (!unread.empty()) {
    hint += (hint.empty() ? "" : "; ") + (unread.size() == 1 ? "a plugin file was refused: " + unread[0]->why.text()
                                                             : std::to_string(unread.size()) + " plugin files were refused, the first " +
                                                                   unread[0]->why.text() + "; heddle inspect lists them");
  }
  return hint.empty() ? "heddle inspect lists the types that are installed" : hint;
}

namespace {

// The program of a build tree: <build>/heddle or a test below it, beside <build>/plugins. CMake's cache file says that it is one, so that
// an installed program never looks into a "plugins" folder that happens to lie near it.
std::string build_tree_plugins() {
  std::error_code failed;
  fs::path folder = fs::read_symlink("/proc/self/exe", failed).parent_path();
  for (int level = 0; !failed && level < 3 && folder.has_relative_path(); ++level, folder = folder.parent_path()) {
    std::error_code absent;
    if (fs::exists(folder / "CMakeCache.txt", absent) && fs::is_directory(folder / "plugins", absent)) return (folder / "plugins").string();
  }
  return {};
}

}  // namespace

std::vector<std::string> plugin_path_of_environment() {
  std::vector<std::string> out;
  const char* const listed = std::getenv("HEDDLE_PLUGIN_PATH");
  std::string_view rest = listed ? listed : "";
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) out.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return out;
}

std::vector<std::string> plugin_search_path(const std::vector<std::string>& extra) {
  std::vector<std::string> path = plugin_path_of_environment();
  const auto add = [&](std::string directory) {
    if (!directory.empty()) path.push_back(std::move(directory));
  };
  for (const std::string& directory : extra) add(directory);
  add(build_tree_plugins());
  if (const char* home = std::getenv("HOME"); home && *home == '/') add(std::string(home) + "/.local/lib/heddle/1");
  add("/usr/local/lib/heddle/1");
  add("/usr/lib/" HEDDLE_TRIPLET "/heddle/1");
  return path;
}

}  // namespace heddle
