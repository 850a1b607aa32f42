#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace heddle {
namespace {

struct Answer {
  CommandLine line;
  std::string out, err;
};

Answer parse(std::vector<std::string> words) {
  words.insert(words.begin(), "heddle");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Answer answer;
  answer.line = parse_command_line(static_cast<int>(argv.size()), argv.data());
  answer.out = ::testing::internal::GetCapturedStdout();
  answer.err = ::testing::internal::GetCapturedStderr();
  return answer;
}

void expect_usage(const Answer& answer, const std::string& message) {
  EXPECT_EQ(answer.line.verb, Verb::kNone);
  EXPECT_EQ(answer.line.exit_code, ExitCode::kUsage);
  EXPECT_EQ(answer.out, "");
  EXPECT_NE(answer.err.find(message), std::string::npos) << answer.err;
  EXPECT_EQ(answer.err.find('\n'), answer.err.size() - 1) << "not one line: " << answer.err;
}

TEST(CommandLine, ServeTakesAConfigurationOrLooksForOne) {
  const Answer named = parse({"serve", "-c", "host.json", "--threads", "3", "--plugin-dir", "p"});
  EXPECT_EQ(named.line.verb, Verb::kServe);
  EXPECT_EQ(named.line.serve.config, "host.json");
  EXPECT_EQ(named.line.serve.threads, 3u);
  EXPECT_EQ(named.line.general.plugin_dirs, std::vector<std::string>{"p"});
  EXPECT_FALSE(parse({"serve"}).line.serve.config);
  expect_usage(parse({"serve", "--confg", "x"}), "did you mean --config?");
}

TEST(CommandLine, RunTakesEverythingItDocuments) {
  Answer a = parse({"run",
                    "m.json",
                    "--input",
                    "in",
                    "-o",
                    "out",
                    "--param",
                    "a=1",
                    "--param",
                    "b=x=y",
                    "--threads",
                    "3",
                    "--stats",
                    "--no-progress",
                    "--dead-letters",
                    "none",
                    "--state-dir",
                    "s",
                    "--plugin-dir",
                    "p1",
                    "--plugin-dir",
                    "p2",
                    "--json",
                    "--color",
                    "always"});
  ASSERT_EQ(a.line.verb, Verb::kRun) << a.err;
  const RunArguments& run = a.line.run;
  EXPECT_EQ(run.manifest.path, "m.json");
  EXPECT_EQ(run.manifest.params.at("a"), "1");
  EXPECT_EQ(run.manifest.params.at("b"), "x=y");
  EXPECT_EQ(run.input, "in");
  EXPECT_EQ(run.output, "out");
  EXPECT_EQ(run.threads, 3u);
  EXPECT_TRUE(run.stats);
  EXPECT_EQ(run.progress, false);
  EXPECT_EQ(run.dead_letters, "none");
  EXPECT_EQ(run.state_dir, "s");
  EXPECT_EQ(a.line.general.plugin_dirs, (std::vector<std::string>{"p1", "p2"}));
  EXPECT_TRUE(a.line.general.json);
  EXPECT_EQ(a.line.general.color, ColorMode::kAlways);
}

TEST(CommandLine, ARepeatableOptionLeavesTheManifestAlone) {
  Answer a = parse({"run", "--plugin-dir", "p", "--param", "a=1", "m.json"});
  ASSERT_EQ(a.line.verb, Verb::kRun) << a.err;
  EXPECT_EQ(a.line.run.manifest.path, "m.json");
  EXPECT_EQ(parse({"run", "--plugin-dir", "p", "m.json"}).line.run.manifest.path, "m.json");
  EXPECT_EQ(parse({"run", "--param", "a=1", "m.json"}).line.run.manifest.path, "m.json");
  EXPECT_EQ(parse({"inspect", "--plugin-dir", "p", "Echo"}).line.inspect.subject, "Echo");
}

TEST(CommandLine, JsonMayStandBeforeTheVerb) {
  EXPECT_TRUE(parse({"--json", "run", "m.json"}).line.general.json);
  EXPECT_TRUE(parse({"schema", "--json"}).line.general.json);
  expect_usage(parse({"--stats", "run", "m.json"}), "--stats goes behind the verb: heddle run --stats");
}

TEST(CommandLine, ProgressIsUndecidedUnlessSaid) {
  EXPECT_EQ(parse({"run", "m"}).line.run.progress, std::nullopt);
  EXPECT_EQ(parse({"run", "m", "--progress"}).line.run.progress, true);
}

TEST(CommandLine, StandardInputIsADash) {
  EXPECT_EQ(parse({"run", "-", "--input", "x"}).line.run.manifest.path, "-");
  EXPECT_EQ(parse({"run", "m", "--input", "-"}).line.run.input, "-");
  expect_usage(parse({"run", "-", "--input", "-"}), "cannot both come from standard input");
}

TEST(CommandLine, AMisspeltVerbGetsASuggestion) {
  expect_usage(parse({"rnu", "m"}), "there is no verb \"rnu\"; did you mean \"run\"?");
  expect_usage(parse({"help", "validte"}), "did you mean \"validate\"?");
}

TEST(CommandLine, AMisspeltOptionGetsASuggestion) {
  expect_usage(parse({"run", "m", "--outptu=x"}), "heddle run has no option --outptu=x; did you mean --output?");
}

TEST(CommandLine, NothingAtAllIsAnsweredWithTheVerbs) { expect_usage(parse({}), "say what to do"); }

TEST(CommandLine, MistakesAreOneClearLine) {
  expect_usage(parse({"run"}), "MANIFEST");
  expect_usage(parse({"run", "m", "--threads", "0"}), "--threads");
  expect_usage(parse({"run", "m", "--threads", "many"}), "--threads");
  expect_usage(parse({"run", "m", "--param", "novalue"}), "NAME=VALUE");
  expect_usage(parse({"run", "m", "extra"}), "extra");
  expect_usage(parse({"validate", "m", "--level", "deep"}), "--level");
  expect_usage(parse({"graph", "m", "-f", "png"}), "png");
  expect_usage(parse({"run", "m", "-q", "-v"}), "--quiet");
}

TEST(CommandLine, HelpAndVersionGoToStandardOutput) {
  Answer version = parse({"--version"});
  EXPECT_EQ(version.line.exit_code, ExitCode::kOk);
  EXPECT_EQ(version.out.rfind("heddle ", 0), 0u);
  for (std::vector<std::string> words : {std::vector<std::string>{"--help"}, {"help"}, {"run", "--help"}, {"help", "run"}}) {
    Answer help = parse(words);
    EXPECT_EQ(help.line.verb, Verb::kNone);
    EXPECT_EQ(help.line.exit_code, ExitCode::kOk);
    EXPECT_NE(help.out.find("Usage: heddle"), std::string::npos) << help.out;
    EXPECT_EQ(help.err, "");
  }
  EXPECT_EQ(parse({"help", "run"}).out, parse({"run", "--help"}).out);
}

TEST(CommandLine, ExitCodesAreATopic) { EXPECT_EQ(parse({"help", "exit-codes"}).line.verb, Verb::kHelpExitCodes); }

TEST(CommandLine, TheEnvironmentIsUsedWhereNoOptionSaysOtherwise) {
  ::setenv("HEDDLE_THREADS", "5", 1);
  ::setenv("HEDDLE_COLOR", "never", 1);
  Answer a = parse({"run", "m"});
  EXPECT_EQ(a.line.run.threads, 5u);
  EXPECT_EQ(a.line.general.color, ColorMode::kNever);
  EXPECT_EQ(parse({"run", "m", "--threads", "2"}).line.run.threads, 2u);
  ::unsetenv("HEDDLE_THREADS");
  ::unsetenv("HEDDLE_COLOR");
}

}  // namespace
}  // namespace heddle
