// chain_evm against a real node, as the host has it.
#include <ctime>

#include "chains.h"

namespace heddle {
namespace {

class ChainEvm : public ChainsTest {
 protected:
  static uint64_t mined_of_account(const TestChain& anvil) { return anvil.number("eth_getTransactionCount", R"([")" + std::string(kAccount) + R"(","latest"])"); }
  static std::string unix_in(int seconds) { return std::to_string(std::time(nullptr) + seconds); }
  static void mine_one(const TestChain& chain) { chain.ask("evm_mine"); }
  // Mines until it is so.
  template <class Is>
  void mine_until(const TestChain& anvil, Is&& is) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (!is()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << standing();
      mine_one(anvil);
      must(read(R"({"ask":"standing"})"));
    }
  }
  // Until the node has it.
  void wait_for(const TestChain& anvil, const std::string& transaction) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (!anvil.ask("eth_getTransactionByHash", "[\"" + transaction + "\"]").find("hash")) ASSERT_LT(std::chrono::steady_clock::now(), end) << standing();
  }
  static bool is_there(const Answer& answer) { return answer.wait_for(std::chrono::milliseconds(50)) == std::future_status::ready; }
};

TEST_F(ChainEvm, ATransactionIsStoredIncludedAndFinal) {
  Anvil anvil({"--block-time", "0.1"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":3)"));
  const Value stored = must(send("a", R"(,"until":"stored")"));
  EXPECT_EQ(stored.find("key").as_text(), "a");
  EXPECT_EQ(stored.find("number").as_int(), 0);
  const Value included = must(send("a", R"(,"until":"included")"));
  EXPECT_EQ(included.find("transaction").as_text(), stored.find("transaction").as_text());
  EXPECT_TRUE(included.find("block").as_int());
  const Value final = must(send("a", "", 999));  // the key is taken: what the intent says now does not count
  EXPECT_EQ(final.find("stage").as_text(), "final");
  EXPECT_EQ(final.find("transaction").as_text(), stored.find("transaction").as_text());
  EXPECT_EQ(mined_of_account(anvil), 1u);
}

TEST_F(ChainEvm, ManyTransactionsOfOneAccountAreMinedInOrderAndOnce) {
  Anvil anvil({"--block-time", "0.1"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":2)"));
  std::vector<Answer> open;
  for (int i = 0; i < 1000; ++i) open.push_back(send("k" + std::to_string(i)));
  for (Answer& one : open) must(std::move(one));
  EXPECT_EQ(mined_of_account(anvil), 1000u);
}

// Nothing is asked by itself for an hour.
TEST_F(ChainEvm, AWebSocketSaysWhenThereIsABlock) {
  Anvil anvil({"--block-time", "0.1"});
  must_open(R"({"endpoints":[{"url":")" + anvil.url() + R"(","hints":"ws://127.0.0.1:)" + std::to_string(anvil.port) + R"("}],"poll_ms":3600000,"confirmations":3,"key":{"file":")" + (folder_ / "key") + R"("}})");
  must(send("a"));
  EXPECT_EQ(mined_of_account(anvil), 1u);
}

// What a node refuses, loses or forgets is sent again, and never with two numbers.
class Faulty : public ChainEvm, public testing::WithParamInterface<const char*> {};

TEST_P(Faulty, ANodeLosesAndDoublesNothing) {
  Anvil anvil({"--block-time", "0.1"});
  Endpoint between(anvil, GetParam());
  must_open(params(quoted(between.url()), R"(,"confirmations":2,"rebroadcast_ms":500,"answer_ms":5000)"));
  std::vector<Answer> open;
  for (int i = 0; i < 200; ++i) open.push_back(send("k" + std::to_string(i)));
  for (Answer& one : open) must(std::move(one));
  EXPECT_EQ(mined_of_account(anvil), 200u);
}

INSTANTIATE_TEST_SUITE_P(Nodes, Faulty, testing::Values("reject", "lose", "swallow"), [](const auto& one) { return std::string(one.param); });

TEST_F(ChainEvm, OfTwoEndpointsOneMayDie) {
  Anvil anvil({"--block-time", "0.1"});
  auto between = std::make_unique<Endpoint>(anvil, "honest");
  must_open(params(quoted(between->url()) + "," + quoted(anvil.url()), R"(,"confirmations":2,"rebroadcast_ms":500)"));
  std::vector<Answer> open;
  for (int i = 0; i < 50; ++i) open.push_back(send("a" + std::to_string(i)));
  must(std::move(open.front()));
  between.reset();
  for (int i = 0; i < 50; ++i) open.push_back(send("b" + std::to_string(i)));
  for (size_t i = 1; i < open.size(); ++i) must(std::move(open[i]));
  EXPECT_EQ(mined_of_account(anvil), 100u);
}

TEST_F(ChainEvm, AnAutomaticallyMiningNodeThatStallsIsPushedOn) {
  Anvil anvil({});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":1,"rebroadcast_ms":500,"bump_after_ms":1000)"));
  std::vector<Answer> open;
  for (int i = 0; i < 300; ++i) open.push_back(send("k" + std::to_string(i)));
  for (Answer& one : open) must(std::move(one));
  EXPECT_GE(mined_of_account(anvil), 300u);
}

