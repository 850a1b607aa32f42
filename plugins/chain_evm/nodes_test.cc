// What is believed of what nodes say: which one is followed, and which events there are.
#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

#include "events.h"
#include "hex.h"
#include "made_up_node.h"
#include "reads.h"
#include "watch.h"

namespace chain_evm {
namespace {

using heddle::sdk::Config;
using heddle::sdk::FakeCall;
using heddle::sdk::FakeHost;
using heddle::sdk::Value;

constexpr heddle_endpoints_service kEndpoints = {
    .struct_size = sizeof(heddle_endpoints_service),
    .open = [](const heddle_host*, const heddle_value*, heddle_value**) noexcept -> heddle_id { return 1; },
    .pick = [](const heddle_host*, heddle_id, uint32_t, uint32_t* endpoint, heddle_id* call, uint64_t*) noexcept {
      *endpoint = 0;
      *call = 1;
      return true;
    },
    .over = [](const heddle_host*, heddle_id, heddle_id, heddle_outcome) noexcept {},
    .set_well = [](const heddle_host*, heddle_id, uint32_t, bool) noexcept {},
};

struct Parts {
  Parts(const FakeHost& host, const std::string& params, const std::string& account, std::atomic<int>& thrown)
      : settings(Config(host.table(), Value::parse(params))),
        network(settings.sites(), settings.network, [&thrown](std::string_view) { ++thrown; }),
        rpc(host.table(), &kEndpoints, 1, network, settings.origins(), settings.rpc),
        watch(settings, rpc, network, account,
              [this](const Watch::Reading&, std::optional<uint64_t> from, uint64_t) {
                if (from) removed.push_back(*from);
                events.looked();
              }),
        reads(settings, rpc, account),
        events(settings, rpc, network, watch) {}
  ~Parts() { network.stop(); }

  Settings settings;
  std::vector<uint64_t> removed;
  Network network;
  Rpc rpc;
  Watch watch;
  Reads reads;
  Events events;
};

class Nodes : public testing::Test {
 protected:
  // `more`: of the params, each with a comma before it. `path`: behind the address of each. The first node is followed: the others are there a little later.
  void open(const std::string& more = "", const std::string& account = "", const std::string& path = "") {
    std::string urls;
    for (const auto& node : nodes_) (urls += urls.empty() ? "\"" : ",\"") += node->url() + path + '"';
    parts_ = std::make_unique<Parts>(host_, R"-({"poll_ms":20,"lag_ms":100,"interface":{"more":["event Ping()"])-" + interface_ + R"(},"endpoints":[)" + urls + "]" + more + "}", account, thrown_);
    const std::string topic = to_hex(parts_->settings.interface.event("Ping")->topic0);
    for (const auto& node : nodes_) node->change([&](MadeUpChain& chain) {
        chain.topic = topic;
        if (node != nodes_.front()) chain.instead["eth_chainId"] = R"("error":{"code":1,"message":"not yet"})";
      });
    std::promise<void> asked;
    parts_->network.post([&] { parts_->watch.begin([&] { asked.set_value(); }); });
    asked.get_future().wait();
    for (size_t i = 1; i < nodes_.size(); ++i) {
      nodes_[i]->change([](MadeUpChain& chain) { chain.instead.erase("eth_chainId"); });
      ASSERT_TRUE(comes([&] { return parts_->watch.endpoints()[i].answers; }));
    }
  }
  MadeUpNode& add() { return *nodes_.emplace_back(std::make_unique<MadeUpNode>()); }

  template <class Ask>
  auto on_thread(Ask ask, uint64_t after_ms = 0) {
    std::promise<decltype(ask())> told;
    parts_->network.post([&] { parts_->network.after(after_ms, [&] { told.set_value(ask()); }); });
    return told.get_future().get();
  }
  // Looks again and again until it is so; false: it never was, in ten seconds.
  template <class IsSo>
  bool comes(IsSo is_so) {
    for (int i = 0; i < 2000; ++i)
      if (on_thread(is_so, 5)) return true;
    return false;
  }
  // Looks so long whether it stays so.
  template <class IsSo>
  bool stays(uint64_t for_ms, IsSo is_so) {
    for (uint64_t i = 0; i < for_ms / 5; ++i)
      if (!on_thread(is_so, 5)) return false;
    return true;
  }

