#include "cli/exit_codes.h"

#include <string_view>
#include <vector>

#include "value/json_value.h"

namespace heddle {
namespace {

struct Row {
  ExitCode code;
  std::string_view name, meaning;
};

constexpr Row kRows[] = {
    {ExitCode::kOk, "ok", "everything was done"},
    {ExitCode::kFailed, "failed", "the run or the job failed, a test of the manifest failed, the plugin was refused or breaks a rule (check), or doctor found an error"},
    {ExitCode::kUsage, "usage", "the command line is wrong: an unknown verb, option, type, value, job or lane"},
    {ExitCode::kDeadLetters, "dead-letters", "the run finished, but some items failed and went to the dead letters"},
    {ExitCode::kUnreachable, "unreachable", "the host to talk to cannot be reached (verbs that talk to a running host)"},
    {ExitCode::kInternal, "internal", "a bug in heddle: for example counts of a run that do not balance"},
    {ExitCode::kIo, "io", "a file could not be read or written: missing, full disk, closed pipe"},
    {ExitCode::kTryLater, "try-later", "not now: the host takes no more work, or the job was not over in time (verbs that talk to a running host)"},
    {ExitCode::kNotTrusted, "not-trusted", "the host does not allow it: a token is missing, unknown or lacks the scope, or its policy does not allow a plugin"},
    {ExitCode::kManifestInvalid, "manifest-invalid", "the manifest or the configuration has errors; all of them were printed"},
    {ExitCode::kInterrupted, "interrupted", "Ctrl-C (SIGINT) ended the run; what was inside was drained or counted"},
    {ExitCode::kTerminated, "terminated", "SIGTERM ended the run; what was inside was drained or counted"},
};

}  // namespace

std::string exit_code_text() {
  std::string out;
  for (const Row& row : kRows) {
    std::string number = std::to_string(static_cast<int>(row.code));
    out.append(4 - number.size(), ' ').append(number).append("  ").append(row.name);
    out.append(18 - row.name.size(), ' ').append(row.meaning).append("\n");
  }
  return out;
}

std::string exit_code_json() {
  std::vector<Value> rows;
  for (const Row& row : kRows) {
    rows.push_back(json_object(
        {{"code", Value::integer(static_cast<int>(row.code))}, {"name", json_text(row.name)}, {"meaning", json_text(row.meaning)}}));
  }
  return Value::list(std::move(rows)).json();
}

}  // namespace heddle
