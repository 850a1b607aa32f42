// What heddle/sdk/chain.h makes of a ledger: one that is final only when the test says so.
#include <gtest/gtest.h>
#include <heddle/sdk/chain.h>
#include <heddle/sdk/fake_object.h>

#include <atomic>
#include <map>

HEDDLE_PLUGIN("chain_of_test", "1.0.0", "Apache-2.0", "A ledger in memory");

namespace heddle::sdk {
namespace {

std::atomic<int64_t> blocks{0};  // what was submitted is final when there are more of them than before
std::atomic<int> told{-1};       // the descriptor that says so

void add_block() {
  ++blocks;
  const uint64_t one = 1;
  if (told < 0) return;
  EXPECT_EQ(::write(told, &one, sizeof one), static_cast<ssize_t>(sizeof one));
}

class Ledger {
 public:
  explicit Ledger(const Config& config) : is_silent_(config.get<bool>("silent", false)), opens_(config.get<bool>("opens", true)) {}
  void open() {
    if (!opens_) throw Refusal(HEDDLE_INVALID, "other-chain", "it is another chain");
    if (!is_silent_) told = news_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  }
  void close() noexcept {
    if (news_ >= 0) ::close(news_);
    told = news_ = -1;
  }
  Value read(ValueRef question) {
    if (question.find("broken")) throw Error(HEDDLE_UNAVAILABLE, "nobody answers");
    return Value::integer(blocks);
  }
  std::optional<Value> submit(std::string_view key, ValueRef) {
    if (key == "bad") throw Refusal(HEDDLE_INVALID, "reverted", "it reverts");
    const auto taken = taken_.emplace(key, blocks.load()).first;
    if (blocks == taken->second) return {};
    return Value::string(key);
  }
  Value events(ValueRef filter) {
    const int64_t first = filter.find("after").as_int().value_or(blocks);
    std::vector<Value> all;
    for (int64_t block = first; block < blocks; ++block) all.push_back(Value::integer(block));
    return Value::map({{"events", Value::list(std::move(all))}, {"cursor", Value::integer(blocks)}, {"names", filter.find("events") ? Value::share(filter.find("events")) : Value::null()}});
  }
  Value transactions(ValueRef) { return Value::integer(static_cast<int64_t>(taken_.size())); }
  int news() const noexcept { return news_; }
  void take_news() noexcept {
    uint64_t ignored;
    static_cast<void>(!::read(news_, &ignored, sizeof ignored));
  }

 private:
  const bool is_silent_, opens_;
  int news_ = -1;
  std::map<std::string, int64_t, std::less<>> taken_;
};
HEDDLE_CHAIN(Ledger, "Ledger", R"("params":{"type":"object"})");

class Chain {
 public:
  explicit Chain(FakeHost& host, const char* params = "{}") : host_(host), object_(host, HEDDLE_KIND_CHAIN, "Ledger", params) {}
  FakeCall& submit(std::string_view key) {
    const auto intent = host_.value("{}");
    return object_.begin(&heddle_chain::submit, heddle_str{key.data(), key.size()}, fake::handle(intent.value));
  }
  FakeCall& events(std::string_view filter) { return ask(&heddle_chain::events, filter); }
  const FakeCall& read(std::string_view question) { return waited(ask(&heddle_chain::read, question)); }
  const FakeCall& waited(FakeCall& asked) {
    host_.wait(asked);
    return asked;
  }
  FakeObject<heddle_chain>& object() { return object_; }

 private:
  FakeCall& ask(void (*heddle_chain::*slot)(void*, const heddle_value*, heddle_op*) HEDDLE_FN, std::string_view json) {
    const auto value = host_.value(json);
    return object_.begin(slot, fake::handle(value.value));
  }
  FakeHost& host_;
  FakeObject<heddle_chain> object_;
};

class ChainOfALedger : public testing::Test {
 protected:
  ~ChainOfALedger() override { EXPECT_EQ(host.faults(), std::vector<std::string>{}); }
  FakeHost host;
};

TEST_F(ChainOfALedger, AsksAgainForWhatIsNotFinalYet) {
  for (const char* const params : {"{}", R"({"silent":true})"}) {
    Chain chain(host, params);
    FakeCall& first = chain.submit("a");
    FakeCall& second = chain.submit("b");
    chain.read("{}");  // both were asked for before it
    add_block();
    EXPECT_EQ(chain.waited(first).details(), "\"a\"") << params;
    EXPECT_EQ(chain.waited(second).details(), "\"b\"") << params;
  }
}

TEST_F(ChainOfALedger, WaitsForEventsFromWhereItBegan) {
  Chain chain(host);
  FakeCall& waiting = chain.events(R"({"wait_ms":600000,"events":["x"]})");
  chain.read("{}");
  const std::string next = std::to_string(blocks);
  add_block();
  EXPECT_EQ(chain.waited(waiting).details(), "{\"events\":[" + next + "],\"cursor\":" + std::to_string(blocks) + ",\"names\":[\"x\"]}");
  EXPECT_EQ(chain.waited(chain.events("{}")).details().substr(0, 12), "{\"events\":[]");
  EXPECT_EQ(chain.waited(chain.events(R"({"wait_ms":1})")).details().substr(0, 12), "{\"events\":[]");
}

TEST_F(ChainOfALedger, GivesEveryFailureItsCode) {
  Chain chain(host);
  EXPECT_EQ(chain.waited(chain.submit("bad")).details(), R"({"code":"reverted"})");
  EXPECT_EQ(chain.waited(chain.submit("")).details(), R"({"code":"invalid"})");
  EXPECT_EQ(chain.waited(chain.submit(std::string(201, 'k'))).details(), R"({"code":"invalid"})");
  EXPECT_EQ(chain.read(R"({"broken":1})").details(), R"({"code":"unavailable"})");
  EXPECT_THROW(Chain(host, R"({"opens":false})"), Error);
}

TEST_F(ChainOfALedger, OwesNoAnswerAtTheEnd) {
  Chain chain(host);
  FakeCall& unwanted = chain.submit("a");
  chain.object().cancel(unwanted);
  EXPECT_EQ(chain.waited(unwanted).status(), HEDDLE_CANCELLED);
  FakeCall& left = chain.submit("a");
  chain.object().deactivate();
  EXPECT_EQ(chain.waited(left).status(), HEDDLE_CANCELLED);
  EXPECT_EQ(chain.read("{}").details(), R"({"code":"unavailable"})");
  chain.object().activate();
  EXPECT_EQ(chain.read("{}").status(), HEDDLE_OK);
}

}  // namespace
}  // namespace heddle::sdk
