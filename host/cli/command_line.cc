#include "cli/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <string_view>

#include "cli/client_definition.h"
#include "cli/completion.h"
#include "cli/console.h"
#include "cli/failure.h"
#include "manifest/diagnostic.h"

namespace heddle {
namespace {

constexpr const char* kVersion = "heddle " HEDDLE_VERSION " (plugin ABI 1.0)\n";

// A word of `choices` becomes its number, as CLI11 reads enums; any other is answered with what there is.
template <class Choice>
CLI::Validator one_of(const std::map<std::string, Choice>& choices) {
  const auto check = [choices](std::string& word) {
    if (const auto found = choices.find(word); found != choices.end()) {
      word = std::to_string(static_cast<int>(found->second));
      return std::string();
    }
    std::vector<std::string> names;
    std::string listed;
    for (const auto& [name, value] : choices) {
      names.push_back(name);
      listed += (listed.empty() ? "" : ", ") + name;
    }
    const std::string guess = nearest(word, names);
    return "there is no \"" + word + "\": it is one of " + listed + (guess.empty() ? "" : "; did you mean " + guess + "?");
  };
  return CLI::Validator(check, "");
}

// The program's CLI::App, filled from a CommandLine's members. `wish_for_*` are what CLI11 can store; `settle` turns them into ours.
class Definition {
 public:
  Definition(CommandLine& line, int argc, char** argv);
  CommandLine& parse();

 private:
  CLI::App* add_verb(const char* name, Verb verb, const char* summary, const char* examples);
  void add_manifest(CLI::App* verb, ManifestArguments& manifest);
  void add_general(CLI::App* verb, bool plugins, bool color);
  CLI::Option* add_threads(CLI::App* verb, unsigned& threads);
  void add_threads_or_variable(CLI::App* verb, unsigned& threads);
  void add_settings(CLI::App* verb, ServeArguments& serve);
  void add_run();
  void add_looking();     // validate, plan, graph
  void add_describing();  // inspect, check, import, schema
  void add_check();
  void add_new();
  void add_serve();
  void add_test_and_help();
  void add_client();
  std::string full_name(const CLI::App* app) const;
  const CLI::App* asked() const;
  bool has_completed();
  ExitCode settle();
  ExitCode fail(const std::string& message) const {
    return fail_with(ExitCode::kUsage, Error("usage", message, ErrorClass::kConfig), wants_json_);
  }
  ExitCode complain_about(const CLI::ParseError& error);
  std::string unknown_word(const CLI::App* of, const std::string& word) const;

