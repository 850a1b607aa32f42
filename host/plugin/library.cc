#include "plugin/library.h"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <vector>

#include "log.h"
#include "plugin/file_digest.h"
#include "plugin/last_words.h"
#include "plugin/plugin_text.h"
#include "plugin/process_state.h"

namespace heddle {
namespace {

namespace dll = boost::dll;

constexpr char kEntry[] = "heddle_entry_v1";
constexpr uint32_t kNewestMajorLookedFor = 16;
// The tables of minor 0: no later plugin's are shorter. None is ever as long as the upper bound: a table that says so is none.
constexpr uint32_t kLeastEntry = offsetof(heddle_entry, get_factory) + sizeof(heddle_entry::get_factory);
constexpr uint32_t kLeastFactory = offsetof(heddle_factory, create) + sizeof(heddle_factory::create);
constexpr uint32_t kLeastType = offsetof(heddle_type, descriptor) + sizeof(heddle_type::descriptor);
constexpr uint32_t kMostBytes = 4096;
constexpr uint32_t kMostTypes = 4096;
constexpr std::string_view kKinds[] = {"node", "transport", "sidecar", "chain", "store", "broker"};

// "node" → "heddle.node/1"
std::string factory_id(std::string_view kind) { return "heddle." + std::string(kind) + "/1"; }

Error fault(const PluginDescriptor& plugin, const char* code, const std::string& what) {
  return {code, "plugin \"" + plugin.name + "\" (" + plugin.path + ") " + what, ErrorClass::kConfig};
}

Error wrong_minor(const PluginDescriptor& plugin, uint32_t needed, const char* where) {
  return fault(plugin, "minor-too-new",
               "needs ABI minor " + std::to_string(needed) + where + ", this host has minor " + std::to_string(HEDDLE_ABI_MINOR));
}

Error wrong_major(const PluginDescriptor& plugin, uint32_t theirs, const char* where) {
  return fault(plugin, "wrong-major",
               "is for ABI major " + std::to_string(theirs) + where + ", this host has major " + std::to_string(HEDDLE_ABI_MAJOR));
}

bool is_table(const void* table, uint32_t least) {
  if (!table || reinterpret_cast<uintptr_t>(table) % alignof(void*) != 0) return false;
  uint32_t size;
  std::memcpy(&size, table, sizeof size);
  return size >= least && size <= kMostBytes;
}

// The types that the code offers of one kind against those that its notes do.
Result<void> compare_kind(const PluginDescriptor& plugin, const heddle_entry& entry, std::string_view kind) {
  std::vector<const TypeDescriptor*> unseen;
  for (const TypeDescriptor& type : plugin.types)
    if (type.kind == kind) unseen.push_back(&type);
  const auto differs = [&](const std::string& what) { return fault(plugin, "note-differs", what); };
  const std::string label = std::string(kind) + " type \"";

  const std::string id = factory_id(kind);
  const auto* const factory = static_cast<const heddle_factory*>(entry.get_factory(id.c_str()));
  if (!factory && unseen.empty()) return {};
  if (!factory) return differs("has a note for " + label + unseen[0]->type + "\", but its code has no factory " + id);
  if (!is_table(factory, kLeastFactory) || !factory->count || !factory->type || !factory->create)
    return differs("has a factory " + id + " that is not a usable table");

  const uint32_t count = factory->count();
  if (count > kMostTypes) return differs("says that it offers " + std::to_string(count) + " types");
  for (uint32_t i = 0; i < count; ++i) {
    const heddle_type* const type = factory->type(i);
    if (!is_table(type, kLeastType) || !type->id || !type->descriptor)
      return differs("gives no usable table for type " + std::to_string(i) + " of " + std::to_string(count) + " of its factory " + id);
    const std::string name = plugin_text(std::string_view(type->id));
    const auto noted = std::find_if(unseen.begin(), unseen.end(), [&](const TypeDescriptor* t) { return t->type == type->id; });
    if (noted == unseen.end()) return differs("offers " + label + name + "\" in its code, but has no note for it");
    if ((*noted)->text != type->descriptor) return differs("has a note for " + label + name + "\" that is not its code's descriptor");
    unseen.erase(noted);
  }
  if (!unseen.empty()) return differs("has a note for " + label + unseen[0]->type + "\", but its code does not offer it");
  return {};
}

// It may have been exchanged since it was found.
Result<void> check_pins(const PluginDescriptor& plugin) {
  if (plugin.pins.empty()) return {};
  const auto digest = sha256_of_file(plugin.path);
  if (!digest) return fault(plugin, "not-trusted", "is pinned, and cannot be read").because(digest.error());
  if (std::find(plugin.pins.begin(), plugin.pins.end(), *digest) != plugin.pins.end()) return {};
  return fault(plugin, "not-trusted", "is not the file that was found any more: its SHA-256 is " + *digest + ", and its pin says another");
}

// The code of the file `plugin` names. Its constructors run here.
Result<std::unique_ptr<dll::shared_library>> open_file(const PluginDescriptor& plugin, const char* subject) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::absolute(plugin.path, failed);
  if (failed) return fault(plugin, "cannot-open", "cannot be opened: " + failed.message());
  auto library = std::make_unique<dll::shared_library>();
  constexpr auto kMode = static_cast<dll::load_mode::type>(dll::load_mode::rtld_now | dll::load_mode::rtld_local | RTLD_NODELETE);
  last_words::inside("loading (a constructor of its library)", subject, [&] { library->load(path, kMode, failed); });
  if (!failed) return library;
  const char* const why = ::dlerror();  // Boost's code says only "bad file descriptor"
  return fault(plugin, "cannot-open", "cannot be opened: " + plugin_text(std::string_view(why ? why : failed.message().c_str())));
}

Result<const heddle_entry*> find_entry(const PluginDescriptor& plugin, const dll::shared_library& library) {
  if (!library.has(kEntry)) {
    for (uint32_t major = 0; major <= kNewestMajorLookedFor; ++major)
      if (library.has("heddle_entry_v" + std::to_string(major))) return wrong_major(plugin, major, " by its entry symbol");
    return fault(plugin, "no-entry", std::string("does not export ") + kEntry);
  }
  const heddle_entry* const entry = &library.get<const heddle_entry>(kEntry);
  if (!is_table(entry, kLeastEntry) || !entry->get_factory)
    return fault(plugin, "no-entry", std::string("exports a ") + kEntry + " that is not a usable table");
  if (entry->abi_minor > HEDDLE_ABI_MINOR) return wrong_minor(plugin, entry->abi_minor, " by its code");
  return entry;
}

}  // namespace

