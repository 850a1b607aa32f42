#include "cli/client.h"

#include <unistd.h>

#include <algorithm>

#include "cli/failure.h"
#include "cli/job_text.h"
#include "cli/members.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "clock.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr uint64_t kAskMs = 20'000;     // one request of a wait
constexpr uint64_t kWatchedMs = 1'000;  // the same where somebody watches its progress
constexpr uint64_t kMarginMs = 10'000;  // for the answer, beyond what the host waits

ExitCode end_of(const Value& job, const GeneralArguments& general) {
  const bool done = text_member(job, "state") == "done";
  if (general.json) {
    const ExitCode printed = print_json(job);
    return printed != ExitCode::kOk || done ? printed : ExitCode::kFailed;
  }
  if (!done) return fail_with(ExitCode::kFailed, Error("job-failed", job_failure(job)), false);
  const Value result = job.find("result");
  return result ? print_json(result) : ExitCode::kOk;
}

ExitCode stopped(int signal, uint64_t id, const GeneralArguments& general) {
  const std::string number = std::to_string(id);
  say("job " + number + " goes on; to wait again: heddle jobs wait " + number + "; to cancel it: heddle jobs cancel " + number, general);
  return signal == SIGTERM ? ExitCode::kTerminated : ExitCode::kInterrupted;
}

// Several lines stay several: what is wrong with a configuration has a few.
std::string printable_lines(std::string_view text) {
  std::string out;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) out += printable(text.substr(0, end)) + "\n";
  return out + printable(text);
}

}  // namespace

ExitCode fail_with(const HostAnswer& answer, const GeneralArguments& general) {
  Error error = answer.error;
  error.message = printable_lines(error.message);
  return fail_with(answer.code, error, general.json);
}

void say(std::string_view line, const GeneralArguments& general) {
  if (!general.quiet) complain(line);
}

ExitCode print_json(const Value& body) { return print(body.json() + "\n") ? ExitCode::kOk : ExitCode::kIo; }

ExitCode wait_for_job(HostClient& client, StopSignals& signals, uint64_t id, std::optional<uint64_t> timeout_ms, const GeneralArguments& general) {
  Console console(general.json);
  const bool watched = !general.json && !general.quiet && ::isatty(STDERR_FILENO);
  const uint64_t end_ns = timeout_ms ? now_ns() + *timeout_ms * kNsPerMs : UINT64_MAX;
  for (;;) {
    const uint64_t now = now_ns(), left_ms = now >= end_ns ? 0 : (end_ns - now) / kNsPerMs;
    const uint64_t ask_ms = std::min(watched ? kWatchedMs : kAskMs, left_ms);
    const HostAnswer answer = client.get("/v1/jobs/" + std::to_string(id) + "/wait?timeout_ms=" + std::to_string(ask_ms), ask_ms + kMarginMs);
    if (answer.code != ExitCode::kOk || flag_member(answer.body, "over") || left_ms == 0) console.status({});
    if (answer.code == ExitCode::kInterrupted) return stopped(signals.take(), id, general);
    if (!answer) return fail_with(answer, general);
    if (flag_member(answer.body, "over")) return end_of(answer.body, general);
    if (left_ms == 0) {
      const std::string text = job_progress(answer.body) + " and not over after " + brief_duration(static_cast<double>(*timeout_ms)) + ": it goes on";
      return fail_with(ExitCode::kTryLater, Error("not-over", text, ErrorClass::kRetryable), general.json);
    }
    if (watched) console.status(cut_to("heddle: " + job_progress(answer.body), terminal_columns(STDERR_FILENO) - 1));
  }
}

}  // namespace heddle
