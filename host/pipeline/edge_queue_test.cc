#include "pipeline/edge_queue.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

struct Woken : Wakeable {
  void wake() noexcept override { ++times; }
  int times = 0;
};

ItemList items(int from, int n) {
  ItemList out;
  for (int i = 0; i < n; ++i) out.push_back({.value = Value::integer(from + i).release(), .sequence = static_cast<uint64_t>(from + i)});
  return out;
}

size_t push(EdgeQueue& queue, ItemList all) { return queue.push(all); }

std::vector<int64_t> take(EdgeQueue& queue, size_t most) {
  ItemList out;
  queue.pop(most, out);
  std::vector<int64_t> values;
  for (RawItem& item : out) values.push_back(*Value::adopt(item.value).as_int());
  return values;
}

PipelineEdge edge(uint64_t most, OnFull on_full) {
  PipelineEdge e;
  e.queue_items = most;
  e.on_full = on_full;
  return e;
}

TEST(EdgeQueue, BlocksWhenFullAndWakesTheProducerWhenHalfIsFree) {
  const PipelineEdge e = edge(4, OnFull::kBlock);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  Woken producer, consumer;
  queue.producer = &producer;
  queue.consumer = &consumer;
  ItemList six = items(1, 6);
  EXPECT_EQ(queue.push(six), 4u);
  EXPECT_EQ(consumer.times, 1);
  EXPECT_EQ(take(queue, 1), std::vector<int64_t>{1});
  EXPECT_EQ(producer.times, 0);
  EXPECT_EQ(take(queue, 1), std::vector<int64_t>{2});
  EXPECT_EQ(producer.times, 1);
  EXPECT_EQ(queue.push(six, 4), 2u);
  EXPECT_EQ(take(queue, 9), (std::vector<int64_t>{3, 4, 5, 6}));
  EXPECT_EQ(books.dropped, 0u);
}

TEST(EdgeQueue, DropsTheNewestWhereAsked) {
  const PipelineEdge e = edge(2, OnFull::kDropNewest);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  EXPECT_EQ(push(queue, items(1, 5)), 5u);
  EXPECT_EQ(books.dropped, 3u);
  EXPECT_EQ(take(queue, 9), (std::vector<int64_t>{1, 2}));
}

TEST(EdgeQueue, DropsTheOldestWhereAsked) {
  const PipelineEdge e = edge(2, OnFull::kDropOldest);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  EXPECT_EQ(push(queue, items(1, 5)), 5u);
  EXPECT_EQ(books.dropped, 3u);
  EXPECT_EQ(take(queue, 9), (std::vector<int64_t>{4, 5}));
}

TEST(EdgeQueue, IsBoundedInBytesButTakesOneItemOfAnyWeight) {
  PipelineEdge e;
  e.queue_bytes = 1000;
  EdgeBooks books;
  EdgeQueue queue(e, books);
  ItemList large;
  for (int i = 0; i < 2; ++i) large.push_back({.value = Value::string(std::string(5000, 'x'))->release()});
  EXPECT_EQ(queue.push(large), 1u);
  large[1].drop();
}

TEST(EdgeQueue, TakesALongListAsItIsAndGivesItAsItIs) {
  const PipelineEdge e = edge(1000, OnFull::kBlock);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  push(queue, items(1, 3));
  ItemList many = items(4, 200);
  const RawItem* const memory = many.data();
  EXPECT_EQ(queue.push(many), 200u);
  EXPECT_TRUE(many.empty());
  EXPECT_EQ(take(queue, 3), (std::vector<int64_t>{1, 2, 3}));
  ItemList out;
  EXPECT_EQ(queue.pop(500, out), 200u);
  EXPECT_EQ(out.data(), memory);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(*Value::adopt(out[i].value).as_int(), static_cast<int64_t>(4 + i));
}

TEST(EdgeQueue, CountsBytesAlsoWhereABoxIsGivenInParts) {
  PipelineEdge e = edge(1000, OnFull::kBlock);
  e.queue_bytes = 100'000;
  EdgeBooks books;
  EdgeQueue queue(e, books);
  ItemList many;
  for (int i = 0; i < 90; ++i) many.push_back({.value = Value::string(std::string(1000, 'x'))->release()});
  ASSERT_EQ(queue.push(many), 90u);
  const auto room = [&] {
    ItemList more;
    for (int i = 0; i < 200; ++i) more.push_back({.value = Value::string(std::string(1000, 'x'))->release()});
    const size_t taken = queue.push(more);
    for (size_t i = taken; i < more.size(); ++i) more[i].drop();
    return taken;
  };
  EXPECT_LT(room(), 10u);
  ItemList out;
  for (int i = 0; i < 45; ++i) queue.pop(1, out);
  const size_t half = room();
  EXPECT_GT(half, 40u);
  EXPECT_LT(half, 50u);
  while (queue.pop(7, out) > 0) {
  }
  for (RawItem& item : out) item.drop();
  const size_t whole = room();
  EXPECT_GT(whole, 90u);
  EXPECT_LT(whole, 100u);
}

TEST(EdgeQueue, KnowsItsEndAndWhatHasPassed) {
  const PipelineEdge e = edge(4, OnFull::kBlock);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  push(queue, items(7, 1));
  queue.advance(9);
  queue.advance(3);
  queue.end();
  const auto look = queue.look();
  EXPECT_TRUE(look.ended);
  EXPECT_EQ(look.items, 1u);
  EXPECT_EQ(look.first_sequence, 7u);
  EXPECT_EQ(look.passed, 9u);
  queue.discard();
  EXPECT_EQ(books.dropped, 1u);
  EXPECT_EQ(push(queue, items(8, 2)), 2u);
  EXPECT_EQ(books.dropped, 3u);
  EXPECT_EQ(queue.look().items, 0u);
}

}  // namespace
}  // namespace heddle
