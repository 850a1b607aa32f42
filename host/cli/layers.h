// A layered layout of a directed graph, left to right: which column and which height every node has, and through which points every edge
// goes.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace heddle {

struct LayeredLayout {
  struct Point {
    double column = 0;  // the layer
    double row = 0;     // in units of one row, from 0
  };
  std::vector<Point> nodes;
  std::vector<std::vector<Point>> bends;  // per edge: where it passes the layers between its ends, in order
  uint32_t columns = 0;
  double rows = 0;
};

// Layers by longest path; few crossings by barycentres; rows near those of the neighbours. Edges that close a cycle are laid out as if they
// were turned round. Deterministic. Takes time and room in proportion to nodes plus edges, long edges counted per layer up to a limit.
LayeredLayout lay_out(uint32_t node_count, const std::vector<std::pair<uint32_t, uint32_t>>& edges);

}  // namespace heddle