TEST_F(ChainEvm, WhatDoesNotPayEnoughAnyMorePaysMore) {
  Anvil anvil({"--no-mining"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":1,"bump_after_ms":300)"));
  must(send("a", R"(,"until":"stored")"));
  anvil.ask("anvil_setNextBlockBaseFeePerGas", R"(["0x4a817c800"])");  // 20 gwei, ten times as much as it was
  Answer final = send("a");
  mine_until(anvil, [&] {
    anvil.ask("anvil_setNextBlockBaseFeePerGas", R"(["0x4a817c800"])");
    return is_there(final);
  });
  EXPECT_GT(must(std::move(final)).find("attempts").as_int().value_or(0), 1);
  EXPECT_EQ(mined_of_account(anvil), 1u);
}

TEST_F(ChainEvm, WhatAReorganisationTakesBackIsSentAgain) {
  Anvil anvil({"--no-mining"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":12,"rebroadcast_ms":300)"));
  for (const int depth : {3, 10}) {
    const std::string key = "depth" + std::to_string(depth);
    const Value stored = must(send(key, R"(,"until":"stored")"));
    wait_for(anvil, std::string(*stored.find("transaction").as_text()));
    anvil.mine();
    const Value before = must(send(key, R"(,"until":"included")"));
    anvil.mine(depth - 1);
    anvil.ask("anvil_reorg", "[" + std::to_string(depth) + ",[]]");
    Answer final = send(key);
    mine_until(anvil, [&] { return is_there(final); });
    const Value after = must(std::move(final));
    EXPECT_NE(after.find("block_hash").as_text(), before.find("block_hash").as_text());
    EXPECT_EQ(after.find("number").as_int(), before.find("number").as_int());
  }
  EXPECT_EQ(mined_of_account(anvil), 2u);
}

TEST_F(ChainEvm, WhatComesTooLateGivesItsNumberToOneThatDoesNothing) {
  Anvil anvil({"--no-mining"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":1,"bump_after_ms":60000)"));
  EXPECT_EQ(outcome(send("past", R"(,"not_after_unix":)" + unix_in(-10))), "too-late");
  must(send("late", R"(,"until":"stored","not_after_unix":)" + unix_in(1)));
  Answer late = send("late");
  Value attempts;
  do {
    ASSERT_FALSE(is_there(late));
    attempts = must(read(R"({"ask":"transaction","key":"late"})")).find("attempts");
  } while (attempts.size() < 2);
  wait_for(anvil, std::string(*attempts.at(1).find("transaction").as_text()));
  mine_until(anvil, [&] { return is_there(late); });
  EXPECT_EQ(outcome(std::move(late)), "too-late");
  EXPECT_EQ(must(read(R"({"ask":"transaction","key":"late"})")).find("stage").as_text(), "replaced");
  EXPECT_EQ(mined_of_account(anvil), 1u);
  Answer next = send("next");
  mine_until(anvil, [&] { return is_there(next); });
  EXPECT_EQ(must(std::move(next)).find("number").as_int(), 1);
}

