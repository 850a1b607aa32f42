#include "trace.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

constexpr const char* kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, IsWrittenAsItIsRead) {
  const auto trace = read_trace(kGood, "a=1");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->high, 0x4bf92f3577b34da6u);
  EXPECT_EQ(trace->low, 0xa3ce929d0e0e4736u);
  EXPECT_EQ(trace->span, 0x00f067aa0ba902b7u);
  EXPECT_TRUE(trace->sampled);
  EXPECT_EQ(trace->state, "a=1");
  EXPECT_EQ(trace->traceparent(), kGood);
  EXPECT_EQ(trace->trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(span_id_text(trace->span), "00f067aa0ba902b7");
  EXPECT_EQ(read_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
}

TEST(TraceContext, OneThatBreaksARuleIsNone) {
  for (const char* const wrong : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bG-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
           " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
       })
    EXPECT_FALSE(read_trace(wrong)) << wrong;
}

TEST(TraceContext, OfAVersionToComeIsReadWhatIsKnown) {
  const auto trace = read_trace("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what the future brings");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->traceparent(), kGood);
  EXPECT_TRUE(read_trace("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
  EXPECT_FALSE(read_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe")->sampled) << "of the flags only one is known";
}

TEST(TraceContext, TheStateOfOthersIsHandedOnOrLeftOut) {
  const auto state = [](const std::string& said) {
    const auto trace = read_trace(kGood, said);
    return trace ? trace->state : "none";
  };
  EXPECT_EQ(state(""), "");
  EXPECT_EQ(state("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"), "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
  EXPECT_EQ(state(" a=1 ,\t, b@c-d=2 3 ,,"), "a=1,b@c-d=2 3");
  EXPECT_EQ(state("1a@b=x"), "1a@b=x");
  for (const char* const wrong : {"a", "=1", "a=", "A=1", "1a=1", "a=1,a=2", "a=1=2", "a@=1", "@a=1", "a@b@c=1", "a@1b=1", "a=\x01", "a=\xc3\xa9", "a b=1", "a =1"}) EXPECT_EQ(state(wrong), "") << wrong;
  EXPECT_EQ(state(std::string(256, 'a') + "=1"), std::string(256, 'a') + "=1");
  EXPECT_EQ(state(std::string(257, 'a') + "=1"), "");
  EXPECT_EQ(state("a=" + std::string(257, 'v')), "");
  std::string entries;
  for (int i = 0; i < 32; ++i) entries += "k" + std::to_string(i) + "=1,";
  EXPECT_NE(state(entries), "");
  EXPECT_EQ(state(entries + "more=1"), "");
}

TEST(TraceContext, AStateThatIsTooLongLosesItsLongEntriesAndThenItsLast) {
  const std::string fits = "a=" + std::string(100, 'v'), is_long = "b=" + std::string(200, 'v');
  EXPECT_EQ(read_trace(kGood, fits + ",x" + is_long + ",y" + is_long + ",z" + is_long + ",c=1")->state, fits + ",x" + is_long + ",c=1");
  std::string many, kept;
  for (int i = 0; i < 8; ++i) {
    const std::string entry = (i ? "," : "") + std::string(1, static_cast<char>('k' + i)) + "=" + std::string(100, 'v');
    many += entry;
    if (kept.size() + entry.size() <= TraceContext::kMostState) kept += entry;
  }
  EXPECT_EQ(read_trace(kGood, many)->state, kept);
}

TEST(TraceContext, APartHasAnIdOfItsOwn) {
  const TraceContext begun = new_trace(true), part = child_of(begun), other = child_of(begun);
  EXPECT_EQ(part.trace_id(), begun.trace_id());
  EXPECT_NE(part.span, begun.span);
  EXPECT_NE(part.span, other.span);
  EXPECT_TRUE(part.sampled);
  EXPECT_FALSE(child_of(new_trace(false)).sampled);
  EXPECT_NE(new_trace(true).trace_id(), begun.trace_id());
  EXPECT_EQ(read_trace(part.traceparent()), part);
}

}  // namespace
}  // namespace heddle
