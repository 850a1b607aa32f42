#include <gtest/gtest.h>

#include "cli/command_line.h"

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

void expect_usage(std::vector<std::string> words, const std::string& message) {
  const Answer answer = parse(std::move(words));
  EXPECT_EQ(answer.line.exit_code, ExitCode::kUsage);
  EXPECT_NE(answer.err.find(message), std::string::npos) << answer.err;
}

TEST(ClientDefinition, SubmitTakesEverythingItDocuments) {
  const Answer a = parse({"submit", "resize", "{\"w\":3}", "--lane", "prompt", "--priority", "2", "--key", "ada", "--delay", "5m", "--deadline", "1h", "--idempotency-key", "k",
                          "--after", "7", "--after", "8", "--wait", "--timeout", "30s", "--host", "there:1", "--token-file", "t", "--ca-file", "c", "--json"});
  ASSERT_EQ(a.line.verb, Verb::kSubmit) << a.err;
  const SubmitArguments& submit = a.line.client.submit;
  EXPECT_EQ(submit.type, "resize");
  EXPECT_EQ(submit.payload, "{\"w\":3}");
  EXPECT_EQ(submit.lane, "prompt");
  EXPECT_EQ(submit.priority, 2u);
  EXPECT_EQ(submit.key, "ada");
  EXPECT_EQ(submit.delay_ms, 300'000u);
  EXPECT_EQ(submit.deadline_ms, 3'600'000u);
  EXPECT_EQ(submit.idempotency_key, "k");
  EXPECT_EQ(submit.after, (std::vector<uint64_t>{7, 8}));
  EXPECT_TRUE(submit.wait);
  EXPECT_EQ(submit.timeout_ms, 30'000u);
  EXPECT_EQ(a.line.client.host.url, "there:1");
  EXPECT_EQ(a.line.client.host.token_file, "t");
  EXPECT_EQ(a.line.client.host.ca_file, "c");
  EXPECT_TRUE(a.line.general.json);
}

TEST(ClientDefinition, APayloadMayBeNamedOrNegativeOrAPipe) {
  EXPECT_EQ(parse({"submit", "t", "--payload", "-5"}).line.client.submit.payload, "-5");
  EXPECT_EQ(parse({"submit", "t", "-"}).line.client.submit.payload, "-");
  EXPECT_EQ(parse({"submit", "t", "--run-at", "2026-11-21T07:26:40Z"}).line.client.submit.run_at_ms, 1'795'246'000'000u);
}

TEST(ClientDefinition, AVerbWithoutAnActionLists) {
  const Answer bare = parse({"jobs", "--state", "running"}), named = parse({"jobs", "list", "--state", "running"});
  for (const Answer* a : {&bare, &named}) {
    EXPECT_EQ(a->line.verb, Verb::kJobs) << a->err;
    EXPECT_EQ(a->line.client.jobs.action, JobsAction::kList);
    EXPECT_EQ(a->line.client.jobs.state, "running");
  }
  EXPECT_EQ(parse({"dlq"}).line.client.dlq.action, DlqAction::kList);
  EXPECT_EQ(parse({"lanes"}).line.client.lanes.action, LanesAction::kList);
}

TEST(ClientDefinition, ActionsTakeTheirSubjects) {
  EXPECT_EQ(parse({"jobs", "cancel", "1", "2"}).line.client.jobs.ids, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(parse({"dlq", "discard", "--all"}).line.client.dlq.all, true);
  const LanesArguments lanes = parse({"lanes", "set", "prompt", "depth=3", "order=fifo"}).line.client.lanes;
  EXPECT_EQ(lanes.name, "prompt");
  EXPECT_EQ(lanes.settings, (std::vector<std::string>{"depth=3", "order=fifo"}));
}

TEST(ClientDefinition, TasksAndTransactionsOfChains) {
  const Answer listed = parse({"tasks", "--worker", "w", "--state", "running", "--limit", "3"});
  EXPECT_EQ(listed.line.verb, Verb::kTasks) << listed.err;
  EXPECT_EQ(listed.line.client.tasks.action, TasksAction::kList);
  EXPECT_EQ(listed.line.client.tasks.worker, "w");
  EXPECT_EQ(listed.line.client.tasks.state, "running");
  EXPECT_EQ(listed.line.client.tasks.limit, 3u);
  EXPECT_EQ(parse({"tasks", "list", "--worker", "w"}).line.client.tasks.worker, "w");
  EXPECT_EQ(parse({"tasks", "show", "0x1234"}).line.client.tasks.activity, "0x1234");
  const Answer cancelled = parse({"tasks", "cancel", "0x1234", "--reason", "the input is wrong"});
  EXPECT_EQ(cancelled.line.client.tasks.action, TasksAction::kCancel) << cancelled.err;
  EXPECT_EQ(cancelled.line.client.tasks.reason, "the input is wrong");
  const Answer txs = parse({"txs", "--open", "--worker", "w"});
  EXPECT_EQ(txs.line.verb, Verb::kTxs) << txs.err;
  EXPECT_TRUE(txs.line.client.txs.open);
  EXPECT_EQ(txs.line.client.txs.worker, "w");
  expect_usage({"tasks", "show"}, "ACTIVITY");
}

TEST(ClientDefinition, MistakesAreOneClearLine) {
  expect_usage({"jobs", "shwo", "1"}, "there is no `heddle jobs shwo`; did you mean \"show\"?");
  expect_usage({"jobs", "show"}, "heddle jobs show: ID");
  expect_usage({"jobs", "show", "x"}, "x");
  expect_usage({"jobs", "list", "--stat", "x"}, "heddle jobs list has no option --stat; did you mean --state?");
  expect_usage({"submit"}, "TYPE");
  expect_usage({"submit", "t", "--delay", "soon"}, "\"soon\" is no duration: write 250ms");
  expect_usage({"submit", "t", "--run-at", "soon"}, "\"soon\" is no time");
  expect_usage({"submit", "t", "--delay", "1", "--run-at", "1"}, "excludes");
  expect_usage({"submit", "t", "--timeout", "1"}, "--wait");
  expect_usage({"dlq", "requeue"}, "heddle dlq requeue wants the ids of dead jobs, or --all");
  expect_usage({"lanes", "set", "x", "depth"}, "KEY=VALUE");
  expect_usage({"jbos"}, "did you mean \"jobs\"?");
}

TEST(ClientDefinition, HelpNamesTheActionInFull) {
  EXPECT_NE(parse({"jobs", "show", "--help"}).out.find("Usage: heddle jobs show"), std::string::npos);
  EXPECT_NE(parse({"help", "lanes"}).out.find("heddle lanes pause prompt"), std::string::npos);
}

}  // namespace
}  // namespace heddle
