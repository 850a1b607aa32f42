#include "cli/test_run.h"

#include <poll.h>

#include <algorithm>
#include <map>

#include "cli/dead_letter_file.h"
#include "cli/remotes_config.h"
#include "pipeline/build.h"
#include "pipeline/run.h"

namespace heddle {
namespace {

constexpr size_t kMostDifferences = 20;
constexpr size_t kLongestItem = 300;

class Captured : public Output {
 public:
  Result<void> write(const PipelineNode& node, std::span<Item> items) override {
    for (Item& item : items) by_node_[node.settings.id].push_back(std::move(item.value));
    return {};
  }
  Result<void> close() override { return {}; }
  const std::vector<Value>& of(const std::string& node) { return by_node_[node]; }

 private:
  std::map<std::string, std::vector<Value>> by_node_;
};

class Failures : public DeadLetters {
 public:
  Result<void> add(const DeadLetter& letter) override {
    if (texts_.size() < kMostDifferences) texts_.push_back("failed: " + dead_letter_text(letter));
    return {};
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
};

std::string shown(const Value& item) {
  std::string text = item.json();
  if (text.size() <= kLongestItem) return text;
  text.resize(kLongestItem);
  return text + "...";
}

Result<std::vector<Value>> parsed(const std::vector<std::string>& texts) {
  std::vector<Value> out;
  for (const std::string& text : texts) {
    Result<Value> value = Value::parse(text);
    if (!value) return std::move(value).error();
    out.push_back(std::move(value).value());
  }
  return out;
}

Manifest with_outputs(const Manifest& manifest, const TestCase& test) {
  Manifest out = manifest;
  for (NodeSettings& node : out.nodes) {
    if (test.expect.contains(node.id)) node.is_output_node = true;
  }
  return out;
}

std::vector<std::string> build_errors(const Diagnostics& diagnostics) {
  std::vector<std::string> out;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) out.push_back(d.message);
  }
  return out;
}

std::vector<std::string> execute(const Pipeline& pipeline, const TestCase& test, Lanes& lanes, Outside& outside) {
  Captured output;
  Failures failures;
  RunOptions options;
  options.lanes = &lanes;
  options.outside = &outside;
  options.output = &output;
  options.dead_letters = &failures;
  for (const auto& [node, texts] : test.in) {
    Result<std::vector<Value>> items = parsed(texts);
    if (!items) return {"the input of " + node + ": " + items.error().text()};
    options.node_input.emplace_back(node, std::move(items).value());
  }
  Result<std::unique_ptr<Run>> run = Run::start(pipeline, options);
  if (!run) return {run.error().text()};
  pollfd end{(*run)->end_fd(), POLLIN, 0};
  while (!(*run)->wait(0)) ::poll(&end, 1, -1);
  std::vector<std::string> out = failures.texts();
  const RunReport& report = (*run)->report();
  if (!report.ok) out.push_back("the run failed: " + report.error.text());
  if (!report.balanced) out.push_back("internal error: the counts of the run do not balance");
  for (const auto& [node, texts] : test.expect) {
    Result<std::vector<Value>> expected = parsed(texts);
    if (!expected) return {"what is expected of " + node + ": " + expected.error().text()};
    for (std::string& line : compare_items(node, *expected, output.of(node))) out.push_back(std::move(line));
  }
  return out;
}

}  // namespace

std::vector<std::string> compare_items(const std::string& node, const std::vector<Value>& expected, const std::vector<Value>& came) {
  std::vector<std::string> out;
  if (expected.size() != came.size()) {
    out.push_back(node + ": " + std::to_string(expected.size()) + " items expected, " + std::to_string(came.size()) + " came");
  }
  size_t longer = std::max(expected.size(), came.size());
  for (size_t i = 0; i < longer; ++i) {
    bool has_expected = i < expected.size(), has_came = i < came.size();
    if (has_expected && has_came && expected[i] == came[i]) continue;
    if (out.size() >= kMostDifferences) {
      out.push_back(node + ": and more");
      break;
    }
    std::string where = node + "[" + std::to_string(i) + "] ";
    if (has_expected) out.push_back("- " + where + shown(expected[i]));
    if (has_came) out.push_back("+ " + where + shown(came[i]));
  }
  return out;
}

TestVerdict run_test(const Manifest& manifest, size_t index, const Catalog& catalog, Lanes& lanes, Outside& outside) {
  const TestCase& test = manifest.tests[index];
  TestVerdict verdict;
  verdict.name = test.name.empty() ? "test " + std::to_string(index + 1) : test.name;
  Manifest marked = with_outputs(manifest, test);
  Diagnostics diagnostics(manifest.file, "");
  RemoteHosts others(read_remotes_config, catalog);
  std::optional<Pipeline> pipeline = build_pipeline(marked, catalog, diagnostics, &others);
  verdict.differences = pipeline ? execute(*pipeline, test, lanes, outside) : build_errors(diagnostics);
  return verdict;
}

}  // namespace heddle
