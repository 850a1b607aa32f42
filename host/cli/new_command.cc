#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/console.h"
#include "cli/failure.h"
#include "cli/plugin_template.h"
#include "cli/source_file.h"
#include "cli/verbs.h"
#include "shell_word.h"
#include "value/json_value.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, TemplateFile>;

Result<void> make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0777) == 0) return {};
  if (errno == EEXIST) return Error("exists", folder + " is there already, and stays as it is: --dir names another folder", ErrorClass::kConfig);
  return Error("io", "cannot create " + folder + ": " + std::strerror(errno));
}

Result<void> write_file(const fs::path& path, const TemplateFile& file) {
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (failed) return Error("io", "cannot create " + path.parent_path().string() + ": " + failed.message());
  if (Result<void> written = write_target(path.string(), file.text); !written) return written;
  if (!file.executable) return {};
  const fs::perms as_read = fs::status(path, failed).permissions() & (fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  if (!failed) fs::permissions(path, static_cast<fs::perms>(static_cast<unsigned>(as_read) >> 2), fs::perm_options::add, failed);  // r → x
  if (failed) return Error("io", "cannot make " + path.string() + " executable: " + failed.message());
  return {};
}

// All of it, in a folder of its own, or nothing.
Result<void> write_plugin(const std::string& folder, const Files& files) {
  if (Result<void> made = make_folder(folder); !made) return made;
  for (const auto& [path, file] : files) {
    Result<void> written = write_file(fs::path(folder) / path, file);
    if (written) continue;
    std::error_code ignored;  // why it could not be written says more than why it could not be removed
    fs::remove_all(folder, ignored);
    return written;
  }
  return {};
}

std::vector<std::string> next_commands(const std::string& folder, const std::string& name, const Files& files) {
  const std::string build = shell_path(folder + "/build");
  std::vector<std::string> out = {"cmake -S " + shell_path(folder) + " -B " + build, "cmake --build " + build, "ctest --test-dir " + build};
  if (files.contains(name + ".json") && !files.contains("host.json"))  // with one, a host has to run first
    out.push_back("echo 14 | heddle run " + shell_path(folder + "/" + name + ".json") + " --plugin-dir " + shell_path(folder + "/build/plugins"));
  return out;
}

std::string as_json(const std::string& folder, const Files& files, const std::vector<std::string>& next) {
  std::vector<Value> paths, commands;
  for (const auto& [path, file] : files) paths.push_back(json_text(path));
  for (const std::string& command : next) commands.push_back(json_text(command));
  return json_object({{"ok", Value::boolean(true)},
                      {"folder", json_text(folder)},
                      {"files", Value::list(std::move(paths))},
                      {"next", Value::list(std::move(commands))}})
             .json() +
         "\n";
}

}  // namespace

// The next commands are data: a shell can run them.
ExitCode new_command(const NewArguments& arguments, const GeneralArguments& general) {
  const auto fail = [&](const Error& why) { return fail_with(exit_code_of(why), why, general.json); };
  const Result<PluginNames> names = plugin_names(arguments.name);
  if (!names) return fail(names.error());
  const Result<PluginTemplate> found = PluginTemplate::open(arguments.template_dir);
  if (!found) return fail(found.error());
  const Result<Files> files = found->fill(arguments.kind, arguments.language, *names);
  if (!files) return fail(files.error());
  const std::string folder = arguments.folder.value_or(arguments.name);
  if (const Result<void> written = write_plugin(folder, *files); !written) return fail(written.error());

  const std::vector<std::string> next = next_commands(folder, names->name, *files);
  if (general.json) return print(as_json(folder, *files, next)) ? ExitCode::kOk : ExitCode::kIo;
  if (!general.quiet) complain("wrote a " + arguments.kind + " plugin to " + folder + " (" + std::to_string(files->size()) + " files); build, test and run it with:");
  std::string text;
  for (const std::string& command : next) text += command + "\n";
  return print(text) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
