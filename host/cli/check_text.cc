#include "cli/check_text.h"

#include "value/json_value.h"

namespace heddle {
namespace {

using Kind = Verdict::Kind;
constexpr size_t kNameWidth = 24;

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string painted(const std::string& text, const char* color, bool use) { return use ? std::string("\033[") + color + "m" + text + "\033[0m" : text; }

std::string named(const CheckAnswer& answer, const std::string& text) {
  return answer.type.empty() ? text : answer.type + (text.empty() ? "" : ": " + text);
}

// What one check came to, for all types.
class Lines {
 public:
  Lines(std::span<const CheckAnswer> answers, bool verbose, bool color) : answers_(answers), verbose_(verbose), color_(color) {
    for (const CheckAnswer& answer : answers) {
      if (answer.verdict.kind == Kind::kPass) ++passed_;
      if (answer.verdict.kind == Kind::kFail) ++failed_;
    }
  }
  bool has_failed() const { return failed_ > 0; }

  std::string text() const {
    std::string out = "  " + padded(answers_[0].check->name, kNameWidth);
    if (failed_) out += painted("FAILED", "31", color_) + "  " + answers_[0].check->promise;
    else if (passed_) out += painted("ok", "32", color_) + "      " + summary();
    else out += painted("-", "2", color_) + "       " + named(answers_[0], answers_[0].verdict.found);
    out += "\n";
    for (const CheckAnswer& answer : answers_) {
      if (answer.verdict.kind == Kind::kFail) add_failure(out, answer);
      else if (verbose_ && (answers_.size() > 1 || failed_)) out += "      " + named(answer, std::string(name_of(answer.verdict.kind)) + (answer.verdict.found.empty() ? "" : ": " + answer.verdict.found)) + "\n";
    }
    return out;
  }

 private:
  std::string summary() const {
    const std::string count = std::to_string(passed_);
    if (answers_.size() == 1) return named(answers_[0], answers_[0].verdict.found);
    return passed_ == answers_.size() ? count + " types" : count + " of " + std::to_string(answers_.size()) + " types; to the others it does not apply";
  }

  static void add_failure(std::string& out, const CheckAnswer& answer) {
    out += "      " + named(answer, answer.verdict.found) + "\n";
    if (!answer.verdict.remedy.empty()) out += "      what to do: " + answer.verdict.remedy + "\n";
    if (!answer.again.empty()) out += "      again: " + answer.again + "\n";
  }

  std::span<const CheckAnswer> answers_;
  bool verbose_, color_;
  size_t passed_ = 0, failed_ = 0;
};

std::string_view name_of_scope(const PluginCheck& check) {
  switch (check.scope) {
    case PluginCheck::Scope::kFile: return "file";
    case PluginCheck::Scope::kPlugin: return "plugin";
    case PluginCheck::Scope::kHost: return "host";
    case PluginCheck::Scope::kType: break;
  }
  return "type";
}

}  // namespace

CheckCount count_answers(const std::vector<CheckAnswer>& answers) {
  CheckCount count;
  for (const CheckAnswer& answer : answers) {
    if (answer.verdict.kind == Kind::kPass) ++count.passed;
    else if (answer.verdict.kind == Kind::kFail) ++count.failed;
    else ++count.not_applicable;
  }
  return count;
}

std::string check_text(const std::vector<CheckAnswer>& answers, bool all, bool verbose, bool color) {
  std::string out;
  for (size_t at = 0; at < answers.size();) {
    size_t end = at + 1;
    while (end < answers.size() && answers[end].check == answers[at].check) ++end;
    const Lines lines({answers.data() + at, end - at}, verbose, color);
    if (all || lines.has_failed()) out += lines.text();
    at = end;
  }
  const CheckCount count = count_answers(answers);
  return out + std::to_string(count.passed) + " passed, " + std::to_string(count.failed) + " failed, " + std::to_string(count.not_applicable) + " not applicable\n";
}

std::string check_json(const CheckOrder& order, const std::vector<CheckAnswer>& answers) {
  std::vector<Value> all;
  for (const CheckAnswer& answer : answers) {
    all.push_back(json_object({{"check", json_text(answer.check->name)},
                               {"type", answer.type.empty() ? Value::null() : json_text(answer.type)},
                               {"result", json_text(name_of(answer.verdict.kind))},
                               {"promise", json_text(answer.check->promise)},
                               {"found", json_text(answer.verdict.found)},
                               {"remedy", json_text(answer.verdict.remedy)},
                               {"reproduce", answer.again.empty() ? Value::null() : json_text(answer.again)},
                               {"took_ms", json_count(answer.took_ms)}}));
  }
  const CheckCount count = count_answers(answers);
  return json_object({{"ok", Value::boolean(count.failed == 0)},
                      {"path", json_text(order.path)},
                      {"seed", json_count(order.seed)},
                      {"passed", json_count(count.passed)},
                      {"failed", json_count(count.failed)},
                      {"not_applicable", json_count(count.not_applicable)},
                      {"checks", Value::list(std::move(all))}})
             .json() + "\n";
}

std::string check_list_text(std::span<const PluginCheck> checks) {
  std::string out;
  for (const PluginCheck& check : checks) {
    const std::string_view kinds(check.kinds);
    out += padded(check.name, kNameWidth) + (kinds.empty() ? "" : "(" + std::string(kinds) + ") ") + check.promise + "\n";
  }
  return out;
}

std::string check_list_json(std::span<const PluginCheck> checks) {
  std::vector<Value> all;
  for (const PluginCheck& check : checks) {
    all.push_back(json_object({{"check", json_text(check.name)},
                               {"promise", json_text(check.promise)},
                               {"of", json_text(name_of_scope(check))},
                               {"kinds", json_text(check.kinds)},
                               {"after", json_text(check.after)},
                               {"seeded", Value::boolean(check.is_seeded)}}));
  }
  return Value::list(std::move(all)).json() + "\n";
}

}  // namespace heddle
