#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "check/check_child.h"
#include "check/check_plan.h"
#include "check/host_check.h"
#include "check/scratch_folder.h"
#include "cli/check_text.h"
#include "cli/console.h"
#include "cli/failure.h"
#include "cli/run_watch.h"
#include "cli/verbs.h"
#include "manifest/diagnostic.h"
#include "plugin/library.h"

namespace heddle {
namespace {

Error usage(std::string message) { return Error("usage", std::move(message), ErrorClass::kConfig); }

Result<void> is_known(const CheckOrder& order, const std::string& name) {
  if (find_check(order, name)) return {};
  std::vector<std::string> names;
  for (const PluginCheck& check : checks_of(order)) names.push_back(check.name);
  const std::string guess = nearest(name, names);
  return usage("there is no check \"" + name + "\"" + (order.of_host ? " of the host" : "") +
               (guess.empty() ? std::string("; heddle check ") + (order.of_host ? "--host " : "") + "--list names them" : "; did you mean " + guess + "?"));
}

Result<CheckOrder> order_of(const CheckArguments& arguments) {
  CheckOrder order{.path = arguments.path, .of_host = arguments.host, .only = arguments.only, .type = arguments.type, .seed = arguments.seed, .limit_ms = arguments.limit_ms};
  if (order.of_host && order.path.empty()) order.path = hostile_plugin_path();
  for (const std::string& name : arguments.only)
    if (auto known = is_known(order, name); !known) return std::move(known).error();
  for (const std::string& text : arguments.params) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) return usage("--params wants TYPE=JSON, not \"" + text + "\"");
    const auto json = Value::parse(std::string_view(text).substr(equals + 1));
    if (!json) return usage("--params " + text.substr(0, equals) + ": " + json.error().text());
    order.params[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return order;
}

Error no_file(const CheckOrder& order, const CheckArguments& arguments) {
  const bool is_ours = order.of_host && arguments.path.empty();
  return Error("cannot-read", order.path + ": there is no such file" + (is_ours ? "; it is built and installed with heddle" : ""), ErrorClass::kConfig);
}

// In the child: whatever was found is told before what the plugin has left is taken down.
[[noreturn]] void report(const CheckOrder& order, const std::string& check) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const auto write = [](const std::string& line) { static_cast<void>(write_all(kReportDescriptor, line)); };
  const auto verdict = carry_out_here(order, check, [&](const std::string& doing) { write(report_line_at(doing)); });
  write(report_line(verdict ? *verdict : failed(verdict.error().text(), "")));
  if (!verdict || verdict->kind == Verdict::Kind::kFail) ::_exit(0);
  Library::deinit_all();
  ::_exit(0);
}

ExitCode reproduce(const CheckOrder& order, const CheckArguments& arguments, bool json, ColorMode color) {
  if (auto known = is_known(order, arguments.reproduce); !known) return fail_with(ExitCode::kUsage, known.error(), json);
  if (arguments.reports) report(order, arguments.reproduce);
  CheckOrder there = order;
  std::error_code failed_at;
  there.path = std::filesystem::absolute(order.path, failed_at).string();
  const ScratchFolder scratch;
  std::filesystem::current_path(scratch.path(), failed_at);
  if (failed_at) return fail_with(ExitCode::kIo, Error("io", "there is no folder to work in: " + failed_at.message()), json);
  const auto verdict = carry_out_here(there, arguments.reproduce, [](const std::string& doing) { complain(doing); });
  if (!verdict) return fail_with(exit_code_of(verdict.error()), verdict.error(), json);
  const PluginCheck* const check = find_check(order, arguments.reproduce);
  const std::vector<CheckAnswer> answers{{.check = check, .type = check->scope == PluginCheck::Scope::kType ? order.type : "", .verdict = *verdict}};
  if (!print(json ? check_json(order, answers) : check_text(answers, true, false, use_color(color, STDOUT_FILENO)))) return ExitCode::kIo;
  return verdict->kind == Verdict::Kind::kFail ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace

ExitCode check_command(const CheckArguments& arguments, const GeneralArguments& general) {
  const auto order = order_of(arguments);
  if (!order) return fail_with(ExitCode::kUsage, order.error(), general.json);
  const auto checks = checks_of(*order);
  if (arguments.list) return print(general.json ? check_list_json(checks) : check_list_text(checks)) ? ExitCode::kOk : ExitCode::kIo;
  if (!arguments.reproduce.empty()) return reproduce(*order, arguments, general.json, general.color);
  std::error_code unknown;
  if (!std::filesystem::exists(order->path, unknown)) return fail_with(ExitCode::kIo, no_file(*order, arguments), general.json);
  StopSignals signals;
  const auto came = carry_out(*order, signals.fd());
  if (!came) return signals.take() == SIGTERM ? ExitCode::kTerminated : ExitCode::kInterrupted;
  const std::vector<CheckAnswer>& answers = *came;
  if (answers.empty())
    return fail_with(ExitCode::kUsage, usage("no such check is for any type of " + arguments.path + (arguments.type.empty() ? "" : " of the name " + arguments.type)), general.json);
  if (!print(general.json ? check_json(*order, answers) : check_text(answers, !general.quiet, general.verbose, use_color(general.color, STDOUT_FILENO)))) return ExitCode::kIo;
  return count_answers(answers).failed ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace heddle