TEST_F(ChainEvm, WhatIsStoredGoesOnInAnotherLife) {
  Anvil anvil({"--no-mining"});
  const std::string how = params(quoted(anvil.url()), R"(,"confirmations":2)");
  must_open(how);
  const Value stored = must(send("a", R"(,"until":"stored")"));
  Answer waiting = send("a");
  close();
  EXPECT_EQ(outcome(std::move(waiting)), "cancelled");
  must_open(how);
  Answer final = send("a");
  mine_until(anvil, [&] { return is_there(final); });
  EXPECT_EQ(must(std::move(final)).find("transaction").as_text(), stored.find("transaction").as_text());
  EXPECT_EQ(mined_of_account(anvil), 1u);
  close();
  must_open(how);
  EXPECT_EQ(must(send("a")).find("transaction").as_text(), stored.find("transaction").as_text());
  const Value listed = must(transactions("{}"));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed.at(0).find("stage").as_text(), "final");
}

TEST_F(ChainEvm, ANumberThatSomebodyElseHasUsedIsGivenUp) {
  Anvil anvil({"--no-mining"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":1,"rebroadcast_ms":300)"));
  must(send("a", R"(,"until":"stored")"));
  Answer final = send("a");
  anvil.ask("anvil_dropAllTransactions");
  // The node knows this account's key, too.
  anvil.ask("eth_sendTransaction", R"([{"from":")" + std::string(kAccount) + R"(","to":")" + kOther + R"(","value":"0x7","nonce":"0x0","maxFeePerGas":"0x2540be400000","maxPriorityFeePerGas":"0x2540be4000"}])");
  mine_until(anvil, [&] { return is_there(final); });
  EXPECT_EQ(must(std::move(final)).find("number").as_int(), 1);
  EXPECT_EQ(mined_of_account(anvil), 2u);
}

// It is not done again under another number until others say so, too.
TEST_F(ChainEvm, OneNodeAloneDoesNotTakeANumberAway) {
  Anvil anvil({"--block-time", "0.1"});
  auto liar = std::make_unique<Endpoint>(anvil, "usurp");
  Endpoint other(anvil, "late");  // so the liar is followed
  must_open(params(quoted(liar->url()) + "," + quoted(other.url()), R"(,"confirmations":2,"rebroadcast_ms":300)"));
  Answer final = send("a");
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (standing().find("as one node says") == std::string::npos) ASSERT_LT(std::chrono::steady_clock::now(), end) << standing();
  EXPECT_FALSE(is_there(final));
  liar.reset();
  EXPECT_EQ(must(std::move(final)).find("number").as_int(), 0);
  EXPECT_EQ(mined_of_account(anvil), 1u);
}

TEST_F(ChainEvm, NumbersThatOneNodeAloneKnowsOfAreNotBelieved) {
  Anvil anvil({"--block-time", "0.1"});
  Endpoint liar(anvil, "far-ahead");
  must_open(params(quoted(liar.url()) + "," + quoted(anvil.url()), R"(,"confirmations":2)"));
  EXPECT_EQ(must(send("a")).find("number").as_int(), 0);
  EXPECT_NE(standing().find("it is not believed"), std::string::npos) << standing();
}

TEST_F(ChainEvm, AKeyThatIsNoTextIsRefused) {
  Anvil anvil({"--no-mining"});
  must_open(params(quoted(anvil.url())));
  EXPECT_EQ(outcome(send("\xff")), "invalid");
  EXPECT_EQ(must(transactions("{}")).size(), 0u);
}