  FakeCall& pull(const std::string& filter) {
    FakeCall& call = *calls_.emplace_back(std::make_unique<FakeCall>(host_, nullptr, 0, 0));
    on_thread([&] {
      parts_->events.pull(Value::parse(filter), std::make_shared<Op>(reinterpret_cast<heddle_op*>(&call)));
      return true;
    });
    return call;
  }
  // The blocks of the events, "-": of those that are removed.
  std::string blocks_of(const FakeCall& call) {
    return on_thread([&] {
      const Value answer = Value::parse(call.details().empty() ? "{}" : call.details());
      std::string all;
      for (size_t i = 0; i < answer.find("events").size(); ++i) {
        const auto event = answer.find("events").at(i);
        all += (all.empty() ? "" : " ") + std::string(event.find("event").as_text() == "removed" ? "-" : "") + std::to_string(event.find("block").as_int().value_or(-1));
      }
      return all;
    });
  }
  std::string cursor_of(const FakeCall& call) {
    return on_thread([&] { return std::string(Value::parse(call.details()).find("cursor").json()); });
  }

  std::string interface_;  // more of that param
  FakeHost host_;
  std::atomic<int> thrown_{0};
  std::vector<std::unique_ptr<FakeCall>> calls_;
  std::vector<std::unique_ptr<MadeUpNode>> nodes_;
  std::unique_ptr<Parts> parts_;  // the first to go
};

TEST_F(Nodes, TheBlocksThatMayBeUndoneAreKnownFromTheStart) {
  MadeUpNode& node = add();
  open(R"(,"confirmations":5)");
  EXPECT_EQ(on_thread([&] { return parts_->watch.heads().oldest(); }), 95u);
  node.change([](MadeUpChain& chain) { chain = {.head = 101, .branch = 'b', .begins = 90, .topic = chain.topic}; });
  ASSERT_TRUE(comes([&] { return !parts_->removed.empty(); }));
  EXPECT_EQ(on_thread([&] { return parts_->removed.back(); }), 0u);
}

TEST_F(Nodes, OneThatNamesAnyBlockIsNotBelievedBeforeTwoOthers) {
  for (int i = 0; i < 2; ++i) add();
  add().change([](MadeUpChain& chain) { chain.head = uint64_t{1} << 40; });
  open();
  EXPECT_TRUE(stays(400, [&] { return parts_->watch.endpoints()[0].is_well && parts_->watch.endpoints()[1].is_well; }));
  // Where the one that is followed is gone, the other one is.
  nodes_[0]->change([](MadeUpChain& chain) { chain.instead["eth_chainId"] = R"("error":{"code":1,"message":"no"})"; });
  ASSERT_TRUE(comes([&] { return parts_->watch.followed() != 0; }));
  EXPECT_EQ(on_thread([&] { return parts_->watch.followed(); }), 1u);
}

TEST_F(Nodes, OfTwoTheOneThatIsFollowedStaysAsLongAsItsBlocksAreFresh) {
  add();
  add().change([](MadeUpChain& chain) { chain.head = uint64_t{1} << 40; });
  open();
  EXPECT_TRUE(stays(400, [&] { return parts_->watch.followed() == 0 && parts_->watch.endpoints()[0].is_well; }));
}

TEST_F(Nodes, OneThatStandsStillIsLeft) {
  add().change([](MadeUpChain& chain) {
    const MadeUpChain old;
    chain.instead["eth_getBlockByNumber"] = R"("result":{"number":"0x0","hash":")" + old.hash(0) + R"(","parentHash":")" + old.hash(0) + R"(","timestamp":"0x1"})";
  });
  add();
  open();
  EXPECT_TRUE(comes([&] { return parts_->watch.followed() == 1; }));
}

TEST_F(Nodes, WhatIsFinalFollowsTheNodesWordBackToo) {
  const auto says = [](MadeUpNode& node, uint64_t number) {
    node.change([&](MadeUpChain& chain) { chain.finalized = number; });
  };
  MadeUpNode& node = add();
  says(node, uint64_t{1} << 40);
  open(R"(,"confirmations":"finalized")");
  ASSERT_TRUE(comes([&] { return parts_->watch.final_block() != UINT64_MAX; }));
  EXPECT_EQ(on_thread([&] { return parts_->watch.final_block(); }), 100u);
  says(node, 60);
  EXPECT_TRUE(comes([&] { return parts_->watch.final_block() == 60; }));
}

TEST_F(Nodes, OneThatSaysNothingOfTheAccountIsLeft) {
  for (int i = 0; i < 2; ++i) add();
  nodes_[0]->change([](MadeUpChain& chain) { chain.instead["eth_feeHistory"] = R"("error":{"code":-32601,"message":"the method does not exist"})"; });
  open("", std::string(20, 'x'));
  ASSERT_TRUE(comes([&] { return parts_->watch.reading().has_value(); }));
  EXPECT_EQ(on_thread([&] { return parts_->watch.followed(); }), 1u);
  EXPECT_EQ(on_thread([&] { return parts_->watch.endpoints()[0].is_well; }), false);
  EXPECT_EQ(on_thread([&] { return parts_->watch.endpoints()[0].error; }), "the method does not exist");
  EXPECT_EQ(on_thread([&] { return parts_->watch.alarm(); }), "");
}

TEST_F(Nodes, TheOnlyOneStaysWithAnAlarmUntilItSaysAll) {
  MadeUpNode& node = add();
  node.change([](MadeUpChain& chain) { chain.instead["eth_getBalance"] = R"("error":{"code":1,"message":"no balances today"})"; });
  open("", std::string(20, 'x'));
  ASSERT_TRUE(comes([&] { return !parts_->watch.alarm().empty(); }));
  EXPECT_NE(on_thread([&] { return parts_->watch.alarm(); }).find("no balances today"), std::string::npos);
  EXPECT_TRUE(stays(100, [&] { return parts_->watch.endpoints()[0].is_well; }));
  node.change([](MadeUpChain& chain) { chain.instead.clear(); });
  EXPECT_TRUE(comes([&] { return parts_->watch.alarm().empty() && parts_->watch.reading(); }));
}

TEST_F(Nodes, EventsOfBlocksThatANodeHasNotYetAreWaitedFor) {
  MadeUpNode& node = add();
  open();
  node.change([](MadeUpChain& chain) {
    chain.events = {99};
    chain.head = 98;  // as one that takes over, and is behind
  });
  FakeCall& call = pull(R"({"events":["Ping"],"from_block":90})");
  EXPECT_TRUE(stays(300, [&] { return !call.done(); }));
  node.change([](MadeUpChain& chain) { chain.head = 100; });
  ASSERT_TRUE(comes([&] { return call.done(); }));
  EXPECT_EQ(blocks_of(call), "99");
}

TEST_F(Nodes, APullEndsWhereANodeNeverSaysWhatFits) {
  MadeUpNode& node = add();
  open();
  node.change([](MadeUpChain& chain) {
    chain.events = {99};
    chain.are_hashes_wrong = true;
  });
  FakeCall& call = pull(R"({"events":["Ping"],"from_block":90})");
  ASSERT_TRUE(comes([&] { return call.done(); }));
  EXPECT_EQ(call.status(), HEDDLE_UNAVAILABLE);
}

TEST_F(Nodes, ABlockThatANodeHasNoMoreIsNotTakenBack) {
  MadeUpNode& node = add();
  open(R"(,"confirmations":"finalized")");  // none is
  node.change([](MadeUpChain& chain) { chain.events = {99}; });
  FakeCall& first = pull(R"({"events":["Ping"],"from_block":90})");
  ASSERT_TRUE(comes([&] { return first.done(); }));
  EXPECT_EQ(blocks_of(first), "99");
  node.change([](MadeUpChain& chain) {
    chain.head = 5000;
    chain.oldest = 4000;
  });
  ASSERT_TRUE(comes([&] { return parts_->watch.heads().newest()->number == 5000; }));
  FakeCall& second = pull(R"({"events":["Ping"],"after":)" + cursor_of(first) + "}");
  ASSERT_TRUE(comes([&] { return second.done(); }));
  EXPECT_EQ(second.status(), HEDDLE_UNAVAILABLE);
  node.change([](MadeUpChain& chain) { chain = {.head = 5001, .branch = 'b', .begins = 99, .topic = chain.topic}; });
  ASSERT_TRUE(comes([&] { return parts_->watch.heads().newest()->number == 5001; }));
  FakeCall& third = pull(R"({"events":["Ping"],"after":)" + cursor_of(first) + "}");
  ASSERT_TRUE(comes([&] { return third.done(); }));
  EXPECT_EQ(blocks_of(third), "-99");
}

TEST_F(Nodes, AnErrorIsNoTime) {
  MadeUpNode& node = add();
  open();
  const auto now = static_cast<int64_t>(std::time(nullptr));
  node.change([](MadeUpChain& chain) {
    chain.events = {50};
    chain.failing = 80;
  });
  const std::string filter = R"({"events":["Ping"],"from_unix":)" + std::to_string(now - 60) + "}";
  FakeCall& call = pull(filter);
  ASSERT_TRUE(comes([&] { return call.done(); }));
  EXPECT_EQ(call.status(), HEDDLE_UNAVAILABLE);
  node.change([](MadeUpChain& chain) { chain.failing = 0; });
  FakeCall& again = pull(filter);
  ASSERT_TRUE(comes([&] { return again.done(); }));
  EXPECT_EQ(blocks_of(again), "50");
}

TEST_F(Nodes, WhatAPullWaitsForComes) {
  MadeUpNode& node = add();
  open();
  FakeCall& call = pull(R"({"events":["Ping"],"wait_ms":60000})");
  FakeCall& other = pull(R"({"events":["Ping"],"wait_ms":200})");
  ASSERT_TRUE(comes([&] { return other.done(); }));
  EXPECT_EQ(blocks_of(other), "");
  EXPECT_FALSE(on_thread([&] { return call.done(); }));
  node.change([](MadeUpChain& chain) {
    chain.events = {101};
    chain.head = 101;
  });
  ASSERT_TRUE(comes([&] { return call.done(); }));
  EXPECT_EQ(blocks_of(call), "101");
}

TEST_F(Nodes, WhatOneAnswerThrowsTakesNoOtherWithIt) {
  add();
  open();
  int answered = 0;
  on_thread([&] {
    parts_->rpc.ask("eth_chainId", "[]", [](const Answer&) { throw std::runtime_error("not as it should be"); }, 0);
    parts_->rpc.ask("eth_chainId", "[]", [&](const Answer&) { ++answered; }, 0);
    return true;
  });
  EXPECT_TRUE(comes([&] { return answered == 1 && thrown_ == 1; }));
}

TEST_F(Nodes, OneThatTakesFewAtOnceIsAskedInHalves) {
  add().change([](MadeUpChain& chain) { chain.most_batch = 3; });
  open();
  int good = 0, bad = 0;
  on_thread([&] {
    for (int i = 0; i < 100; ++i) parts_->rpc.ask("eth_chainId", "[]", [&](const Answer& answer) { ++(answer.is_good() ? good : bad); }, i % 2 == 0 ? 0 : Rpc::kAny);
    return true;
  });
  EXPECT_TRUE(comes([&] { return good + bad == 100; }));
  EXPECT_EQ(bad, 0);
}

TEST_F(Nodes, OneThatFailedIsAskedAgainAfterASecondUnlessTheParamSaysOtherwise) {
  const auto breaker = [this](const std::string& more) {
    const Settings settings(Config(host_.table(), Value::parse(R"({"endpoints":["http://127.0.0.1:1"])" + more + "}")));
    return std::string(settings.circuit_breaker.json());
  };
  EXPECT_EQ(breaker(""), R"({"reset_timeout_ms":1000})");
  EXPECT_EQ(breaker(R"(,"circuit_breaker":{"failure_threshold":2})"), R"({"failure_threshold":2,"reset_timeout_ms":1000})");
  EXPECT_EQ(breaker(R"(,"circuit_breaker":{"reset_timeout_ms":7})"), R"({"reset_timeout_ms":7})");
}

TEST_F(Nodes, WhatANodeRepeatsOfItsUrlIsHidden) {
  MadeUpNode& node = add();
  open("", "", "/v3/0123456789abcdef");
  node.change([](MadeUpChain& chain) { chain.instead["eth_chainId"] = R"("error":{"code":-32005,"message":"the project 0123456789abcdef has no credit"})"; });
  ASSERT_TRUE(comes([&] { return !parts_->watch.endpoints()[0].error.empty(); }));
  EXPECT_EQ(on_thread([&] { return parts_->watch.endpoints()[0].error; }), "the project *** has no credit");
}

// What work says of its lease. A word of 32 bytes each.
class Work : public Nodes {
 protected:
  static std::string word(uint64_t number) {
    char text[65];
    std::snprintf(text, sizeof text, "%064llx", static_cast<unsigned long long>(number));
    return text;
  }
  void open_work(const std::string& more = "") {
    open(R"(,"contracts":{"task_queue":"0x0000000000000000000000000000000000000002"})" + more);
    std::string activity = word(0x20) + word(7) + word(8) + word(9);
    activity += word(0x200) + word(0x220) + word(0x240);                                      // where input, init and result are
    activity += word(1) + word(0) + word(3) + word(4) + word(1000) + word(2000);              // from when it was created to its heartbeat
    activity += word(0) + word(1) + word(0) + word(0) + word(0) + word(0) + word(0);          // it is assigned; three that are empty
    say("getActivity", R"("result":"0x)" + activity + '"', R"(["0x)" + word(7) + "\"]");
  }
  void say(const char* function, const std::string& member, const std::string& args = "[]") {
    const std::string selector = on_thread([&] { return to_hex(parts_->settings.interface.function(function).encode_call(Value::parse(args)).substr(0, 4)); });
    nodes_[0]->change([&](MadeUpChain& chain) { chain.calls[selector] = member; });
  }
  FakeCall& read(const std::string& question = R"({"ask":"activity","activity":"0x)" + word(7) + "\"}") {
    FakeCall& call = *calls_.emplace_back(std::make_unique<FakeCall>(host_, nullptr, 0, 0));
    on_thread([&] {
      parts_->reads.read(Value::parse(question), std::make_shared<Op>(reinterpret_cast<heddle_op*>(&call)));
      return true;
    });
    EXPECT_TRUE(comes([&] { return call.done(); }));
    return call;
  }
  int64_t lease_of(const FakeCall& call) {
    return on_thread([&] { return Value::parse(call.details()).find("lease_until_unix").as_int().value_or(-1); });
  }
};

TEST_F(Work, ALeaseThatNobodySaysIsNotNone) {
  add();
  open_work();
  say("leaseSeconds", R"("error":{"code":-32005,"message":"too many requests"})");
  EXPECT_EQ(read().status(), HEDDLE_UNAVAILABLE);
  say("leaseSeconds", R"("result":"0x)" + word(60) + '"');
  FakeCall& call = read();
  EXPECT_EQ(call.status(), HEDDLE_OK) << call.why();
  EXPECT_EQ(lease_of(call), 2060);
}

TEST_F(Work, AContractWithoutLeasesHasNone) {
  add();
  open_work();
  say("leaseSeconds", R"("error":{"code":3,"message":"execution reverted"})");
  EXPECT_EQ(lease_of(read()), 0);
}

TEST_F(Work, ALeaseThatIsTooLongForAClockEndsWithIt) {
  add();
  open_work();
  say("leaseSeconds", R"("result":"0x)" + word(INT64_MAX) + '"');
  EXPECT_EQ(lease_of(read()), INT64_MAX);
}

TEST_F(Work, WhatIsNamedOtherwiseIsSaidToBeWrong) {
  add();
  interface_ = R"-(,"pollActivity":"function next(string queue, uint16 part) view returns (bytes32 activity, bool hasActivity)")-";
  open_work(R"(,"lease_s":60)");
  say("pollActivity", R"("result":"0x)" + word(7) + word(1) + '"', R"(["q",0])");
  FakeCall& call = read(R"({"ask":"offer","queue":"q"})");
  EXPECT_EQ(call.status(), HEDDLE_INVALID);
  EXPECT_NE(call.why().find("is no activity"), std::string::npos) << call.why();
}

}  // namespace
}  // namespace chain_evm
