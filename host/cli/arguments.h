// What the command line says, as plain structs: one per verb. Made by parse_command_line, read by the verbs.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/client_arguments.h"
#include "cli/exit_codes.h"

namespace heddle {

enum class ColorMode : uint8_t { kAuto, kAlways, kNever };

// Options that mean the same for every verb that takes them.
struct GeneralArguments {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  ColorMode color = ColorMode::kAuto;
  std::vector<std::string> plugin_dirs;
};

// A manifest and the values of its params. `path` "-": standard input.
struct ManifestArguments {
  std::string path;
  std::map<std::string, std::string> params;
};

struct RunArguments {
  ManifestArguments manifest;
  std::optional<std::string> input;   // "-": standard input
  std::optional<std::string> output;  // "-": standard output
  unsigned threads = 0;               // 0: one per core
  bool stats = false;
  std::optional<bool> progress;             // unset: a bar where it disturbs nobody
  std::optional<std::string> dead_letters;  // "none": only count them
  std::optional<std::string> state_dir;
};

// How much of a manifest is checked; each level includes those before it.
enum class CheckLevel : uint8_t { kSyntax, kGraph, kEnvironment };

struct ValidateArguments {
  ManifestArguments manifest;
  CheckLevel level = CheckLevel::kEnvironment;
};

struct PlanArguments {
  ManifestArguments manifest;
  bool full = false;
};

enum class GraphFormat : uint8_t { kDot, kMermaid, kSvg, kAscii };

struct GraphArguments {
  ManifestArguments manifest;
  GraphFormat format = GraphFormat::kAscii;
};

enum class InspectFormat { kText, kJson, kMarkdown, kMan };

struct InspectArguments {
  std::string subject;  // a type, the path of a .so, or empty: everything
  InspectFormat format = InspectFormat::kText;
  bool refresh = false;  // reads every file again
};

struct CheckArguments {
  std::string path;
  bool host = false;                 // the host is checked, and not a plugin
  std::vector<std::string> only;
  std::string type;                  // empty: every one
  std::vector<std::string> params;   // TYPE=JSON
  uint64_t seed = 1;
  uint64_t limit_ms = 10'000;
  std::string reproduce;             // this check alone, in this process
  bool list = false;
  bool reports = false;              // to the `heddle check` that has started this process
};

struct ImportArguments {
  std::string path;
  bool report = false;
  std::optional<std::string> output;
};

struct NewArguments {
  std::string kind, name;
  std::string language = "cpp";
  std::optional<std::string> folder;        // unset: the name, here
  std::optional<std::string> template_dir;  // unset: the one that came with the program
};

struct TestArguments {
  ManifestArguments manifest;
  unsigned threads = 0;
};

struct ServeArguments {
  std::optional<std::string> config = {};  // unset: those of the usual places
  unsigned threads = 0;                    // 0: as the configuration says
};

// `heddle config explain`, with the flags that the verbs it speaks of take.
struct ConfigArguments {
  ServeArguments serve;
  HostArguments host;
};

enum class Verb : uint8_t {
  kNone, kRun, kValidate, kPlan, kGraph, kInspect, kCheck, kImport, kNew, kSchema, kTest, kServe, kConfig, kHelpExitCodes,
  kSubmit, kJobs, kLanes, kDlq, kEvents, kTop, kRemotes, kTasks, kTxs, kApply, kDoctor  // these talk to a running host
};
inline bool talks_to_a_host(Verb verb) { return verb >= Verb::kSubmit; }

struct CommandLine {
  Verb verb = Verb::kNone;  // kNone: there is nothing to do, and `exit_code` is the answer
  ExitCode exit_code = ExitCode::kOk;
  GeneralArguments general;
  RunArguments run;
  ValidateArguments validate;
  PlanArguments plan;
  GraphArguments graph;
  InspectArguments inspect;
  CheckArguments check;
  ImportArguments import;
  NewArguments new_plugin;
  TestArguments test;
  ServeArguments serve;
  ConfigArguments config;
  ClientArguments client;
};

}  // namespace heddle
