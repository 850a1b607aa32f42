#include "chain/task_journal.h"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <utility>

#include "clock.h"
#include "plugin/answer_of.h"

namespace heddle {
namespace {

heddle_bytes raw(std::string_view s) { return {s.data(), s.size()}; }

std::string_view bytes_of(const Value& v) { return v ? v.as_bytes().value_or(std::string_view()) : std::string_view(); }

std::string name_of_run(const Task& task) {
  char run[17];
  std::snprintf(run, sizeof run, "%016llx", static_cast<unsigned long long>(task.run));
  return task.activity + "/" + run;
}

}  // namespace

void TaskJournal::write(const std::vector<Task>& tasks, const Value& cursor, Done done) {
  std::deque<std::string> texts;  // what the writes point into
  std::vector<heddle_write> writes;
  const auto put = [&](std::string key, std::string_view value) { writes.push_back({HEDDLE_PUT, raw(texts.emplace_back(prefix_ + key)), raw(value), 0}); };
  const auto erase = [&](std::string key) { writes.push_back({HEDDLE_ERASE, raw(texts.emplace_back(prefix_ + key)), {}, 0}); };
  for (const Task& task : tasks) {
    const std::string name = name_of_run(task), &record = texts.emplace_back(task_record(task));
    if (is_over(task.state)) {
      erase("act/" + name);
      erase("result/" + name);
      put("done/" + name, record);
    } else {
      put("act/" + name, record);
      if (task.state == TaskState::kComputed && task.outcome->is_good) put("result/" + name, bytes_of(task.outcome->result));
    }
  }
  if (cursor) put("cursor", texts.emplace_back(cursor.json()));
  store_.commit(writes, [done = std::move(done)](Result<Value> outcome) { done(outcome ? Result<void>() : std::move(outcome).error()); });
}

Result<void> TaskJournal::each(const std::string& begin, const Row& row) {
  std::string from = prefix_ + begin, until = from;
  ++until.back();
  for (bool more = true; more;) {
    const auto page = answer_of<Value>([&](StoreHandle::Done done) { store_.scan({.from = from, .until = until}, std::move(done)); });
    if (!page) return page.error();
    const Value rows = page->find("rows"), rest = page->find("more");
    more = rest && rest.as_bool().value_or(false);
    if (more && rows.size() == 0) return Error("bad-page", "the store gave an empty page and says that there is more");
    for (size_t i = 0; i < rows.size(); ++i) {
      const Value one = rows.at(i), key = one.at(0), value = one.at(1);
      if (auto taken = row(bytes_of(key).substr(prefix_.size()), bytes_of(value)); !taken) return taken;
      if (i + 1 == rows.size()) from = std::string(bytes_of(key)) + '\0';
    }
  }
  return {};
}

Result<TaskJournal::Content> TaskJournal::read() {
  Content content;
  auto read = each("act/", [&](std::string_view, std::string_view text) -> Result<void> {
    auto task = read_task_record(text);
    if (!task) return std::move(task).error();
    content.open.push_back(*std::move(task));
    return {};
  });
  if (!read) return std::move(read).error();
  for (Task& task : content.open) {
    if (!task.outcome || !task.outcome->is_good) continue;
    const auto result = answer_of<Value>([&](StoreHandle::Done done) { store_.get(prefix_ + "result/" + name_of_run(task), std::move(done)); });
    if (!result && result.error().code != "not-found") return result.error();
    if (result) {
      task.outcome->result = result->at(0);
      continue;
    }
    task.outcome.reset();
    task.state = TaskState::kRunning;
    task.history.push_back({.to = task.state, .at_ms = wall_ms(), .why = "its result is not in the journal"});
  }
  const auto cursor = answer_of<Value>([&](StoreHandle::Done done) { store_.get(prefix_ + "cursor", std::move(done)); });
  if (!cursor && cursor.error().code != "not-found") return cursor.error();
  if (cursor) {
    auto parsed = Value::parse(bytes_of(cursor->at(0)));
    if (!parsed) return Error("bad-record", "the cursor of the events is no JSON");
    content.cursor = *std::move(parsed);
  }
  return content;
}

Result<std::vector<Task>> TaskJournal::read_over(size_t most) {
  std::vector<Task> over;
  const auto ended = [](const Task& task) { return task.history.empty() ? 0 : task.history.back().at_ms; };
  const auto keep_the_last = [&] {
    std::stable_sort(over.begin(), over.end(), [&](const Task& a, const Task& b) { return ended(a) > ended(b); });
    if (over.size() > most) over.resize(most);
  };
  auto read = each("done/", [&](std::string_view, std::string_view text) -> Result<void> {
    if (auto task = read_task_record(text)) over.push_back(*std::move(task));  // what cannot be read is nothing that goes on
    if (over.size() > 2 * most) keep_the_last();
    return {};
  });
  if (!read) return std::move(read).error();
  keep_the_last();
  return over;
}

Result<size_t> TaskJournal::forget_over(uint64_t before_ms) {
  constexpr size_t kAtOnce = 1'000;
  std::deque<std::string> old;
  auto read = each("done/", [&](std::string_view key, std::string_view text) -> Result<void> {
    const auto task = read_task_record(text);
    if (!task || task->history.empty() || task->history.back().at_ms < before_ms) old.push_back(prefix_ + std::string(key));
    return {};
  });
  if (!read) return std::move(read).error();
  for (size_t i = 0; i < old.size(); i += kAtOnce) {
    std::vector<heddle_write> writes;
    for (size_t j = i; j < std::min(old.size(), i + kAtOnce); ++j) writes.push_back({HEDDLE_ERASE, raw(old[j]), {}, 0});
    const auto erased = answer_of<Value>([&](StoreHandle::Done done) { store_.commit(writes, std::move(done)); });
    if (!erased) return erased.error();
  }
  return old.size();
}

}  // namespace heddle