TEST_F(ChainEvm, ItSaysWhyItCannotBegin) {
  Anvil anvil({"--no-mining"});
  const auto code = [&](const std::string& with) {
    auto opened = open(with);
    close();
    return opened ? "ok" : opened.error().code;
  };
  EXPECT_EQ(code(params(quoted("http://127.0.0.1:1"))), "unavailable");
  EXPECT_EQ(code(params(quoted(anvil.url()), R"(,"chain_id":1)")), "other-chain");
  EXPECT_EQ(code(params(quoted("http://node.example:8545"))), "create-failed");
  write(folder_ / "key", secrets[0], 0644);
  EXPECT_EQ(code(params(quoted(anvil.url()))), "no-key");
  write(folder_ / "key", secrets[0], 0600);
  EXPECT_EQ(code(params(quoted(anvil.url()))), "ok");
}

TEST_F(ChainEvm, AnAccountWithoutEnoughIsNotSpentFrom) {
  Anvil anvil({"--no-mining"});
  anvil.ask("anvil_setBalance", R"([")" + std::string(kAccount) + R"(","0x64"])");
  must_open(params(quoted(anvil.url())));
  EXPECT_EQ(outcome(send("a")), "balance");
  EXPECT_EQ(must(transactions("{}")).size(), 0u);
}

TEST_F(ChainEvm, AnotherNodeIsSpokenToAsWell) {
  if (!Hardhat::is_there()) GTEST_SKIP() << "there is no hardhat: tests/chain/install FOLDER, and HEDDLE_CHAIN_TOOLS=FOLDER";
  Hardhat hardhat(folder_ / "", R"({auto: false, interval: 100})");
  must_open(params(quoted(hardhat.url()), R"(,"confirmations":2,"rebroadcast_ms":500)"));
  std::vector<Answer> open;
  for (int i = 0; i < 100; ++i) open.push_back(send("k" + std::to_string(i)));
  for (Answer& one : open) must(std::move(one));
  EXPECT_EQ(mined_of_account(hardhat), 100u);
}

TEST_F(ChainEvm, AReplacementPaysAsMuchMoreAsANodeWants) {
  if (!Hardhat::is_there()) GTEST_SKIP() << "there is no hardhat: tests/chain/install FOLDER, and HEDDLE_CHAIN_TOOLS=FOLDER";
  Hardhat hardhat(folder_ / "", R"({auto: false, interval: 0})");
  must_open(params(quoted(hardhat.url()), R"(,"confirmations":1,"bump_after_ms":300,"bump_percent":10)"));
  must(send("a", R"(,"until":"stored")"));
  const auto attempts = [&] { return must(read(R"({"ask":"transaction","key":"a"})")).find("attempts"); };
  while (attempts().size() < 4) ASSERT_FALSE(HasFailure());
  Answer final = send("a");
  mine_until(hardhat, [&] { return is_there(final); });
  const Value mined = must(std::move(final));
  EXPECT_EQ(mined_of_account(hardhat), 1u);
  EXPECT_NE(mined.find("transaction").as_text(), attempts().at(0).find("transaction").as_text());
}

// The contracts of tests/chain.
class ChainEvmWork : public ChainEvm {
 protected:
  static constexpr const char* kEnqueue =
      "function enqueue(string queueName, uint16 partitionId, bytes32 workflowInstanceId, address activityType, bytes inputData, uint256 expiresAt, uint8 priority, uint8 quorum) returns (bytes32)";

