#include "cli/task_text.h"

#include <cstdio>

#include "cli/members.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

// A number as the host wrote it, but without an exponent; or "-".
std::string figure(const Value& map, const char* key) {
  const Value found = map.find(key);
  if (!found || found.is_null()) return "-";
  if (found.kind() == HEDDLE_FLOAT) {
    char digits[400];
    std::snprintf(digits, sizeof digits, "%.0f", *found.as_float());
    return digits;
  }
  return found.kind() == HEDDLE_STRING ? text_member(map, key) : found.json();
}

std::string age_ms(const Value& map, const char* key, uint64_t now_ms) {
  const uint64_t then = count_member(map, key);
  return then ? relative_time(then, now_ms) : "-";
}
std::string age_unix(const Value& map, const char* key, uint64_t now_ms) {
  const uint64_t then = count_member(map, key);
  return then ? relative_time(then * 1'000, now_ms) : "-";
}

void add_row(std::string& out, std::string_view name, const std::string& text) {
  if (text.empty()) return;
  out.append(name).append(name.size() < 16 ? 16 - name.size() : 1, ' ').append(printable(text)).append("\n");
}

void add_time(std::string& out, std::string_view name, uint64_t then_ms, uint64_t now_ms) {
  if (then_ms) add_row(out, name, local_time(then_ms) + " (" + relative_time(then_ms, now_ms) + ")");
}

std::string endpoints_text(const Value& standing) {
  const Value endpoints = standing.find("endpoints");
  size_t well = 0;
  for (size_t i = 0; i < endpoints.size(); ++i) well += flag_member(endpoints.at(i), "well");
  return std::to_string(well) + " of " + std::to_string(endpoints.size());
}

std::vector<std::string> worker_row(const Value& worker, uint64_t now_ms) {
  const std::string name = text_member(worker, "worker");
  if (!flag_member(worker, "works")) return {name, "no", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"};
  const Value standing = worker.find("standing"), counts = worker.find("counts");
  const auto count = [&](const char* key) { return grouped(count_member(counts, key)); };
  return {name, "yes", text_member(worker, "account"), count("open"), count("settled"), count("failed"), count("lost"),
          standing ? figure(standing, "block") + ", " + age_unix(standing, "block_unix", now_ms) : "-", standing ? endpoints_text(standing) : "-",
          standing ? figure(standing, "pending") : "-", standing ? figure(standing, "gaps") : "-", standing ? figure(standing, "balance") : "-"};
}

// Of those who do not work: why; of the others: what a person should look at.
void add_remarks(std::string& out, const Value& worker) {
  const std::string name = printable(text_member(worker, "worker"));
  if (!flag_member(worker, "works")) out += name + " does not work: " + printable(text_member(worker, "why")) + "\n";
  const Value standing = worker.find("standing");
  if (!standing) return;
  const Value alarms = standing.find("alarms"), endpoints = standing.find("endpoints");
  for (size_t i = 0; i < alarms.size(); ++i) out += name + ": " + printable(alarms.at(i).as_text().value_or("")) + "\n";
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const Value one = endpoints.at(i);
    if (!flag_member(one, "well")) out += name + ": the endpoint " + printable(text_member(one, "address") + " is not well: " + text_member(one, "error")) + "\n";
  }
}

std::string progress_of(const Value& task) {
  if (text_member(task, "state") != "running") return {};
  const uint64_t percent = count_member(task, "percent");
  const std::string message = text_member(task, "message");
  return (percent ? std::to_string(percent) + " %" : "") + (percent && !message.empty() ? ", " : "") + message;
}

// What it waits for, how far it is, or how it came to its state.
std::string note_of(const Value& task) {
  if (const std::string waits = text_member(task, "waits_for"); !waits.empty()) return "waits: " + waits;
  if (const std::string progress = progress_of(task); !progress.empty()) return progress;
  return text_member(task, "why");
}

std::string lease_of(const Value& task, uint64_t now_ms) { return flag_member(task, "over") ? "-" : age_unix(task, "lease_until_unix", now_ms); }

// Its last attempt, if something went wrong with it.
std::string trouble_of(const Value& transaction) {
  const Value attempts = transaction.find("attempts");
  return attempts.size() == 0 ? "" : text_member(attempts.at(attempts.size() - 1), "error");
}

void add_history(std::string& out, const Value& history) {
  for (size_t i = 0; i < history.size(); ++i) {
    const Value move = history.at(i);
    const std::string why = text_member(move, "why");
    add_row(out, i == 0 ? "history" : "", local_time(count_member(move, "at_ms")) + "  " + text_member(move, "to") + (why.empty() ? "" : ": " + why));
  }
}

void add_transaction(std::string& out, const Value& transaction) {
  add_row(out, "transaction", text_member(transaction, "transaction"));
  if (!transaction.find("stage")) return;
  std::string stage = text_member(transaction, "stage") + ", number " + figure(transaction, "number");
  if (transaction.find("block")) stage += ", block " + figure(transaction, "block");
  add_row(out, "", stage);
}

}  // namespace

