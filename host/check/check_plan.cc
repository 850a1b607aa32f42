#include "check/check_plan.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>

#include "check/check_child.h"
#include "check/host_check.h"
#include "check/scratch_folder.h"
#include "plugin/note.h"
#include "shell_word.h"

namespace heddle {
namespace {

constexpr size_t kAtOnce = 2;

struct Entry {
  CheckAnswer answer;
  enum class State : uint8_t { kWaiting, kBegun, kOver } state = State::kWaiting;
  bool is_asked = true;  // not only because another one comes after it
  std::unique_ptr<CheckChild> child = nullptr;
};

class CheckPlan {
 public:
  explicit CheckPlan(const CheckOrder& order) : order_(order) {
    std::error_code failed;
    order_.path = std::filesystem::absolute(order.path, failed).string();
    if (failed) order_.path = order.path;
    if (auto plugin = read_note(order_.path)) plugin_ = *std::move(plugin);
    for (const PluginCheck& check : checks_of(order_)) add(check);
    mark_asked();
  }

  std::optional<std::vector<CheckAnswer>> carry_out(int stop_fd) {
    while (true) {
      begin_what_can();
      std::vector<CheckChild*> children;
      for (const Entry& entry : entries_)
        if (entry.child) children.push_back(entry.child.get());
      if (children.empty()) break;
      if (!CheckChild::wait_for_one(children, stop_fd)) return std::nullopt;
      for (Entry& entry : entries_)
        if (entry.child && entry.child->is_over()) end(entry);
    }
    std::vector<CheckAnswer> answers;
    for (Entry& entry : entries_)
      if (entry.is_asked) answers.push_back(std::move(entry.answer));
    return answers;
  }

 private:
  void add(const PluginCheck& check) {
    if (check.scope != PluginCheck::Scope::kType) {
      entries_.push_back({{.check = &check}});
      return;
    }
    for (const TypeDescriptor& type : plugin_.types) {
      if (check.is_for(type.kind) && (order_.type.empty() || order_.type == type.type)) entries_.push_back({{.check = &check, .type = type.type}});
    }
  }

  // With `only`: those, and what they come after.
  void mark_asked() {
    if (order_.only.empty()) return;
    std::set<std::string> needed;
    for (const std::string& name : order_.only)
      for (const PluginCheck* check = find_check(order_, name); check; check = find_check(order_, check->after)) needed.insert(check->name);
    std::erase_if(entries_, [&](const Entry& entry) { return !needed.count(entry.answer.check->name); });
    for (Entry& entry : entries_) entry.is_asked = std::count(order_.only.begin(), order_.only.end(), entry.answer.check->name) > 0;
  }

  // What this one comes after; null: nothing.
  const Entry* before(const Entry& entry) const {
    for (const Entry& one : entries_)
      if (one.answer.check->name == std::string_view(entry.answer.check->after) && (one.answer.type.empty() || one.answer.type == entry.answer.type)) return &one;
    return nullptr;
  }

  void begin_what_can() {
    auto running = static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.child != nullptr; }));
    for (Entry& entry : entries_) {
      if (running == kAtOnce) return;
      if (entry.state != Entry::State::kWaiting) continue;
      const Entry* const first = before(entry);
      if (first && first->state != Entry::State::kOver) continue;
      if (first && first->answer.verdict.kind != Verdict::Kind::kPass) {
        const bool failed = first->answer.verdict.kind == Verdict::Kind::kFail;
        entry.answer.verdict = failed ? not_applicable(std::string("not tried, for ") + first->answer.check->name + " failed") : first->answer.verdict;
        entry.state = Entry::State::kOver;
        continue;
      }
      begin(entry);
      ++running;
    }
  }

  void begin(Entry& entry) {
    entry.state = Entry::State::kBegun;
    entry.child = std::make_unique<CheckChild>(arguments(entry.answer), scratch_.path(), order_.limit_ms);
  }

  void end(Entry& entry) {
    entry.answer.verdict = entry.child->verdict();
    entry.answer.took_ms = entry.child->took_ms();
    entry.child.reset();
    entry.state = Entry::State::kOver;
    if (entry.answer.verdict.kind == Verdict::Kind::kFail) entry.answer.again = command_of(entry.answer);
  }

  // For a shell.
  std::string command_of(const CheckAnswer& answer) const {
    std::string command;
    for (const std::string& word : arguments(answer)) command += (command.empty() ? "" : " ") + shell_word(word);
    return command;
  }

  std::vector<std::string> arguments(const CheckAnswer& answer) const {
    std::vector<std::string> all = {"heddle", "check", order_.path, "--reproduce", answer.check->name};
    if (order_.of_host) all.insert(all.begin() + 2, "--host");
    if (!answer.type.empty()) all.insert(all.end(), {"--type", answer.type});
    if (answer.check->is_seeded) all.insert(all.end(), {"--seed", std::to_string(order_.seed)});
    if (const auto given = order_.params.find(answer.type); given != order_.params.end()) all.insert(all.end(), {"--params", given->first + "=" + given->second});
    if (order_.limit_ms != CheckOrder{}.limit_ms) all.insert(all.end(), {"--timeout-ms", std::to_string(order_.limit_ms)});
    return all;
  }

  CheckOrder order_;
  PluginDescriptor plugin_;
  ScratchFolder scratch_;
  std::vector<Entry> entries_;  // their processes end before the folder goes in which they work
};

}  // namespace

std::optional<std::vector<CheckAnswer>> carry_out(const CheckOrder& order, int stop_fd) { return CheckPlan(order).carry_out(stop_fd); }

std::span<const PluginCheck> checks_of(const CheckOrder& order) { return order.of_host ? host_checks() : plugin_checks(); }

const PluginCheck* find_check(const CheckOrder& order, std::string_view name) {
  for (const PluginCheck& check : checks_of(order))
    if (check.name == name) return &check;
  return nullptr;
}

Result<Verdict> carry_out_here(const CheckOrder& order, const std::string& name, const std::function<void(const std::string&)>& at) {
  const PluginCheck* const check = find_check(order, name);
  if (!check) return Error("unknown-check", "there is no check \"" + name + "\"; heddle check --list names them", ErrorClass::kConfig);
  CheckSubject subject;
  subject.path = order.path;
  subject.seed = order.seed;
  subject.limit_ms = order.limit_ms;
  subject.at = at;
  auto plugin = read_note(order.path);
  if (plugin) subject.plugin = *std::move(plugin);
  else if (name != "note") return std::move(plugin).error();
  if (check->scope == PluginCheck::Scope::kType) {
    for (const TypeDescriptor& type : subject.plugin.types)
      if (type.type == order.type && check->is_for(type.kind)) subject.type = &type;
    if (!subject.type) return Error("unknown-type", "the check " + name + " wants --type with one of the types in " + order.path, ErrorClass::kConfig);
    if (const auto given = order.params.find(order.type); given != order.params.end()) {
      auto params = Value::parse(given->second);
      if (!params) return std::move(params).error();
      subject.params = *std::move(params);
    }
  }
  return check->scope == PluginCheck::Scope::kHost ? run_host_check(name, subject) : check->run(subject);
}

}  // namespace heddle
