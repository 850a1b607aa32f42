#include "cli/layers.h"

#include <gtest/gtest.h>

#include <cmath>

namespace heddle {
namespace {

using Edges = std::vector<std::pair<uint32_t, uint32_t>>;

void expect_no_overlap(const LayeredLayout& layout) {
  for (size_t i = 0; i < layout.nodes.size(); ++i) {
    EXPECT_GE(layout.nodes[i].row, -1e-9);
    EXPECT_LE(layout.nodes[i].row, layout.rows - 1 + 1e-9);
    for (size_t j = i + 1; j < layout.nodes.size(); ++j) {
      if (layout.nodes[i].column == layout.nodes[j].column) {
        EXPECT_GE(std::fabs(layout.nodes[i].row - layout.nodes[j].row), 1 - 1e-9) << i << " and " << j;
      }
    }
  }
}

TEST(Layers, AChainIsOneStraightRow) {
  LayeredLayout layout = lay_out(4, Edges{{0, 1}, {1, 2}, {2, 3}});
  ASSERT_EQ(layout.columns, 4u);
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(layout.nodes[i].column, i);
    EXPECT_DOUBLE_EQ(layout.nodes[i].row, 0);
  }
}

TEST(Layers, EveryEdgeGoesToTheRight) {
  Edges edges{{0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 3}, {3, 4}, {1, 4}};
  LayeredLayout layout = lay_out(5, edges);
  for (auto [from, to] : edges) EXPECT_LT(layout.nodes[from].column, layout.nodes[to].column);
  expect_no_overlap(layout);
}

TEST(Layers, ALongEdgePassesEveryLayerBetweenItsEnds) {
  LayeredLayout layout = lay_out(4, Edges{{0, 1}, {1, 2}, {2, 3}, {0, 3}});
  ASSERT_EQ(layout.bends[3].size(), 2u);
  EXPECT_EQ(layout.bends[3][0].column, 1);
  EXPECT_EQ(layout.bends[3][1].column, 2);
  EXPECT_GE(std::fabs(layout.bends[3][0].row - layout.nodes[1].row), 1 - 1e-9) << "it runs through a box";
}

TEST(Layers, AvoidableCrossingsAreAvoided) {
  // 0 -> 3 and 1 -> 2: in the order of the indices they would cross.
  LayeredLayout layout = lay_out(4, Edges{{0, 3}, {1, 2}});
  EXPECT_GT((layout.nodes[0].row - layout.nodes[1].row) * (layout.nodes[3].row - layout.nodes[2].row), 0);
}

TEST(Layers, ACycleIsDrawnToo) {
  LayeredLayout layout = lay_out(3, Edges{{0, 1}, {1, 2}, {2, 0}, {1, 1}});
  EXPECT_EQ(layout.columns, 3u);
  expect_no_overlap(layout);
}

TEST(Layers, NothingGivesNothing) {
  LayeredLayout layout = lay_out(0, {});
  EXPECT_EQ(layout.columns, 0u);
  EXPECT_EQ(layout.rows, 0);
}

TEST(Layers, AChainOfAHundredThousandNodesNeedsNoDeepStack) {
  Edges edges;
  for (uint32_t i = 0; i + 1 < 100'000; ++i) edges.emplace_back(i, i + 1);
  EXPECT_EQ(lay_out(100'000, edges).columns, 100'000u);
}

}  // namespace
}  // namespace heddle