std::string worker_table(const Value& workers, uint64_t now_ms, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"WORKER", kLeft, true}, {"WORKS"}, {"ACCOUNT", kLeft, true}, {"OPEN", kRight}, {"SETTLED", kRight}, {"FAILED", kRight}, {"LOST", kRight}, {"HEAD", kLeft, true}, {"WELL"},
                   {"PENDING", kRight}, {"GAPS", kRight}, {"BALANCE", kRight}});
  std::string remarks;
  for (size_t i = 0; i < workers.size(); ++i) {
    table.add(worker_row(workers.at(i), now_ms));
    add_remarks(remarks, workers.at(i));
  }
  return table.text(columns) + remarks;
}

std::string task_table(const Value& tasks, uint64_t now_ms, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"ACTIVITY", kLeft, true}, {"STATE"}, {"WORKER", kLeft, true}, {"QUEUE", kLeft, true}, {"KIND", kLeft, true}, {"TRY", kRight}, {"SINCE", kRight}, {"LEASE", kRight}, {"NOTE", kLeft, true}});
  for (size_t i = 0; i < tasks.size(); ++i) {
    const Value task = tasks.at(i);
    table.add({text_member(task, "activity"), text_member(task, "state"), text_member(task, "worker"), text_member(task, "queue"), text_member(task, "kind"),
               std::to_string(count_member(task, "attempt")), age_ms(task, "since_ms", now_ms), lease_of(task, now_ms), note_of(task)});
  }
  return table.text(columns);
}

std::string task_detail(const Value& task, uint64_t now_ms) {
  std::string out;
  add_row(out, "activity", text_member(task, "activity"));
  add_row(out, "worker", text_member(task, "worker"));
  add_row(out, "state", text_member(task, "state"));
  add_row(out, "waits for", text_member(task, "waits_for"));
  add_row(out, "progress", progress_of(task));
  add_row(out, "kind", text_member(task, "kind"));
  const uint64_t partition = count_member(task, "partition");
  add_row(out, "queue", text_member(task, "queue") + (partition ? ", partition " + std::to_string(partition) : ""));
  add_row(out, "workflow", text_member(task, "workflow"));
  add_row(out, "run", std::to_string(count_member(task, "run")) + ", attempt " + std::to_string(count_member(task, "attempt")));
  add_time(out, "lease until", count_member(task, "lease_until_unix") * 1'000, now_ms);
  add_time(out, "expires", count_member(task, "expires_unix") * 1'000, now_ms);
  if (const Value transaction = task.find("transaction")) add_transaction(out, transaction);
  if (const Value history = task.find("history")) add_history(out, history);
  return out;
}

std::string transaction_table(const Value& transactions, uint64_t now_ms, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"NUMBER", kRight}, {"STAGE"}, {"DO"}, {"KEY", kLeft, true}, {"TRANSACTION", kLeft, true}, {"TRIES", kRight}, {"BLOCK", kRight}, {"STORED", kRight}, {"NOTE", kLeft, true}});
  for (size_t i = 0; i < transactions.size(); ++i) {
    const Value one = transactions.at(i);
    table.add({figure(one, "number"), text_member(one, "stage"), text_member(one, "do"), text_member(one, "key"), text_member(one, "transaction"), std::to_string(one.find("attempts").size()),
               figure(one, "block"), age_unix(one, "stored_unix", now_ms), trouble_of(one)});
  }
  return table.text(columns);
}

}  // namespace heddle
