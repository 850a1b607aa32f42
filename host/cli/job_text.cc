#include "cli/job_text.h"

#include "cli/members.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

std::string named(const Value& job) { return "job " + std::to_string(count_member(job, "id")) + " (" + printable(text_member(job, "type")) + ")"; }

std::string percent_of(const Value& job) {
  const Value progress = job.find("progress");
  if (!progress) return {};
  const std::string message = text_member(progress, "message");
  return std::to_string(static_cast<int>(progress.find("percent").as_float().value_or(0))) + " %" + (message.empty() ? "" : ", " + message);
}

// What happened last, or what it waits for.
std::string note_of(const Value& job, uint64_t now_ms) {
  if (const Value error = job.find("error")) return text_member(error, "message");
  if (std::string percent = percent_of(job); !percent.empty() && text_member(job, "state") == "running") return percent;
  const Value attempts = job.find("attempts");
  if (attempts.size() > 0 && !flag_member(job, "over")) return "attempt " + std::to_string(attempts.size()) + " failed: " + text_member(attempts.at(attempts.size() - 1), "error");
  if (const uint64_t then = count_member(job, "not_before_ms"); then > now_ms) return "starts " + relative_time(then, now_ms);
  return {};
}

std::string age_of(const Value& job, const char* key, uint64_t now_ms) {
  const uint64_t then = count_member(job, key);
  return then ? relative_time(then, now_ms) : "-";
}

void add_row(std::string& out, std::string_view name, const std::string& text) {
  if (text.empty()) return;
  out.append(name).append(name.size() < 16 ? 16 - name.size() : 1, ' ').append(printable(text)).append("\n");
}

void add_time(std::string& out, const Value& job, const char* name, const char* key, uint64_t now_ms) {
  if (const uint64_t then = count_member(job, key)) add_row(out, name, local_time(then) + " (" + relative_time(then, now_ms) + ")");
}

}  // namespace

std::string job_table(const Value& jobs, uint64_t now_ms, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"ID", kRight}, {"STATE"}, {"LANE", kLeft, true}, {"TYPE", kLeft, true}, {"TRY", kRight}, {"SUBMITTED", kRight}, {"NOTE", kLeft, true}});
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Value job = jobs.at(i);
    table.add({std::to_string(count_member(job, "id")), text_member(job, "state"), text_member(job, "lane"), text_member(job, "type"),
               std::to_string(count_member(job, "attempt")), age_of(job, "submitted_ms", now_ms), note_of(job, now_ms)});
  }
  return table.text(columns);
}

std::string dead_table(const Value& jobs, uint64_t now_ms, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"ID", kRight}, {"LANE", kLeft, true}, {"TYPE", kLeft, true}, {"TRIES", kRight}, {"DIED", kRight}, {"WHY", kLeft, true}});
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Value job = jobs.at(i);
    table.add({std::to_string(count_member(job, "id")), text_member(job, "lane"), text_member(job, "type"), std::to_string(count_member(job, "attempt")),
               age_of(job, "ended_ms", now_ms), note_of(job, now_ms)});
  }
  return table.text(columns);
}

std::string job_detail(const Value& job, uint64_t now_ms) {
  std::string out;
  add_row(out, "job", std::to_string(count_member(job, "id")));
  add_row(out, "type", text_member(job, "type"));
  add_row(out, "lane", text_member(job, "lane"));
  add_row(out, "state", text_member(job, "state"));
  add_row(out, "progress", percent_of(job));
  add_row(out, "durable", flag_member(job, "durable") ? "yes: it survives a restart of the host" : "no: it is in memory");
  add_row(out, "priority", std::to_string(count_member(job, "priority")));
  add_row(out, "idempotency", text_member(job, "idempotency_key"));
  add_time(out, job, "submitted", "submitted_ms", now_ms);
  add_time(out, job, "not before", "not_before_ms", now_ms);
  add_time(out, job, "started", "started_ms", now_ms);
  add_time(out, job, "ended", "ended_ms", now_ms);
  if (const Value payload = job.find("payload")) add_row(out, "payload", payload.json());
  if (const Value result = job.find("result")) add_row(out, "result", result.json());
  if (const Value error = job.find("error"))
    add_row(out, "error", text_member(error, "code") + " (" + text_member(error, "class") + "): " + text_member(error, "message"));
  const Value attempts = job.find("attempts");
  for (size_t i = 0; i < attempts.size(); ++i) {
    const Value attempt = attempts.at(i);
    add_row(out, "attempt " + std::to_string(count_member(attempt, "number")),
            "failed after " + brief_duration(attempt.find("took_ms").as_float().value_or(0)) + ": " + text_member(attempt, "error"));
  }
  return out;
}

std::string job_progress(const Value& job) {
  const std::string percent = percent_of(job);
  const uint64_t attempt = count_member(job, "attempt");
  return named(job) + " is " + printable(text_member(job, "state")) + (attempt > 1 ? ", attempt " + std::to_string(attempt) : "") +
         (percent.empty() ? "" : ": " + printable(percent));
}

std::string job_failure(const Value& job) {
  if (text_member(job, "state") == "cancelled") return named(job) + " was cancelled";
  const uint64_t attempt = count_member(job, "attempt");
  const std::string why = text_member(job.find("error"), "message");
  return named(job) + " failed" + (attempt > 1 ? " after " + std::to_string(attempt) + " attempts" : "") + (why.empty() ? "" : ": " + printable(why));
}

}  // namespace heddle