  void SetUp() override {
    ChainEvm::SetUp();
    if (!IsSkipped() && !std::filesystem::exists(contract_file("TaskQueue"))) GTEST_SKIP() << "the contracts are not compiled: tests/chain/install FOLDER, and HEDDLE_CHAIN_TOOLS=FOLDER";
  }
  static std::string contract_file(const std::string& name) { return std::string(std::getenv("HEDDLE_CHAIN_TOOLS")) + "/contracts/" + name + ".json"; }
  static std::string word(const std::string& hex_digits) { return std::string(64 - hex_digits.size(), '0') + hex_digits; }
  static std::string transact(const TestChain& anvil, const std::string& to, const std::string& data) {
    const std::string where = to.empty() ? "" : R"("to":")" + to + R"(",)";
    const Value hash = anvil.ask("eth_sendTransaction", R"([{"from":")" + std::string(kOwner) + R"(",)" + where + R"("data":")" + data + R"(","gas":"0xf42400"}])");
    anvil.mine();
    const Value receipt = anvil.ask("eth_getTransactionReceipt", "[\"" + std::string(hash.as_text().value_or("")) + "\"]");
    EXPECT_EQ(receipt.find("status").as_text(), "0x1") << receipt.json();
    return std::string(receipt.find("contractAddress").as_text().value_or(""));
  }
  static std::string deploy(const TestChain& anvil, const std::string& name, const std::string& arguments) {
    std::ifstream file(contract_file(name));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return transact(anvil, "", std::string(*Value::parse(text)->find("bytecode").as_text()) + arguments);
  }
  // A control plane that knows the account as a worker, and a queue; the params that name them.
  std::string contracts(const TestChain& anvil) {
    const std::string plane = deploy(anvil, "SubnetControlPlane", word("20") + word("5") + "312e322e33" + std::string(54, '0'));  // "1.2.3"
    const std::string activate = "0x" + selector("SubnetControlPlane", "activateWorker(address)") + word(std::string(kAccount).substr(2));
    transact(anvil, plane, activate);
    queue = deploy(anvil, "TaskQueue", word(plane.substr(2)) + word("3c"));
    return R"(,"contracts":{"task_queue":")" + queue + R"(","control_plane":")" + plane + R"("})";
  }
  static std::string selector(const std::string& contract, const std::string& signature) {
    std::ifstream file(contract_file(contract));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return std::string(*Value::parse(text)->find("functions").find(signature).as_text()).substr(2, 8);
  }
  Value must_mine(const TestChain& anvil, const std::string& key, const std::string& intent) {
    Answer answer = submit(key, intent);
    mine_until(anvil, [&] { return is_there(answer); });
    return must(std::move(answer));
  }
  void enqueue(const TestChain& anvil, const std::string& key, int priority = 0) {
    must_mine(anvil, key, R"({"do":"call","to":")" + queue + R"(","function":")" + kEnqueue + R"(","args":["video",3,"0x)" + word("") + R"(","0x)" + std::string(39, '0') + R"(7","0x6869",0,)" + std::to_string(priority) + ",1]}");
  }
  static std::string activity_of(const Value& found) { return std::string(found.find("activity").as_text().value_or("")); }

  static constexpr const char* kOwner = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";
  std::string queue;
};

