#include <unistd.h>

#include "cli/console.h"
#include "cli/dead_letter_file.h"
#include "cli/failure.h"
#include "cli/line_feed.h"
#include "cli/line_output.h"
#include "cli/prepare.h"
#include "cli/run_files.h"
#include "cli/run_report.h"
#include "cli/run_spans.h"
#include "cli/run_watch.h"
#include "cli/run_worker.h"
#include "cli/state_store.h"
#include "cli/trace_environment.h"
#include "cli/verbs.h"
#include "log.h"
#include "pipeline/try_params.h"

namespace heddle {
namespace {

// Everything around one run: opened in order, reported at the end.
class RunCommand {
 public:
  RunCommand(const RunArguments& arguments, const GeneralArguments& general)
      : arguments_(arguments), general_(general), console_(general.json) {}

  ExitCode open();
  ExitCode execute();

 private:
  ExitCode check_worker();
  ExitCode open_items();
  ExitCode open_results();
  std::string dead_letter_path() const;
  std::string state_dir() const;
  ProgressStyle progress_style() const;
  ExitCode watch(Run& run, StopSignals& signals, RunSpans& spans, const DeadLetterFile& letters);
  ExitCode report(const RunReport& report, int signal, const DeadLetterFile& letters);
  void say_outcome(const RunReport& report, int signal, const DeadLetterFile& letters);
  // Null where nothing may be said as text: under -q, and under --json, whose report says it at the end.
  Console* talk() { return general_.quiet || general_.json ? nullptr : &console_; }
  void note(std::string text);
  ExitCode fail(ExitCode code, const Error& why) { return fail_with(code, why, general_.json); }
  ExitCode fail_to_start(const Error& why, const PipelineNode* culprit);

