#include "exchange.h"

#include <gtest/gtest.h>

namespace transport_http {
namespace {

heddle_answer head(bool more) {
  heddle_answer a{};
  a.struct_size = sizeof a;
  a.more = more;
  return a;
}

TEST(Exchange, ASecondAnswerIsRefusedAndTheFirstStands) {
  Exchange exchange(2, std::make_shared<Bell>());
  EXPECT_TRUE(exchange.answer(head(false)));
  EXPECT_FALSE(exchange.answer(head(true)));
  Answer answer;
  EXPECT_EQ(exchange.take_answer(answer), Exchange::State::kAnswered);
  EXPECT_FALSE(answer.more);
  EXPECT_EQ(answer.content_type, "application/json");
}

TEST(Exchange, PartsBeyondTheWindowBreakItOff) {
  Exchange exchange(2, std::make_shared<Bell>());
  exchange.answer(head(true));
  for (uint32_t i = 0; i < Exchange::kWindow; ++i) EXPECT_TRUE(exchange.part(nullptr));
  EXPECT_FALSE(exchange.part(nullptr));
  for (uint32_t i = 0; i < Exchange::kWindow; ++i) EXPECT_EQ(exchange.take_step().kind, Step::kPart);
  EXPECT_EQ(exchange.take_step().kind, Step::kBreak);
}

TEST(Exchange, PartsOfNoStreamAreRefused) {
  Exchange unanswered(2, std::make_shared<Bell>()), whole(4, std::make_shared<Bell>()), ended(6, std::make_shared<Bell>());
  EXPECT_FALSE(unanswered.part(nullptr));
  whole.answer(head(false));
  EXPECT_FALSE(whole.part(nullptr));
  EXPECT_FALSE(whole.end(HEDDLE_OK, {}));
  ended.answer(head(true));
  EXPECT_TRUE(ended.end(HEDDLE_OK, {}));
  EXPECT_EQ(ended.take_step().kind, Step::kEnd);
  EXPECT_FALSE(ended.part(nullptr));
  EXPECT_FALSE(ended.end(HEDDLE_OK, {}));
}

TEST(Exchange, TheHostMayGiveItUpBeforeAndWhileItAnswers) {
  Exchange asked(2, std::make_shared<Bell>()), streaming(4, std::make_shared<Bell>());
  asked.cancel();
  Answer answer;
  EXPECT_EQ(asked.take_answer(answer), Exchange::State::kCancelled);
  streaming.answer(head(true));
  streaming.part(nullptr);
  streaming.cancel();
  EXPECT_EQ(streaming.take_step().kind, Step::kBreak);
}

}  // namespace
}  // namespace transport_http
