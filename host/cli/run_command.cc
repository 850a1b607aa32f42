#include <unistd.h>

#include "cli/console.h"
#include "cli/dead_letter_file.h"
#include "cli/line_feed.h"
#include "cli/line_output.h"
#include "cli/prepare.h"
#include "cli/run_files.h"
#include "cli/run_report.h"
#include "cli/run_watch.h"
#include "cli/verbs.h"
#include "log.h"

namespace heddle {
namespace {

// Everything around one run: opened in order, reported at the end.
class RunCommand {
 public:
  RunCommand(const RunArguments& arguments, const GeneralArguments& general) : arguments_(arguments), general_(general) {}

  ExitCode open();
  ExitCode execute();

 private:
  ExitCode open_items();
  ExitCode open_results();
  std::string dead_letter_path() const;
  std::string state_dir() const;
  ProgressStyle progress_style() const;
  ExitCode report(const RunReport& report, int signal, const DeadLetterFile& letters);
  void say_outcome(const RunReport& report, int signal, const DeadLetterFile& letters);
  Console* talk() { return general_.quiet ? nullptr : &console_; }

  const RunArguments& arguments_;
  const GeneralArguments& general_;
  Console console_;
  Prepared prepared_;
  OpenFile input_, output_;
  std::unique_ptr<LineOutput> results_;
  std::unique_ptr<Feed> feed_;
  LineFeed* lines_ = nullptr;  // feed_, if it reads a descriptor
};

ExitCode said(ExitCode code, const std::string& message) {
  complain(message);
  return code;
}

bool takes_input(const Pipeline& pipeline) {
  for (const PipelineNode& node : pipeline.nodes) {
    if (node.is_entry && !node.is_source) return true;
  }
  return false;
}

ExitCode RunCommand::open() {
  prepared_ = prepare(arguments_.manifest, general_, CheckLevel::kEnvironment);
  ExitCode code = report_problems(prepared_, general_);
  if (code != ExitCode::kOk) return code;
  size_t imported = prepared_.manifest->import_report.size();
  if (imported && talk()) {
    console_.line("the manifest is of version " + prepared_.manifest->dialect + "; heddle import --report lists what that changes (" +
                  std::to_string(imported) + ")");
  }
  code = open_items();
  return code == ExitCode::kOk ? open_results() : code;
}

ExitCode RunCommand::open_items() {
  const Manifest& manifest = *prepared_.manifest;
  if (!takes_input(*prepared_.pipeline)) {
    if (arguments_.input) return said(ExitCode::kUsage, "--input has no effect: every first node of this pipeline is a source of its own");
    return ExitCode::kOk;
  }
  if (!arguments_.input && manifest.has_input) {
    feed_ = std::make_unique<ListFeed>(manifest.input);
    return ExitCode::kOk;
  }
  if (!arguments_.input && arguments_.manifest.path == "-") {
    return said(ExitCode::kUsage, "the manifest came from standard input: give the items with --input FILE");
  }
  Result<OpenFile> opened = open_input(arguments_.input.value_or("-"));
  if (!opened) return said(ExitCode::kIo, opened.error().text());
  input_ = std::move(opened).value();
  if (!arguments_.input && ::isatty(STDIN_FILENO) && talk()) console_.line("reading items from standard input");
  return ExitCode::kOk;
}

ExitCode RunCommand::open_results() {
  Result<OpenFile> opened = open_output(arguments_.output.value_or("-"));
  if (!opened) return said(ExitCode::kIo, opened.error().text());
  output_ = std::move(opened).value();
  if (input_.fd() >= 0 && input_.same_file(output_)) {
    return said(ExitCode::kUsage, "input and output are the same file: " + input_.name());
  }
  if (arguments_.output) {
    if (Result<void> emptied = truncate(output_); !emptied) return said(ExitCode::kIo, emptied.error().text());
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
  StopSignals signals;
  Lanes lanes(arguments_.threads);
  DeadLetterFile letters(dead_letter_path(), talk());
  RunOptions options;
  options.lanes = &lanes;
  options.feed = feed_.get();
  options.output = results_.get();
  options.dead_letters = &letters;
  options.state_dir = state_dir();

  Result<std::unique_ptr<Run>> run = Run::start(*prepared_.pipeline, options);
  if (!run) return said(ExitCode::kFailed, run.error().text());
  Watch watch;
  watch.style = progress_style();
  watch.console = talk();
  watch.view = [this, total = input_.size()] {
    ProgressView view;
    view.input_bytes = total;
    view.bytes_read = lines_ ? lines_->bytes_read() : 0;
    return view;
  };
  int signal = watch_run(**run, signals, watch);
  ExitCode code = report((*run)->report(), signal, letters);
  // A thread that never came back may still touch anything of the run: nothing may be taken down under it.
  if (lanes.abandoned() > 0) ::_exit(static_cast<int>(code));
  return code;
}

ExitCode RunCommand::report(const RunReport& report, int signal, const DeadLetterFile& letters) {
  Result<void> closed = output_.close();
  ExitCode code = closed ? exit_code_of(report, signal) : ExitCode::kIo;
  if (general_.json) {
    console_.raw(report_json(*prepared_.pipeline, report, signal, letters.written_path()) + "\n");
    return code;
  }
  if (!closed) console_.line(closed.error().text());
  if (arguments_.stats) console_.raw(stats_text(*prepared_.pipeline, report));
  say_outcome(report, signal, letters);
  return code;
}

void RunCommand::say_outcome(const RunReport& report, int signal, const DeadLetterFile& letters) {
  for (const std::string& fault : report.faults) console_.line("plugin fault: " + fault);
  for (const std::string& warning : report.warnings) console_.line("warning: " + warning);
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
