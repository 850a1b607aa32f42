#include "pipeline/merge.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

// Some inputs, as queues, in front of one merge.
class Inputs {
 public:
  explicit Inputs(size_t n, MergeMode mode, std::string key = {}, uint64_t timeout_ms = 0) : edges_(n), books_(n) {
    std::vector<EdgeQueue*> all;
    std::vector<uint32_t> numbers;
    for (size_t i = 0; i < n; ++i) {
      queues_.push_back(std::make_unique<EdgeQueue>(edges_[i], books_[i]));
      all.push_back(queues_.back().get());
      numbers.push_back(static_cast<uint32_t>(i));
    }
    merge_ = std::make_unique<InputMerge>(Merge{mode, std::move(key), timeout_ms}, all, books_, numbers);
  }
  ~Inputs() {
    merge_.reset();
    queues_.clear();
  }

  void put(size_t input, const std::string& json, uint64_t sequence) {
    const RawItem item{.value = Value::parse(json)->release(), .sequence = sequence};
    EdgeBooks::add(books_[input].in, 1);
    ItemList one{item};
    ASSERT_EQ(queues_[input]->push(one), 1u);
  }
  void end(size_t input) { queues_[input]->end(); }
  EdgeQueue& queue(size_t input) { return *queues_[input]; }
  EdgeBooks& books(size_t input) { return books_[input]; }

  // What comes now, as texts.
  std::vector<std::string> pull(size_t most = 64) {
    ItemList items;
    std::vector<std::string> out;
    state = merge_->pull(most, items, &wake_at);
    for (RawItem& item : items) out.push_back(Value::adopt(item.value).json());
    return out;
  }
  std::vector<std::string> unmatched() {
    std::vector<std::string> out;
    for (auto& [item, error] : merge_->take_unmatched()) out.push_back(Value::adopt(item.value).json() + ": " + error.message);
    return out;
  }

  InputMerge::State state = InputMerge::State::kNothing;
  uint64_t wake_at = 0;

 private:
  std::vector<PipelineEdge> edges_;
  std::vector<EdgeBooks> books_;
  std::vector<std::unique_ptr<EdgeQueue>> queues_;
  std::unique_ptr<InputMerge> merge_;
};

using Texts = std::vector<std::string>;
constexpr auto kEnded = InputMerge::State::kEnded;
constexpr auto kNothing = InputMerge::State::kNothing;

TEST(InputMerge, ByArrivalTakesWhatIsThere) {
  Inputs in(2, MergeMode::kArrival);
  in.put(1, "3", 3);
  in.put(0, "1", 1);
  EXPECT_EQ(in.pull().size(), 2u);
  EXPECT_EQ(in.pull(), Texts{});
  EXPECT_EQ(in.state, kNothing);
  in.end(0);
  in.end(1);
  EXPECT_EQ(in.pull(), Texts{});
  EXPECT_EQ(in.state, kEnded);
}

TEST(InputMerge, RoundRobinTakesTurnsAndWaitsForTheOneWhoseTurnItIs) {
  Inputs in(2, MergeMode::kRoundRobin);
  in.put(0, "10", 1);
  in.put(0, "11", 2);
  in.put(1, "20", 1);
  EXPECT_EQ(in.pull(), (Texts{"10", "20", "11"}));
  in.put(0, "12", 3);
  EXPECT_EQ(in.pull(), Texts{});  // it is the turn of the second
  in.end(1);
  EXPECT_EQ(in.pull(), Texts{"12"});
  in.end(0);
  in.pull();
  EXPECT_EQ(in.state, kEnded);
}

TEST(InputMerge, BySequenceRestoresTheOrderAndDoesNotWaitForWhatHasPassed) {
  Inputs in(2, MergeMode::kBySequence);
  in.put(0, "1", 1);
  in.put(0, "4", 4);
  EXPECT_EQ(in.pull(), Texts{});  // the other may still bring an earlier one
  in.put(1, "2", 2);
  EXPECT_EQ(in.pull(), (Texts{"1", "2"}));
  in.queue(1).advance(4);
  EXPECT_EQ(in.pull(), Texts{"4"});
  in.end(0);
  in.end(1);
  in.pull();
  EXPECT_EQ(in.state, kEnded);
}

TEST(InputMerge, ZipMakesTuplesAndWhatHasNoPartnerFails) {
  Inputs in(2, MergeMode::kZip);
  in.put(0, "1", 1);
  in.put(0, "2", 2);
  in.put(1, "\"a\"", 1);
  in.end(0);
  in.end(1);
  EXPECT_EQ(in.pull(), Texts{"[1,\"a\"]"});
  EXPECT_EQ(in.pull(), Texts{});
  EXPECT_EQ(in.unmatched(), Texts{"2: no partner to zip with: another input has ended"});
  EXPECT_EQ(in.books(0).out, 1u);
  EXPECT_EQ(in.books(0).failed, 1u);
  in.pull();
  EXPECT_EQ(in.state, kEnded);
}

TEST(InputMerge, JoinMatchesByKeyInAnyOrder) {
  Inputs in(2, MergeMode::kJoin, "/id");
  in.put(0, R"({"id":1,"x":"a"})", 1);
  in.put(0, R"({"id":2})", 2);
  in.put(1, R"({"id":2,"y":"b"})", 1);
  EXPECT_EQ(in.pull(), Texts{R"([{"id":2},{"id":2,"y":"b"}])"});
  in.put(1, R"({"no":1})", 2);
  in.end(0);
  in.end(1);
  in.pull();
  EXPECT_EQ(in.unmatched(), (Texts{R"({"no":1}: cannot be joined: it has no /id)", R"({"id":1,"x":"a"}: no partner to join with: the inputs have ended)"}));
  EXPECT_EQ(in.state, kEnded);
}

TEST(InputMerge, JoinSaysWhenToLookForThoseThatWaitTooLong) {
  Inputs in(2, MergeMode::kJoin, "/id", 1'000'000);
  in.put(0, R"({"id":1})", 1);
  in.pull();
  EXPECT_EQ(in.state, kNothing);
  EXPECT_GT(in.wake_at, 0u);
  EXPECT_EQ(in.unmatched(), Texts{});
}

}  // namespace
}  // namespace heddle
