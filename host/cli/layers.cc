#include "cli/layers.h"

#include <algorithm>

namespace heddle {
namespace {

constexpr size_t kMostBends = 50'000;  // beyond that, long edges go straight
constexpr int kSweeps = 6;

using Edge = std::pair<uint32_t, uint32_t>;

// The graph while it is laid out: the nodes, and after them one bend per layer that a long edge passes.
class Layering {
 public:
  Layering(uint32_t node_count, const std::vector<Edge>& edges);
  LayeredLayout result() const;

 private:
  void turn_back_edges();
  void assign_layers();
  void add_bends();
  void order_layers();
  void place_rows();
  void pull_layer(std::vector<uint32_t>& layer, const std::vector<std::vector<uint32_t>>& neighbours);

  const uint32_t node_count_;
  std::vector<Edge> edges_;                            // acyclic
  std::vector<uint32_t> layer_of_;                     // by vertex
  std::vector<std::vector<uint32_t>> bends_of_;        // by edge: vertices
  std::vector<std::vector<uint32_t>> before_, after_;  // neighbours by vertex
  std::vector<std::vector<uint32_t>> layers_;          // vertices, in order
  std::vector<double> row_of_;                         // by vertex
};

Layering::Layering(uint32_t node_count, const std::vector<Edge>& edges)
    : node_count_(node_count), edges_(edges), layer_of_(node_count), bends_of_(edges.size()) {
  turn_back_edges();
  assign_layers();
  add_bends();
  order_layers();
  place_rows();
}

// Depth-first with a stack of our own; an edge into a node that is still open closes a cycle.
void Layering::turn_back_edges() {
  std::vector<std::vector<uint32_t>> leaving(node_count_);
  for (uint32_t i = 0; i < edges_.size(); ++i) leaving[edges_[i].first].push_back(i);
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> state(node_count_, kNew);
  std::vector<size_t> next(node_count_, 0);
  std::vector<uint32_t> stack, turned;
  for (uint32_t root = 0; root < node_count_; ++root) {
    if (state[root] != kNew) continue;
    stack.push_back(root);
    state[root] = kOpen;
    while (!stack.empty()) {
      uint32_t node = stack.back();
      if (next[node] == leaving[node].size()) {
        state[node] = kDone;
        stack.pop_back();
        continue;
      }
      uint32_t edge = leaving[node][next[node]++], to = edges_[edge].second;
      if (state[to] == kOpen) {
        turned.push_back(edge);
      } else if (state[to] == kNew) {
        state[to] = kOpen;
        stack.push_back(to);
      }
    }
  }
  for (uint32_t edge : turned) std::swap(edges_[edge].first, edges_[edge].second);
}

void Layering::assign_layers() {
  std::vector<std::vector<uint32_t>> after(node_count_);
  std::vector<uint32_t> waiting(node_count_, 0), ready;
  for (const auto& [from, to] : edges_) {
    if (from == to) continue;
    after[from].push_back(to);
    ++waiting[to];
  }
  for (uint32_t i = 0; i < node_count_; ++i) {
    if (waiting[i] == 0) ready.push_back(i);
  }
  for (size_t i = 0; i < ready.size(); ++i) {
    for (uint32_t to : after[ready[i]]) {
      layer_of_[to] = std::max(layer_of_[to], layer_of_[ready[i]] + 1);
      if (--waiting[to] == 0) ready.push_back(to);
    }
  }
}

void Layering::add_bends() {
  size_t wanted = 0;
  for (const auto& [from, to] : edges_) wanted += layer_of_[to] > layer_of_[from] + 1 ? layer_of_[to] - layer_of_[from] - 1 : 0;
  std::vector<Edge> short_edges;
  for (size_t i = 0; i < edges_.size(); ++i) {
    auto [from, to] = edges_[i];
    if (from == to) continue;
    uint32_t last = from;
    if (wanted <= kMostBends) {
      for (uint32_t layer = layer_of_[from] + 1; layer < layer_of_[to]; ++layer) {
        uint32_t bend = static_cast<uint32_t>(layer_of_.size());
        layer_of_.push_back(layer);
        bends_of_[i].push_back(bend);
        short_edges.emplace_back(last, bend);
        last = bend;
      }
    }
    short_edges.emplace_back(last, to);
  }
  before_.resize(layer_of_.size());
  after_.resize(layer_of_.size());
  for (const auto& [from, to] : short_edges) {
    after_[from].push_back(to);
    before_[to].push_back(from);
  }
}

void Layering::order_layers() {
  uint32_t count = layer_of_.empty() ? 0 : *std::max_element(layer_of_.begin(), layer_of_.end()) + 1;
  layers_.resize(count);
  for (uint32_t v = 0; v < layer_of_.size(); ++v) layers_[layer_of_[v]].push_back(v);
  std::vector<double> rank(layer_of_.size()), center(layer_of_.size());
  auto number = [&](const std::vector<uint32_t>& layer) {
    for (size_t i = 0; i < layer.size(); ++i) rank[layer[i]] = static_cast<double>(i);
  };
  for (const auto& layer : layers_) number(layer);
  auto sweep = [&](std::vector<uint32_t>& layer, const std::vector<std::vector<uint32_t>>& neighbours) {
    for (uint32_t v : layer) {
      center[v] = rank[v];
      if (neighbours[v].empty()) continue;
      double sum = 0;
      for (uint32_t n : neighbours[v]) sum += rank[n];
      center[v] = sum / static_cast<double>(neighbours[v].size());
    }
    std::stable_sort(layer.begin(), layer.end(), [&](uint32_t a, uint32_t b) { return center[a] < center[b]; });
    number(layer);
  };
  for (int i = 0; i < kSweeps; ++i) {
    for (size_t l = 1; l < layers_.size(); ++l) sweep(layers_[l], before_);
    for (size_t l = layers_.size(); l-- > 1;) sweep(layers_[l - 1], after_);
  }
  // The last word has the direction that is read.
  for (size_t l = 1; l < layers_.size(); ++l) sweep(layers_[l], before_);
}

// Moves every vertex towards the middle of its neighbours, keeping the order and one row of distance: first downwards from the top, then
// the whole layer back by the mean of what it went too far.
void Layering::pull_layer(std::vector<uint32_t>& layer, const std::vector<std::vector<uint32_t>>& neighbours) {
  std::vector<double> wish(layer.size());
  for (size_t i = 0; i < layer.size(); ++i) {
    const auto& around = neighbours[layer[i]];
    double sum = 0;
    for (uint32_t n : around) sum += row_of_[n];
    wish[i] = around.empty() ? row_of_[layer[i]] : sum / static_cast<double>(around.size());
  }
  double shift = 0;
  for (size_t i = 0; i < layer.size(); ++i) {
    double lowest = i ? row_of_[layer[i - 1]] + 1 : wish[i];
    row_of_[layer[i]] = std::max(wish[i], lowest);
    shift += wish[i] - row_of_[layer[i]];
  }
  for (uint32_t v : layer) row_of_[v] += shift / static_cast<double>(layer.size());
}

void Layering::place_rows() {
  row_of_.resize(layer_of_.size());
  for (const auto& layer : layers_) {
    for (size_t i = 0; i < layer.size(); ++i) row_of_[layer[i]] = static_cast<double>(i) - static_cast<double>(layer.size() - 1) / 2;
  }
  for (int i = 0; i < kSweeps; ++i) {
    for (size_t l = 1; l < layers_.size(); ++l) pull_layer(layers_[l], before_);
    for (size_t l = layers_.size(); l-- > 1;) pull_layer(layers_[l - 1], after_);
  }
  if (row_of_.empty()) return;
  double top = *std::min_element(row_of_.begin(), row_of_.end());
  for (double& row : row_of_) row -= top;
}

LayeredLayout Layering::result() const {
  LayeredLayout out;
  auto point = [&](uint32_t v) { return LayeredLayout::Point{static_cast<double>(layer_of_[v]), row_of_[v]}; };
  for (uint32_t v = 0; v < node_count_; ++v) out.nodes.push_back(point(v));
  for (const auto& bends : bends_of_) {
    auto& points = out.bends.emplace_back();
    for (uint32_t v : bends) points.push_back(point(v));
  }
  out.columns = static_cast<uint32_t>(layers_.size());
  out.rows = row_of_.empty() ? 0 : *std::max_element(row_of_.begin(), row_of_.end()) + 1;
  return out;
}

}  // namespace

LayeredLayout lay_out(uint32_t node_count, const std::vector<std::pair<uint32_t, uint32_t>>& edges) {
  return Layering(node_count, edges).result();
}

}  // namespace heddle
