#include "cli/completion.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "plugin/catalog.h"

namespace heddle {
namespace {

const std::vector<std::string> kPath = {":"};

std::vector<const CLI::App*> verbs_of(const CLI::App& app) { return app.get_subcommands([](const CLI::App*) { return true; }); }

std::string candidate(const std::string& word, const std::string& meaning) { return meaning.empty() ? word : word + "\t" + meaning; }

std::vector<std::string> verbs(const CLI::App& app) {
  std::vector<std::string> all;
  for (const CLI::App* const verb : verbs_of(app)) all.push_back(candidate(verb->get_name(), verb->get_description()));
  return all;
}

std::vector<std::string> options(const CLI::App& app) {
  std::vector<std::string> all;
  for (const CLI::Option* const option : app.get_options([](const CLI::Option* o) { return !o->get_group().empty(); }))  // of no group: hidden
    for (const std::string& name : option->get_lnames()) all.push_back(candidate("--" + name, option->get_description()));
  return all;
}

std::vector<std::string> types() {
  std::vector<std::string> all;
  const Catalog catalog = Catalog::installed(plugin_search_path({}));
  for (const auto& plugin : catalog.plugins())
    for (const TypeDescriptor& type : plugin->types) all.push_back(candidate(type.type, type.summary));
  return all;
}

std::vector<std::string> values(const std::string& what, std::string_view written) {
  const bool is_type = what.starts_with("TYPE");
  if (is_type && written.find_first_of("./") == written.npos) return types();
  if (is_type || what == "FILE" || what == "DIR") return kPath;
  return {};
}

// An option that takes the next word.
const CLI::Option* wanting(const CLI::App& app, std::string_view word) {
  if (!word.starts_with('-') || word.find('=') != word.npos) return nullptr;
  const CLI::Option* const option = app.get_option_no_throw(std::string(word));
  return option && option->get_items_expected_max() > 0 ? option : nullptr;
}

}  // namespace

std::vector<std::string> completions(const CLI::App& program, const std::vector<std::string_view>& words) {
  const CLI::App* app = &program;
  const CLI::Option* option = nullptr;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (option) {
      option = nullptr;
      continue;
    }
    option = wanting(*app, words[i]);
    for (const CLI::App* const verb : verbs_of(*app))
      if (verb->get_name() == words[i]) app = verb;
  }
  const std::string_view written = words.empty() ? std::string_view() : words.back();
  if (option) return values(option->get_type_name(), written);
  if (written.starts_with('-')) return options(*app);
  if (!verbs_of(*app).empty()) return verbs(*app);
  if (app->get_name() == "help") return verbs(program);
  for (const CLI::Option* const one : app->get_options())
    if (one->get_positional()) return values(one->get_type_name(), written);
  return {};
}

}  // namespace heddle