  const RunArguments& arguments_;
  const GeneralArguments& general_;
  Console console_;
  Prepared prepared_;
  OpenFile input_, output_;
  std::unique_ptr<LineOutput> results_;
  std::unique_ptr<Feed> feed_;
  LineFeed* lines_ = nullptr;       // feed_, if it reads a descriptor
  std::vector<std::string> notes_;  // for the report of --json
};

Error misuse(std::string message) { return Error("usage", std::move(message), ErrorClass::kConfig); }

bool takes_input(const Pipeline& pipeline) {
  for (const PipelineNode& node : pipeline.nodes) {
    if (node.is_entry && !node.is_source) return true;
  }
  return false;
}

ExitCode RunCommand::open() {
  prepared_ = prepare(arguments_.manifest, general_, CheckLevel::kEnvironment);
  // Under --json, warnings of a good manifest are part of the report.
  ExitCode code = prepared_.ok() && general_.json ? ExitCode::kOk : report_problems(prepared_, general_);
  if (code != ExitCode::kOk) return code;
  if (size_t imported = prepared_.manifest->import_report.size()) {
    note("the manifest is of version " + prepared_.manifest->dialect + "; heddle import --report lists what that changes (" +
         std::to_string(imported) + ")");
  }
  if (prepared_.pipeline->worker) return check_worker();
  if (arguments_.dead_letters && *arguments_.dead_letters != "none") {
    if (Result<void> usable = check_dead_letter_path(*arguments_.dead_letters); !usable) return fail(ExitCode::kIo, usable.error());
  }
  code = open_items();
  return code == ExitCode::kOk ? open_results() : code;
}

// Items come from the chain, and results go there.
ExitCode RunCommand::check_worker() {
  for (const auto& [option, given] : {std::pair("--input", arguments_.input.has_value()), std::pair("--output", arguments_.output.has_value()), std::pair("--dead-letters", arguments_.dead_letters.has_value())}) {
    if (given) return fail(ExitCode::kUsage, misuse(std::string(option) + " has no effect: the manifest has a \"worker\", whose items come from a chain and whose results go there"));
  }
  return ExitCode::kOk;
}

ExitCode RunCommand::open_items() {
  const Manifest& manifest = *prepared_.manifest;
  if (!takes_input(*prepared_.pipeline)) {
    if (arguments_.input)
      return fail(ExitCode::kUsage, misuse("--input has no effect: every first node of this pipeline is a source of its own"));
    return ExitCode::kOk;
  }
  if (arguments_.input && manifest.has_input) {
    note("the manifest's own input (" + std::to_string(manifest.input.size()) + " items) is left out: --input takes its place");
  } else if (manifest.has_input) {
    if (arguments_.manifest.path != "-" && has_piped_input())
      note("standard input is not read: the manifest brings its input along (--input - reads standard input instead)");
    feed_ = std::make_unique<ListFeed>(manifest.input);
    return ExitCode::kOk;
  }
  if (!arguments_.input && arguments_.manifest.path == "-") {
    return fail(ExitCode::kUsage, misuse("the manifest came from standard input: give the items with --input FILE"));
  }
  Result<OpenFile> opened = open_input(arguments_.input.value_or("-"));
  if (!opened) return fail(ExitCode::kIo, opened.error());
  input_ = std::move(opened).value();
  if (!arguments_.input && ::isatty(STDIN_FILENO) && talk()) console_.line("reading items from standard input");
  return ExitCode::kOk;
}

ExitCode RunCommand::open_results() {
  Result<OpenFile> opened = open_output(arguments_.output.value_or("-"));
  if (!opened) return fail(ExitCode::kIo, opened.error());
  output_ = std::move(opened).value();
  if (input_.fd() >= 0 && input_.same_file(output_)) {
    return fail(ExitCode::kUsage, misuse("input and output are the same file: " + input_.name()));
  }
  if (output_.same_file(arguments_.manifest.path)) {
    return fail(ExitCode::kUsage, misuse("the output would overwrite the manifest: " + output_.name()));
  }
  if (arguments_.output) {
    if (Result<void> emptied = truncate(output_); !emptied) return fail(ExitCode::kIo, emptied.error());
  }
  size_t output_nodes = 0;
  for (const PipelineNode& node : prepared_.pipeline->nodes) output_nodes += node.is_output && node.stage != PipelineNode::kNoStage;
  results_ = std::make_unique<LineOutput>(output_.fd(), output_.name(), output_nodes > 1);
  if (input_.fd() >= 0) {
    auto feed = std::make_unique<LineFeed>(input_.fd(), input_.name(), [this](bool idle) { results_->set_idle(idle); });
    lines_ = feed.get();
    feed_ = std::move(feed);
  }
  return ExitCode::kOk;
}

void RunCommand::note(std::string text) {
  if (talk()) console_.line(text);
  notes_.push_back(std::move(text));
}

// Params that a node refuses are shown at their place in the manifest, with those of other nodes that would be refused next.
ExitCode RunCommand::fail_to_start(const Error& why, const PipelineNode* culprit) {
  const ExitCode code = exit_code_of_start(why);
  if (code != ExitCode::kManifestInvalid || !culprit) return fail(code, why);
  if (!culprit->entry.type->create_is_pure) prepared_.diagnostics->add(refused_params(*culprit, why));
  try_params(*prepared_.pipeline, *prepared_.diagnostics);
  if (!prepared_.diagnostics->has_errors()) return fail(code, why);
  return report_problems(prepared_, general_);
}

std::string RunCommand::dead_letter_path() const {
  if (arguments_.dead_letters) return *arguments_.dead_letters == "none" ? std::string() : *arguments_.dead_letters;
  return default_dead_letter_path(prepared_.pipeline->name);
}

std::string RunCommand::state_dir() const { return arguments_.state_dir ? *arguments_.state_dir : state_folder("state"); }

// A bar only where it cannot come between the results: they go elsewhere than to the terminal.
ProgressStyle RunCommand::progress_style() const {
  bool bar_possible = ::isatty(STDERR_FILENO) && (arguments_.output.value_or("-") != "-" || !::isatty(STDOUT_FILENO));
  if (general_.quiet || !arguments_.progress.value_or(bar_possible)) return ProgressStyle::kNone;
  return bar_possible ? ProgressStyle::kBar : ProgressStyle::kLines;
}

ExitCode RunCommand::execute() {
  if (prepared_.pipeline->worker) {
    return run_worker({.pipeline = &*prepared_.pipeline, .catalog = &*prepared_.catalog, .threads = arguments_.threads, .state_dir = state_dir(), .quiet = general_.quiet, .json = general_.json});
  }
  StopSignals signals;
  Lanes lanes(arguments_.threads);
  RunSpans spans(*prepared_.catalog, lanes, HEDDLE_VERSION);
  StateStore kept(*prepared_.catalog, lanes, state_dir());
  Outside outside(lanes, std::shared_ptr<const Catalog>(std::shared_ptr<void>(), &*prepared_.catalog));  // which outlives it
  outside.chains.keep_in([&kept] { return kept.journal(); });
  DeadLetterFile letters(dead_letter_path(), talk());
  RunOptions options;
  options.lanes = &lanes;
  options.outside = &outside;
  options.trace = trace_of_environment();
  options.tracer = spans.tracer();
  options.feed = feed_.get();
  options.output = results_.get();
  options.dead_letters = &letters;
  options.state_dir = state_dir();
  if (general_.verbose) {
    options.on_progress = [](const NodeProgress& at) {
      if (const std::string text = at.text(); !text.empty()) log::write(log::Level::kInfo, at.node, (at.sequence > 0 ? "item " + std::to_string(at.sequence) + ": " : "") + text);
    };
  }

  const PipelineNode* culprit = nullptr;
  Result<std::unique_ptr<Run>> run = Run::start(*prepared_.pipeline, options, &culprit);
  const ExitCode code = run ? watch(**run, signals, spans, letters) : fail_to_start(run.error(), culprit);
  // A thread that never came back may still touch anything of the run: nothing may be taken down under it.
  if (lanes.abandoned() > 0) ::_exit(static_cast<int>(code));
  return code;
}

// Until the end.
ExitCode RunCommand::watch(Run& run, StopSignals& signals, RunSpans& spans, const DeadLetterFile& letters) {
  spans.open();
  Watch watch;
  watch.style = progress_style();
  watch.console = talk();
  watch.view = [this, total = input_.size()] {
    ProgressView view;
    view.input_bytes = total;
    view.bytes_read = lines_ ? lines_->bytes_read() : 0;
    return view;
  };
  const int signal = watch_run(run, signals, watch);
  spans.close();  // what there is to say of that comes before the report
  return report(run.report(), signal, letters);
}

ExitCode RunCommand::report(const RunReport& report, int signal, const DeadLetterFile& letters) {
  Result<void> closed = output_.close();
  ExitCode code = closed ? exit_code_of(report, signal) : ExitCode::kIo;
  if (general_.json) {
    console_.raw(report_json(*prepared_.pipeline, report, signal, letters.written_path(), notes_, prepared_.diagnostics->json()) + "\n");
    return code;
  }
  if (!closed) console_.line(closed.error().text());
  if (arguments_.stats) console_.raw(stats_text(*prepared_.pipeline, report));
  say_outcome(report, signal, letters);
  return code;
}

void RunCommand::say_outcome(const RunReport& report, int signal, const DeadLetterFile& letters) {
  if (!report.balanced) console_.line("internal error: the counts of this run do not balance (--stats shows them)");
  if (talk() && letters.count() > kToldErrors) console_.line("and " + std::to_string(letters.count() - kToldErrors) + " more items failed");
  if (talk() && !letters.written_path().empty()) console_.line("the items that failed are in " + letters.written_path());
  if (!arguments_.dead_letters && letters.count() > 0 && letters.written_path().empty()) {
    console_.line(
        "the items that failed were only counted: neither XDG_STATE_HOME nor HOME says where to keep them (--dead-letters FILE does)");
  }
  const Pipeline& pipeline = *prepared_.pipeline;
  const bool something_lost = report.dead_letters || dropped_items(pipeline, report) || !astray_text(pipeline, report).empty();
  if (!report.ok && !report.error.code.empty())
    console_.line("the run failed: " + report.error.text() + "; " + counts_text(pipeline, report));
  else if (talk() && (signal || something_lost || general_.verbose))
    console_.line((signal ? "stopped: " : "done: ") + counts_text(pipeline, report));
}

}  // namespace

ExitCode run_command(const RunArguments& arguments, const GeneralArguments& general) {
  RunCommand run(arguments, general);
  ExitCode code = run.open();
  return code == ExitCode::kOk ? run.execute() : code;
}

}  // namespace heddle
