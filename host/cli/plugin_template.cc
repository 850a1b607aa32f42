#include "cli/plugin_template.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "cli/source_file.h"
#include "cli/time_text.h"
#include "manifest/diagnostic.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 64;
constexpr std::array kNamesOfCMake = {"all", "clean", "edit_cache", "help", "install", "package", "package_source", "rebuild_cache", "test"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && is_lower(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

// "ToneMap" and "tone-map" → "tone_map": what was meant, if that is a name.
std::string as_name(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (is_upper(c) && !out.empty() && (is_lower(out.back()) || is_digit(out.back()))) out += '_';
    out += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : is_lower(c) || is_digit(c) ? c : '_';
  }
  return is_name(out) ? out : std::string();
}

std::string pascal_case(std::string_view name) {
  std::string out;
  bool begins = true;
  for (const char c : name) {
    if (c != '_') out += begins && is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    begins = c == '_';
  }
  return out;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  const std::string_view text = value ? value : "";
  const bool one_line = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' '; });
  return one_line ? std::string(text) : std::string();
}

// As Debian's tools have it.
std::string maintainer() {
  const std::string name = variable("DEBFULLNAME"), address = variable("DEBEMAIL");
  return name.empty() || address.empty() ? std::string() : name + " <" + address + ">";
}

using Words = std::vector<std::pair<std::string_view, std::string_view>>;

Words words_of(const PluginNames& names) {
  Words words = {{"my_plugin", names.name}, {"MyType", names.type}, {"my-plugin", names.package}, {"Thu, 01 Jan 1970 00:00:00 +0000", names.date}};
  if (!names.maintainer.empty()) words.emplace_back("Your Name <you@example.org>", names.maintainer);
  return words;
}

// One pass: what was put in is not looked at again.
std::string replaced(std::string_view text, const Words& words) {
  std::string out;
  while (!text.empty()) {
    const auto word = std::find_if(words.begin(), words.end(), [&](const auto& w) { return text.starts_with(w.first); });
    out += word == words.end() ? text.substr(0, 1) : word->second;
    text.remove_prefix(word == words.end() ? 1 : word->first.size());
  }
  return out;
}

// The folders <kind>-<language>.
std::map<std::string, std::vector<std::string>> choices_in(const std::string& folder) {
  std::map<std::string, std::vector<std::string>> choices;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    const size_t dash = name.rfind('-');
    std::error_code unknown;
    if (dash != std::string::npos && dash > 0 && entry->is_directory(unknown)) choices[name.substr(0, dash)].push_back(name.substr(dash + 1));
  }
  for (auto& [kind, languages] : choices) std::sort(languages.begin(), languages.end());
  return choices;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

Error io_error(const std::string& path, const std::error_code& why) { return Error("io", "cannot read " + path + ": " + why.message()); }

// Adds the regular files below `layer`; a layer that is absent adds none.
Result<void> add_layer(const fs::path& layer, const Words& words, std::map<std::string, TemplateFile>& files) {
  std::error_code failed;
  if (!fs::exists(layer, failed)) return failed ? Result<void>(io_error(layer.string(), failed)) : Result<void>();
  fs::recursive_directory_iterator entry(layer, failed);
  for (; !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
    const fs::file_status status = entry->status(failed);
    if (failed) break;
    if (!fs::is_regular_file(status)) continue;
    Result<std::string> text = read_source(entry->path().string());
    if (!text) return std::move(text).error();
    const std::string path = entry->path().lexically_relative(layer).string();
    const bool executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
    files[replaced(path, words)] = {replaced(*text, words), executable};
  }
  return failed ? Result<void>(io_error(layer.string(), failed)) : Result<void>();
}

// <build>/template beside the program, where CMake's cache file says that it is a build tree; else <prefix>/share/heddle/template.
std::string template_of_program() {
  std::error_code failed;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failed).parent_path();
  std::error_code absent;
  if (fs::exists(folder / "CMakeCache.txt", absent)) return (folder / "template").string();
  return (folder / ".." / HEDDLE_DATA / "template").lexically_normal().string();
}

}  // namespace

Result<PluginNames> plugin_names(const std::string& name) {
  if (!is_name(name)) {
    const std::string meant = as_name(name);
    return Error("bad-name",
                 "\"" + name + "\" is no name for a plugin: it takes lower-case letters, digits and \"_\", a letter first, " + std::to_string(kLongestName) + " at most" +
                     (meant.empty() ? "" : "; did you mean " + meant + "?"),
                 ErrorClass::kConfig);
  }
  if (std::find(kNamesOfCMake.begin(), kNamesOfCMake.end(), name) != kNamesOfCMake.end())
    return Error("bad-name", "\"" + name + "\" is a word that CMake keeps for itself: give the plugin another name, such as " + name + "_node", ErrorClass::kConfig);
  PluginNames names{name, pascal_case(name), name, maintainer(), utc_date("%a, %d %b %Y %H:%M:%S +0000")};
  std::replace(names.package.begin(), names.package.end(), '_', '-');
  return names;
}

Result<PluginTemplate> PluginTemplate::open(const std::optional<std::string>& folder) {
  std::string found = folder ? *folder : template_of_program();
  Choices choices = choices_in(found);
  if (choices.empty())
    return Error("io", "there is no template of a plugin in " + found + ": the package heddle-dev brings one, and --template or HEDDLE_TEMPLATE_DIR says where another is");
  return PluginTemplate(std::move(found), std::move(choices));
}

std::optional<Error> PluginTemplate::refusal(const std::string& kind, const std::string& language) const {
  const auto found = choices_.find(kind);
  if (found == choices_.end()) {
    std::vector<std::string> kinds;
    for (const auto& [name, languages] : choices_) kinds.push_back(name);
    const std::string guess = nearest(kind, kinds);
    return Error("no-template", "there is no template of a " + kind + "; there is one of: " + joined(kinds) + (guess.empty() ? "" : "; did you mean " + guess + "?"), ErrorClass::kConfig);
  }
  if (std::binary_search(found->second.begin(), found->second.end(), language)) return std::nullopt;
  return Error("no-template", "there is no template of a " + kind + " in " + language + "; there is one in: " + joined(found->second), ErrorClass::kConfig);
}

Result<std::map<std::string, TemplateFile>> PluginTemplate::fill(const std::string& kind, const std::string& language, const PluginNames& names) const {
  if (auto why = refusal(kind, language)) return *why;
  const Words words = words_of(names);
  std::map<std::string, TemplateFile> files;
  for (const std::string& layer : {std::string("plugin"), kind, kind + "-" + language}) {
    Result<void> added = add_layer(fs::path(folder_) / layer, words, files);
    if (!added) return std::move(added).error();
  }
  return files;
}

}  // namespace heddle