// The loaded files of the process.
struct LibraryLoader {
  using Identity = std::pair<dev_t, ino_t>;

  // Loads are one at a time: process-wide state is compared around each. Plugin code runs under this mutex, but cannot reach it: no service
  // of the host loads plugins.
  std::mutex turn;
  // Guarded by turn:
  std::vector<std::unique_ptr<dll::shared_library>> opened;  // never closed: whatever a plugin left running must find its code
  std::vector<std::unique_ptr<Library>> libraries;           // refused ones, too: their code keeps their host table
  std::map<Identity, Result<Library*>> files;
  std::vector<Library*> initialised;  // in the order of loading

  static LibraryLoader& get() {
    static auto* const loader = new LibraryLoader;  // never destroyed, as the libraries
    return *loader;
  }

  // Everything that runs code of the plugin.
  Result<void> start(Library& library) {
    const PluginDescriptor& plugin = library.descriptor_;
    if (auto same = check_pins(plugin); !same) return same;
    auto file = open_file(plugin, library.subject_.c_str());
    if (!file) return std::move(file).error();
    opened.push_back(std::move(*file));
    auto entry = find_entry(plugin, *opened.back());
    if (!entry) return std::move(entry).error();
    library.entry_ = *entry;
    for (const std::string_view kind : kKinds)
      if (auto equal = last_words::inside("get_factory", library.subject_.c_str(), [&] { return compare_kind(plugin, **entry, kind); });
          !equal)
        return equal;
    return init(library);
  }

  static Result<void> init(Library& library) {
    if (!library.entry_->init) return {};
    library.host_ = std::make_unique<HostTable>(library.descriptor_.name, nullptr, LaneId{0});
    HostTable::take_failure();
    const heddle_status status =
        last_words::inside("init", library.subject_.c_str(), [&] { return library.entry_->init(library.host_->get()); });
    if (status == HEDDLE_OK) return {};
    auto given = HostTable::take_failure();
    return fault(library.descriptor_, "init-failed", "cannot be initialised")
        .because(given ? *std::move(given) : error_of_status(status, "it gave no reason"));
  }

  Result<Library*> load(const PluginDescriptor& plugin) {
    Library& library = *libraries.emplace_back(new Library);
    library.descriptor_ = plugin;
    library.subject_ = "plugin \"" + plugin.name + "\" (" + plugin.path + ")";
    const ProcessState before;
    auto started = start(library);
    const std::string changed = before.restore();
    if (!started) return std::move(started).error();
    if (!changed.empty())
      return fault(plugin, "state-changed", "changed what belongs to the whole process while it was loaded: " + changed);
    initialised.push_back(&library);
    return &library;
  }
};

Result<Library*> Library::load(const PluginDescriptor& plugin) {
  if (plugin.abi_major != HEDDLE_ABI_MAJOR) return wrong_major(plugin, plugin.abi_major, "");
  if (plugin.abi_minor > HEDDLE_ABI_MINOR) return wrong_minor(plugin, plugin.abi_minor, "");
  struct stat status;
  if (::stat(plugin.path.c_str(), &status) != 0)
    return fault(plugin, "cannot-open", std::string("cannot be opened: ") + std::strerror(errno));

  LibraryLoader& loader = LibraryLoader::get();
  std::lock_guard lock(loader.turn);
  const LibraryLoader::Identity file{status.st_dev, status.st_ino};
  if (const auto known = loader.files.find(file); known != loader.files.end()) return known->second;
  auto loaded = loader.load(plugin);
  if (loaded || (loaded.error().code != "cannot-open" && loaded.error().code != "not-trusted")) loader.files.emplace(file, loaded);
  return loaded;
}

void Library::deinit_all() {
  LibraryLoader& loader = LibraryLoader::get();
  std::vector<Library*> libraries;
  {
    std::lock_guard lock(loader.turn);
    libraries.swap(loader.initialised);
  }
  for (auto it = libraries.rbegin(); it != libraries.rend(); ++it) {
    Library& library = **it;
    std::lock_guard setup(library.setup_mutex_);
    if (library.entry_->deinit) last_words::inside("deinit", library.subject_.c_str(), [&] { library.entry_->deinit(); });
    library.host_.reset();
  }
}

const heddle_factory* Library::factory(const char* kind) const { return static_cast<const heddle_factory*>(entry_->get_factory(kind)); }

}  // namespace heddle