  CommandLine& line_;
  const int argc_;
  char** const argv_;
  const std::vector<std::string_view> words_;  // all of argv
  bool wants_json_ = false;  // also where the rest of the line is wrong
  CLI::App app_{"heddle builds pipelines from JSON manifests and runs them with plugins.", "heddle"};
  std::vector<std::pair<CLI::App*, Verb>> verbs_;
  std::vector<std::string> param_texts_;
  std::string help_topic_;
};

Definition::Definition(CommandLine& line, int argc, char** argv) : line_(line), argc_(argc), argv_(argv), words_(argv, argv + argc) {
  app_.set_version_flag("--version", kVersion, "Print the version");
  app_.set_help_flag("-h,--help", "Print this help");
  app_.add_flag("--json", line_.general.json, "Report as JSON, for programs");  // before the verb or behind it
  app_.require_subcommand(1);
  app_.footer(
      "Examples:\n"
      "  heddle run pipeline.json < items.jsonl > results.jsonl\n"
      "  heddle validate pipeline.json\n"
      "  heddle help run\n"
      "Environment: HEDDLE_THREADS, HEDDLE_COLOR, HEDDLE_PLUGIN_PATH (colon-separated), HEDDLE_HOST, HEDDLE_TOKEN, HEDDLE_CA_FILE, HEDDLE_CONFIG,\n"
      "HEDDLE_PIPELINES, HEDDLE_STATE_DIR, HEDDLE_DRAIN_MS, HEDDLE_TEMPLATE_DIR, NO_COLOR.");
  add_run();
  add_looking();
  add_describing();
  add_new();
  add_client();
  add_serve();
  add_test_and_help();
}

void Definition::add_client() {
  const VerbContext context{[this](std::string_view name) { return std::find(words_.begin(), words_.end(), name) != words_.end(); },
                            [this](CLI::App* verb) { add_general(verb, verb->get_name() == "doctor", true); }};
  for (const auto& verb : define_client_verbs(app_, line_.client, context)) verbs_.push_back(verb);
}

// "heddle jobs show"
std::string Definition::full_name(const CLI::App* app) const {
  return app == &app_ ? "heddle" : full_name(app->get_parent()) + " " + app->get_name();
}

// What the line asks for: the verb, or the action of one.
const CLI::App* Definition::asked() const {
  const CLI::App* deepest = &app_;
  for (const auto& [app, verb] : verbs_) {
    if (app->parsed()) deepest = app;  // actions stand behind their verb
  }
  return deepest;
}

CLI::App* Definition::add_verb(const char* name, Verb verb, const char* summary, const char* examples) {
  CLI::App* app = app_.add_subcommand(name, summary);
  app->footer(examples);
  verbs_.emplace_back(app, verb);
  return app;
}

void Definition::add_manifest(CLI::App* verb, ManifestArguments& manifest) {
  verb->add_option("MANIFEST", manifest.path, "The manifest; - for standard input")->required()->type_name("FILE");
  verb->add_option("--param", param_texts_, "Value of a param of the manifest (repeatable)")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);  // one value per use: what follows is the manifest
}

void Definition::add_general(CLI::App* verb, bool plugins, bool color) {
  verb->add_flag("--json", line_.general.json, "Report as JSON, for programs");
  auto* quiet = verb->add_flag("-q,--quiet", line_.general.quiet, "Only errors and data");
  verb->add_flag("-v,--verbose", line_.general.verbose, "Also what is normal")->excludes(quiet);
  if (plugins) {
    verb->add_option("--plugin-dir", line_.general.plugin_dirs, "Look for plugins here too (repeatable)")
        ->type_name("DIR")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
  }
  if (color) {
    std::map<std::string, ColorMode> modes{{"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}};
    verb->add_option("--color", line_.general.color, "auto, always or never")
        ->transform(one_of(modes))
        ->type_name("WHEN")
        ->envname("HEDDLE_COLOR");
  }
}

CLI::Option* Definition::add_threads(CLI::App* verb, unsigned& threads) {
  return verb->add_option("--threads", threads, "Worker threads (default: HEDDLE_THREADS, or one per core)")->check(CLI::Range(1u, 1024u).description(""))->type_name("N");
}

// CLI11 looks at the variables of every verb, whether the line names it or not.
void Definition::add_threads_or_variable(CLI::App* verb, unsigned& threads) {
  CLI::Option* const option = add_threads(verb, threads);
  if (std::find(words_.begin(), words_.end(), verb->get_name()) != words_.end()) option->envname("HEDDLE_THREADS");
}

void Definition::add_run() {
  RunArguments& run = line_.run;
  CLI::App* verb = add_verb("run", Verb::kRun, "Run a pipeline: JSON lines in, JSON lines out",
                            "Items that fail go to a file of dead letters, whose path is printed, and the exit code is 3.\n"
                            "Ctrl-C once takes no more input and finishes what is inside; twice stops at once.\n"
                            "Examples:\n"
                            "  heddle run pipeline.json --input items.jsonl --output results.jsonl --stats\n"
                            "  tail -f events.jsonl | heddle run pipeline.json --param min_score=0.8\n"
                            "  heddle run pipeline.json --dead-letters failed.jsonl");
  add_manifest(verb, run.manifest);
  verb->add_option("-i,--input", run.input, "Items, one JSON text per line; - for standard input")->type_name("FILE");
  verb->add_option("-o,--output", run.output, "Results, one JSON text per line; - for standard output")->type_name("FILE");
  add_threads_or_variable(verb, run.threads);
  verb->add_flag("--stats", run.stats, "At the end, count every item of every connection on stderr");
  auto* progress = verb->add_flag_callback(
      "--progress", [&run] { run.progress = true; }, "Show progress on stderr (default: on a terminal)");
  verb->add_flag_callback(
          "--no-progress", [&run] { run.progress = false; }, "Show none")
      ->excludes(progress);
  verb->add_option("--dead-letters", run.dead_letters, "Append items that failed to this file; none: only count them")->type_name("FILE");
  verb->add_option("--state-dir", run.state_dir, "Where nodes with \"state\": \"keep\" find and leave their state")->type_name("DIR");
  add_general(verb, true, true);
}

void Definition::add_looking() {
  CLI::App* validate = add_verb("validate", Verb::kValidate, "Check a manifest and say everything that is wrong with it",
                                "Levels: syntax (the text alone), graph (and its connections), environment (and the installed plugins).\n"
                                "A file *.yaml or *.yml is an activity spec: what kinds of work a worker takes, with what goes in and comes out.\n"
                                "Example:\n  heddle validate pipeline.json --level graph");
  add_manifest(validate, line_.validate.manifest);
  std::map<std::string, CheckLevel> levels{
      {"syntax", CheckLevel::kSyntax}, {"graph", CheckLevel::kGraph}, {"environment", CheckLevel::kEnvironment}};
  validate->add_option("--level", line_.validate.level, "syntax, graph or environment (default)")
      ->transform(one_of(levels))
      ->type_name("LEVEL");
  add_general(validate, true, true);

  CLI::App* plan = add_verb("plan", Verb::kPlan, "Show what would run where, and why", "Example:\n  heddle plan pipeline.json --full");
  add_manifest(plan, line_.plan.manifest);
  plan->add_flag("--full", line_.plan.full, "With every default that applies");
  add_general(plan, true, true);

  CLI::App* graph = add_verb("graph", Verb::kGraph, "Draw the pipeline", "Example:\n  heddle graph pipeline.json -f svg > pipeline.svg");
  add_manifest(graph, line_.graph.manifest);
  std::map<std::string, GraphFormat> formats{
      {"dot", GraphFormat::kDot}, {"mermaid", GraphFormat::kMermaid}, {"svg", GraphFormat::kSvg}, {"ascii", GraphFormat::kAscii}};
  graph->add_option("-f,--format", line_.graph.format, "dot, mermaid, svg or ascii (default)")
      ->transform(one_of(formats))
      ->type_name("FORMAT");
  add_general(graph, true, true);
}

void Definition::add_describing() {
  CLI::App* inspect =
      add_verb("inspect", Verb::kInspect, "Describe the installed plugins, a node type, or a plugin file; runs no plugin code",
               "What plugin files say of themselves is kept, in /var/cache/heddle for root and in ~/.cache/heddle for others, until a file changes.\n"
               "It also says what a daemon (heddle serve) of this user would not load, and why: sudo -u _heddle heddle inspect shows it for the installed one.\n"
               "Examples:\n  heddle inspect\n  heddle inspect Multiply\n  heddle inspect ./node_acme.so\n  heddle inspect Multiply --format man | man -l -");
  inspect->add_option("SUBJECT", line_.inspect.subject, "A type, or the path of a plugin file")->type_name("TYPE|x.so");
  const std::map<std::string, InspectFormat> formats{{"text", InspectFormat::kText}, {"json", InspectFormat::kJson}, {"md", InspectFormat::kMarkdown}, {"man", InspectFormat::kMan}};
  inspect->add_option("-f,--format", line_.inspect.format, "text (default), json, md (Markdown) or man (a page for man)")->transform(one_of(formats))->type_name("FORMAT");
  inspect->add_flag("--refresh", line_.inspect.refresh, "Read every plugin file again, whatever is known of it");
  add_general(inspect, true, false);

  add_check();

  CLI::App* import = add_verb("import", Verb::kImport, "Write an older manifest as heddle/1",
                              "Example:\n  heddle import old.json --report -o pipeline.json");
  import->add_option("MANIFEST", line_.import.path, "The manifest; - for standard input")->required()->type_name("FILE");
  import->add_flag("--report", line_.import.report, "List on stderr what was changed or could not be used");
  import->add_option("-o,--output", line_.import.output, "Write to this file")->type_name("FILE");
  add_general(import, false, true);

  CLI::App* schema =
      add_verb("schema", Verb::kSchema, "Print the JSON Schema (draft 7) of manifests, with the params of the installed node types",
               "Example:\n  heddle schema > heddle-1.schema.json");
  add_general(schema, true, false);
}

void Definition::add_new() {
  NewArguments& made = line_.new_plugin;
  CLI::App* verb = add_verb("new", Verb::kNew, "Write a plugin to begin with: source, test, README, manifest, Debian package",
                            "It prints the commands that build, test and run it. DEBFULLNAME and DEBEMAIL say who its package is by.\n"
                            "Example:\n  heddle new node tone_map --lang c");
  verb->add_option("KIND", made.kind, "The kind of plugin: node, or another that the template has")->required()->type_name("");
  verb->add_option("NAME", made.name, "Its name: lower-case letters, digits and _; its type is called alike, as in tone_map and ToneMap")->required()->type_name("");
  verb->add_option("--lang", made.language, "c or cpp (default)")->type_name("LANG");
  verb->add_option("--dir", made.folder, "The folder to make (default: NAME)")->type_name("DIR");
  verb->add_option("--template", made.template_dir, "Take this template, and not the one that came with heddle")->type_name("DIR")->envname("HEDDLE_TEMPLATE_DIR");
  add_general(verb, false, false);
}

void Definition::add_check() {
  CheckArguments& check = line_.check;
  CLI::App* verb = add_verb("check", Verb::kCheck, "Try whether a plugin keeps the rules of the ABI, or what this host does about one that does not",
                            "Each check runs in a process of its own with a time limit: a crash and a hang are results. A failure says how to repeat it.\n"
                            "Exit codes: 0 none failed, 1 some failed, 2 the command line is wrong.\n"
                            "Examples:\n"
                            "  heddle check ./node_acme.so\n"
                            "  heddle check ./node_acme.so --only fuzzed-params --seed 7\n"
                            "  heddle check ./node_acme.so --params 'Resize={\"width\":64}'\n"
                            "  gdb --args heddle check ./node_acme.so --reproduce completes-once --type Resize\n"
                            "  heddle check --host");
  const auto one_value = [](CLI::Option* option) { option->take_all()->expected(1)->allow_extra_args(false); };
  verb->add_option("PLUGIN", check.path, "The plugin file; with --host, the hostile one (default: that which comes with heddle)")->type_name("x.so");
  CLI::Option* const host = verb->add_flag("--host", check.host, "Check this host: a hostile plugin breaks the contract in a pipeline that sound nodes share");
  one_value(verb->add_option("--only", check.only, "Only this check (repeatable)")->type_name("CHECK"));
  verb->add_option("--type", check.type, "Only this one of its types")->type_name("TYPE")->excludes(host);
  one_value(verb->add_option("--params", check.params, "Params to create objects of a type with (repeatable); default: the plainest that its schema lets through")->type_name("TYPE=JSON")->excludes(host));
  verb->add_option("--seed", check.seed, "Where made-up input begins (default: 1)")->type_name("N")->excludes(host);
  verb->add_option("--timeout-ms", check.limit_ms, "How long a check may take (default: 10000)")->check(CLI::Range(uint64_t{100}, uint64_t{3'600'000}).description(""))->type_name("N");
  verb->add_option("--reproduce", check.reproduce, "Carry this check out in this process, without a time limit: for a debugger")->type_name("CHECK");
  verb->add_flag("--list", check.list, "Say what checks there are, and what each promises");
  verb->add_flag("--report", check.reports)->group("");
  add_general(verb, false, true);
}

void Definition::add_serve() {
  CLI::App* verb = add_verb("serve", Verb::kServe, "Run a host: jobs, lanes and pipelines, asked over the network",
                            "Without --config or HEDDLE_CONFIG, by falling strength: ./heddle.json, ~/.config/heddle/heddle.json, /etc/heddle/conf.d/*.json,\n"
                            "/etc/heddle/heddle.json; `heddle config explain` says what comes of them. Where none says it: 127.0.0.1:7433, with everything in memory.\n"
                            "SIGHUP or `heddle apply` reloads the configuration, SIGTERM finishes what runs and ends.\n"
                            "Example:\n  heddle serve --config heddle.json");
  add_settings(verb, line_.serve);
  add_general(verb, true, true);

  CLI::App* config = add_verb("config", Verb::kConfig, "Say what the configuration comes to", "Example:\n  heddle config explain");
  CLI::App* explain = config->add_subcommand("explain", "Print every setting, its value, and who said it: a line of a file, a variable, a flag, or nobody");
  explain->footer("It takes the flags of `heddle serve` and of the verbs that talk to a host, and counts them in.\n"
                  "Examples:\n  heddle config explain\n  heddle config explain --config heddle.json --json");
  config->require_subcommand(1);
  verbs_.emplace_back(explain, Verb::kConfig);
  add_settings(explain, line_.config.serve);
  add_host_options(explain, line_.config.host);
  add_general(explain, true, false);
}

// The flags that are stronger than the configuration. HEDDLE_THREADS is read with the rest of the environment: whose word counts is to be said.
void Definition::add_settings(CLI::App* verb, ServeArguments& serve) {
  verb->add_option("-c,--config", serve.config, "The configuration: this file and no other (default: HEDDLE_CONFIG)")->type_name("FILE");
  add_threads(verb, serve.threads);
}

void Definition::add_test_and_help() {
  CLI::App* test = add_verb("test", Verb::kTest, "Run the tests that a manifest brings along", "Example:\n  heddle test pipeline.json");
  add_manifest(test, line_.test.manifest);
  add_threads_or_variable(test, line_.test.threads);
  add_general(test, true, true);

  CLI::App* help = add_verb("help", Verb::kHelpExitCodes, "Help about a verb, or about the exit codes",
                            "Examples:\n  heddle help run\n  heddle help exit-codes");
  help->add_option("TOPIC", help_topic_, "A verb, or exit-codes");
  help->add_flag("--json", line_.general.json, "The exit codes as JSON");
}

// What CLI11 could not say: params split, help topics answered, options that exclude each other by value.
ExitCode Definition::settle() {
  for (const auto& [app, verb] : verbs_) {
    if (app->parsed()) line_.verb = verb;
  }
  for (ManifestArguments* m :
       {&line_.run.manifest, &line_.validate.manifest, &line_.plan.manifest, &line_.graph.manifest, &line_.test.manifest}) {
    for (const std::string& text : param_texts_) {
      size_t equals = text.find('=');
      if (equals == 0 || equals == std::string::npos) return fail("--param wants NAME=VALUE, not \"" + text + "\"");
      m->params[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  if (line_.verb == Verb::kHelpExitCodes && help_topic_ != "exit-codes") {
    line_.verb = Verb::kNone;
    if (help_topic_.empty()) return print(app_.help()) ? ExitCode::kOk : ExitCode::kIo;
    auto topic = std::find_if(verbs_.begin(), verbs_.end(), [&](const auto& v) { return v.first->get_parent() == &app_ && v.first->get_name() == help_topic_; });
    if (topic == verbs_.end()) return fail(unknown_word(&app_, help_topic_));
    return print(topic->first->help("heddle")) ? ExitCode::kOk : ExitCode::kIo;
  }
  if (line_.verb == Verb::kCheck && line_.check.path.empty() && !line_.check.list && !line_.check.host)
    return fail("heddle check: PLUGIN is required: the path of a plugin file; or --host, or --list");
  if (const std::string fault = client_fault(line_); !fault.empty()) return fail(fault);
  if (line_.run.manifest.path == "-" && line_.run.input == "-") {
    return fail("the manifest and the items cannot both come from standard input: give one of them as a file");
  }
  return ExitCode::kOk;
}

std::string Definition::unknown_word(const CLI::App* of, const std::string& word) const {
  std::vector<std::string> known;
  for (const auto& [app, verb] : verbs_) {
    if (app->get_parent() == of) known.push_back(app->get_name());
  }
  const std::string guess = nearest(word, known);
  const std::string none = of == &app_ ? "there is no verb \"" + word + "\"" : "there is no `" + full_name(of) + " " + word + "`";
  return none + (guess.empty() ? "; " + full_name(of) + " --help lists them" : "; did you mean \"" + guess + "\"?");
}

ExitCode Definition::complain_about(const CLI::ParseError& error) {
  std::vector<std::string> extra = app_.remaining(true);
  const CLI::App* verb = asked();
  const std::string where = full_name(verb);
  if (verb == &app_ && extra.empty() && app_.remaining_size() == 0)
    return fail("say what to do: heddle run, validate, plan, graph, inspect, check, import, schema, new, test, serve, config, submit, jobs, lanes, dlq, events, top, remotes, tasks, txs, apply, doctor; heddle --help says more");
  if (extra.empty()) return fail(where + ": " + error.what());
  if (extra[0].rfind('-', 0) != 0) {
    if (verb == &app_ || !verb->get_subcommands({}).empty()) return fail(unknown_word(verb, extra[0]));
    return fail(where + " takes no further argument: \"" + extra[0] + "\"");
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : verb->get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  std::string guess = nearest(extra[0].substr(0, extra[0].find('=')), known);
  if (verb != &app_ && guess == extra[0]) return fail(guess + " goes behind the verb: " + where + " " + guess);
  return fail(where + " has no option " + extra[0] +
              (guess.empty() ? "; " + where + " --help lists them" : "; did you mean " + guess + "?"));
}

// "heddle complete -- WORD…" is for the scripts of shells, and no verb.
bool Definition::has_completed() {
  if (argc_ < 3 || words_[1] != "complete" || words_[2] != "--") return false;
  std::string text;
  for (const std::string& candidate : completions(app_, {words_.begin() + 3, words_.end()})) text += candidate + "\n";
  line_.exit_code = print(text) ? ExitCode::kOk : ExitCode::kIo;
  return true;
}

CommandLine& Definition::parse() {
  if (has_completed()) return line_;
  wants_json_ = std::find(words_.begin(), words_.end(), "--json") != words_.end();
  try {
    app_.parse(argc_, argv_);
    line_.exit_code = settle();
  } catch (const CLI::CallForHelp&) {
    const CLI::App* about = asked();
    line_.exit_code = print(about->help(about == &app_ ? "" : full_name(about->get_parent()))) ? ExitCode::kOk : ExitCode::kIo;
    line_.verb = Verb::kNone;
  } catch (const CLI::CallForVersion&) {
    line_.exit_code = print(kVersion) ? ExitCode::kOk : ExitCode::kIo;
    line_.verb = Verb::kNone;
  } catch (const CLI::ParseError& error) {
    line_.exit_code = complain_about(error);
  }
  if (line_.exit_code != ExitCode::kOk) line_.verb = Verb::kNone;
  return line_;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Definition(line, argc, argv).parse();
  return line;
}

}  // namespace heddle