TEST_F(ChainEvmWork, WorkIsFoundClaimedAndCompletedOnce) {
  Anvil anvil({"--no-mining"});
  must_open(params(quoted(anvil.url()), R"(,"confirmations":1)" + contracts(anvil)));
  const Value worker = must(read(R"({"ask":"worker"})"));
  EXPECT_EQ(worker.json(), R"({"active":true,"version":"1.2.3"})");
  const std::string offer = R"({"ask":"offer","queue":"video","partition":3})";
  EXPECT_TRUE(must(read(offer)).is_null());
  enqueue(anvil, "low");
  enqueue(anvil, "high", 2);
  const Value offered = must(read(offer));
  EXPECT_EQ(offered.find("state").as_text(), "offered");
  EXPECT_EQ(offered.find("input").json(), R"("aGk=")");
  EXPECT_FALSE(offered.find("worker"));
  const std::string id = activity_of(offered);
  must_mine(anvil, "claim", R"({"do":"claim","activity":")" + id + R"("})");
  EXPECT_EQ(must(read(R"({"ask":"mine"})")).json(), R"([")" + id + R"("])");
  must_mine(anvil, "beat", R"({"do":"heartbeat","activity":")" + id + R"(","percent":40})");
  const Value taken = must(read(R"({"ask":"activity","activity":")" + id + R"("})"));
  EXPECT_EQ(taken.find("state").as_text(), "assigned");
  EXPECT_EQ(taken.find("worker").as_text(), kAccount);
  EXPECT_EQ(taken.find("progress").as_int(), 40);
  EXPECT_GT(taken.find("lease_until_unix").as_int().value_or(0), taken.find("created_unix").as_int().value_or(0));
  must_mine(anvil, "done", R"({"do":"complete","activity":")" + id + R"(","result":"0x6f6b"})");
  EXPECT_EQ(must(read(R"({"ask":"activity","activity":")" + id + R"("})")).find("state").as_text(), "completed");
  auto again = submit("again", R"({"do":"complete","activity":")" + id + R"(","result":"0x6f6b"})").get();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "refused");
  EXPECT_NE(again.error().text().find("AlreadyCompleted"), std::string::npos) << again.error().text();
  EXPECT_TRUE(must(read(R"({"ask":"activity","activity":"0x)" + word("1") + R"("})")).is_null());
}

TEST_F(ChainEvmWork, EventsComeOnceAndInOrderAndWhatIsUndoneIsTakenBack) {
  Anvil anvil({"--no-mining"});
  Endpoint between(anvil, "few-logs");
  must_open(params(quoted(between.url()), R"(,"confirmations":12,"rebroadcast_ms":300)" + contracts(anvil)));
  const std::string call = R"({"do":"call","until":"included","to":")" + queue + R"(","function":")" + kEnqueue + R"(","args":["video",3,"0x)" + word("") + R"(","0x)" + std::string(39, '0') + R"(7","0x6869",0,0,1]})";
  must_mine(anvil, "first", call);
  Value page = must(events(R"({"from_block":0})"));
  ASSERT_EQ(page.find("events").size(), 1u) << page.json();
  EXPECT_EQ(page.find("events").at(0).find("event").as_text(), "ActivityEnqueued");
  EXPECT_EQ(page.find("events").at(0).find("args").find("queueName").as_text(), "video");
  EXPECT_EQ(page.find("events").at(0).find("contract").as_text(), queue);
  const auto after = [&](const std::string& more) { return events(R"({"after":)" + std::string(page.find("cursor").json()) + more + "}"); };
  EXPECT_EQ(must(after("")).find("events").size(), 0u);

  Answer waiting = after(R"(,"wait_ms":60000)");
  must_mine(anvil, "second", call);
  page = must(std::move(waiting));
  ASSERT_EQ(page.find("events").size(), 1u) << page.json();
  EXPECT_EQ(must(events(R"({"from_block":0,"final":true})")).find("events").size(), 0u);

  const int64_t block = *page.find("events").at(0).find("block").as_int();
  const auto head = static_cast<int64_t>(anvil.number("eth_blockNumber"));
  anvil.ask("anvil_reorg", "[" + std::to_string(head - block + 1) + ",[]]");
  anvil.mine();
  page = must(after(R"(,"wait_ms":60000)"));
  ASSERT_GE(page.find("events").size(), 1u) << page.json();
  EXPECT_EQ(page.find("events").at(0).find("event").as_text(), "removed");
  EXPECT_EQ(page.find("events").at(0).find("block").as_int(), block);

  // What was undone is sent again by itself, and happens again; and at last it is final.
  Answer final = submit("second", R"({"do":"call"})");
  mine_until(anvil, [&] { return is_there(final); });
  const Value all = must(events(R"({"from_block":0,"final":true})"));
  ASSERT_EQ(all.find("events").size(), 2u) << all.json();
  EXPECT_EQ(all.find("events").at(1).find("transaction").as_text(), must(std::move(final)).find("transaction").as_text());
}

}  // namespace
}  // namespace heddle
