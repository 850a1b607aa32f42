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
  EXPECT_EQ(queue.push(std::span(six).subspan(4)), 2u);
  EXPECT_EQ(take(queue, 9), (std::vector<int64_t>{3, 4, 5, 6}));
  EXPECT_EQ(books.dropped, 0u);
}

TEST(EdgeQueue, DropsTheNewestWhereAsked) {
  const PipelineEdge e = edge(2, OnFull::kDropNewest);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  EXPECT_EQ(queue.push(items(1, 5)), 5u);
  EXPECT_EQ(books.dropped, 3u);
  EXPECT_EQ(take(queue, 9), (std::vector<int64_t>{1, 2}));
}

TEST(EdgeQueue, DropsTheOldestWhereAsked) {
  const PipelineEdge e = edge(2, OnFull::kDropOldest);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  EXPECT_EQ(queue.push(items(1, 5)), 5u);
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

TEST(EdgeQueue, KnowsItsEndAndWhatHasPassed) {
  const PipelineEdge e = edge(4, OnFull::kBlock);
  EdgeBooks books;
  EdgeQueue queue(e, books);
  queue.push(items(7, 1));
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
  EXPECT_EQ(queue.push(items(8, 2)), 2u);
  EXPECT_EQ(books.dropped, 3u);
  EXPECT_EQ(queue.look().items, 0u);
}

}  // namespace
}  // namespace heddle
