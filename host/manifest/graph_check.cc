#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "manifest/manifest.h"

namespace heddle {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// The connections by node index, in one block of memory per direction.
struct Graph {
  struct Edge {
    uint32_t to, connection;
  };
  std::vector<uint32_t> first;  // of node i: edges [first[i], first[i + 1])
  std::vector<Edge> edges;

  std::span<const Edge> out(uint32_t node) const { return {edges.data() + first[node], edges.data() + first[node + 1]}; }
};

class GraphCheck {
 public:
  GraphCheck(const Manifest& m, Diagnostics& diagnostics) : m_(m), diagnostics_(diagnostics) {
    index_.reserve(m.nodes.size());
    for (uint32_t i = 0; i < m.nodes.size(); ++i) {
      if (!m.nodes[i].id.empty()) index_.emplace(m.nodes[i].id, i);
    }
    for (const Connection& c : m.connections) {
      ends_.push_back({index_of(c.from_node), index_of(c.to_node)});
      has_gaps_ = has_gaps_ || !ends_.back().known();
    }
    has_gaps_ = has_gaps_ || index_.size() < m.nodes.size();
  }

  void run() {
    check_connections();
    build();
    find_cycles();
    check_nodes();
  }

 private:
  struct Ends {
    uint32_t from, to;
    bool known() const { return from != kNone && to != kNone; }
  };

  uint32_t index_of(const std::string& id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? kNone : found->second;
  }

  void add(Severity severity, std::string code, std::string pointer, Span span, std::string message, std::string hint = {}) {
    diagnostics_.add({severity, std::move(code), std::move(pointer), span, std::move(message), std::move(hint)});
  }

  void check_connections() {
    std::unordered_map<std::string, size_t> first;
    first.reserve(m_.connections.size());
    for (size_t i = 0; i < m_.connections.size(); ++i) {
      const Connection& c = m_.connections[i];
      if (!ends_[i].known()) continue;
      if (ends_[i].from == ends_[i].to)
        add(Severity::kError, "self-connection", c.pointer, c.span, "the node \"" + c.from_node + "\" is connected to itself");
      std::string key = c.from_node + '\n' + c.from_port + '\n' + c.to_node + '\n' + c.to_port;
      if (auto [it, is_new] = first.emplace(std::move(key), i); !is_new) {
        add(Severity::kError, "duplicate-connection", c.pointer, c.span, "this connection stands twice; every item would come twice",
            "the first is " + m_.connections[it->second].pointer);
      }
    }
  }

  void build() {
    graph_.first.assign(m_.nodes.size() + 1, 0);
    for (const Ends& e : ends_) {
      if (e.known()) ++graph_.first[e.from + 1];
    }
    for (size_t i = 1; i < graph_.first.size(); ++i) graph_.first[i] += graph_.first[i - 1];
    graph_.edges.resize(graph_.first.back());
    std::vector<uint32_t> next(graph_.first.begin(), graph_.first.end() - 1);
    for (uint32_t i = 0; i < ends_.size(); ++i) {
      if (ends_[i].known()) graph_.edges[next[ends_[i].from]++] = {ends_[i].to, i};
    }
  }

  // Tarjan's strongly connected components, without recursion.
  void find_cycles() {
    const uint32_t n = static_cast<uint32_t>(m_.nodes.size());
    std::vector<uint32_t> order(n, kNone), low(n, 0), stack;
    std::vector<bool> on_stack(n, false);
    component_.assign(n, kNone);
    struct Frame {
      uint32_t node, edge;
    };
    std::vector<Frame> path;
    uint32_t counter = 0, components = 0;
    auto enter = [&](uint32_t node) {
      order[node] = low[node] = counter++;
      stack.push_back(node);
      on_stack[node] = true;
      path.push_back({node, graph_.first[node]});
    };
    for (uint32_t root = 0; root < n; ++root) {
      if (order[root] != kNone) continue;
      enter(root);
      while (!path.empty()) {
        Frame& top = path.back();
        const uint32_t node = top.node;
        if (top.edge < graph_.first[node + 1]) {
          const uint32_t to = graph_.edges[top.edge++].to;
          if (order[to] == kNone)
            enter(to);
          else if (on_stack[to])
            low[node] = std::min(low[node], order[to]);
          continue;
        }
        path.pop_back();
        if (!path.empty()) low[path.back().node] = std::min(low[path.back().node], low[node]);
        if (low[node] != order[node]) continue;
        uint32_t size = 0, least = node, member;
        do {
          member = stack.back();
          stack.pop_back();
          on_stack[member] = false;
          component_[member] = components;
          least = std::min(least, member);
          ++size;
        } while (member != node);
        ++components;
        if (size > 1) report_cycle(least);
      }
    }
  }

  // The shortest cycle through `start` inside its component.
  void report_cycle(uint32_t start) {
    if (diagnostics_.errors() >= Diagnostics::kMax) return add(Severity::kError, "cycle", "", {}, "");
    std::unordered_map<uint32_t, Graph::Edge> came_by;  // node → {the node before, connection}
    std::vector<uint32_t> queue{start};
    for (size_t i = 0; i < queue.size() && !came_by.contains(start); ++i) {
      for (const Graph::Edge& e : graph_.out(queue[i])) {
        if (component_[e.to] != component_[start] || e.to == queue[i]) continue;
        if (came_by.emplace(e.to, Graph::Edge{queue[i], e.connection}).second && e.to != start) queue.push_back(e.to);
      }
    }
    std::vector<uint32_t> cycle{start};
    const Connection& closing = m_.connections[came_by.at(start).connection];
    for (uint32_t node = came_by.at(start).to; node != start; node = came_by.at(node).to) cycle.push_back(node);
    cycle.push_back(start);
    std::reverse(cycle.begin(), cycle.end());
    std::string text;
    constexpr size_t kShown = 12;
    for (size_t i = 0; i < cycle.size(); ++i) {
      if (cycle.size() > kShown && i == kShown - 2) {
        text += " → … (" + std::to_string(cycle.size() - kShown + 1) + " more)";
        i = cycle.size() - 1;
      }
      text += (i == 0 ? "" : " → ") + m_.nodes[cycle[i]].id;
    }
    add(Severity::kError, "cycle", closing.pointer, closing.span, "the nodes form a cycle: " + text,
        "items can only flow forward; remove this connection or another of the cycle");
  }

  void check_nodes() {
    std::vector<bool> is_connected(m_.nodes.size(), false);
    for (const Ends& e : ends_) {
      if (e.from != kNone) is_connected[e.from] = true;
      if (e.to != kNone) is_connected[e.to] = true;
    }
    const bool has_standby = std::any_of(m_.nodes.begin(), m_.nodes.end(), [](const NodeSettings& n) { return n.standby; });
    const std::unordered_set<std::string_view> named = has_standby ? names_in_params() : std::unordered_set<std::string_view>();
    for (size_t i = 0; i < m_.nodes.size(); ++i) {
      const NodeSettings& n = m_.nodes[i];
      if (n.standby) {
        check_standby(n, is_connected[i], named.contains(n.id));
      } else if (!is_connected[i] && m_.nodes.size() > 1 && !has_gaps_ && !m_.worker) {
        add(Severity::kWarning, "isolated-node", n.pointer, n.id_span, "the node \"" + n.id + "\" has no connections",
            "it gets the run's input and its output is the run's; is that meant?");
      }
    }
  }

  void check_standby(const NodeSettings& n, bool is_connected, bool is_named) {
    const std::string subject = "the standby node \"" + n.id + "\" ";
    if (is_connected) {
      add(Severity::kError, "connected-standby", n.pointer, n.id_span, subject + "has connections",
          "it only runs in the place of the node that names it as its fallback");
    } else if (!is_named && !has_gaps_) {
      add(Severity::kWarning, "unused-standby", n.pointer, n.id_span, subject + "is named by no other node",
          "name it as a \"fallback\", or remove it");
    }
    if (n.is_output_node) {
      add(Severity::kWarning, "standby-output", n.pointer + "/is_output_node", n.span_of("is_output_node"),
          subject + "is marked as an output", "its results leave where those of the node it stands in for do");
    }
  }

  // Every string in a node's params may be the name of a standby node; only the node type knows.
  std::unordered_set<std::string_view> names_in_params() const {
    std::unordered_set<std::string_view> out;
    std::vector<const JsonNode*> left;
    for (const NodeSettings& n : m_.nodes) {
      if (!n.placement_fallback.empty()) out.insert(n.placement_fallback);
      left.push_back(&n.params);
    }
    while (!left.empty()) {
      const JsonNode* node = left.back();
      left.pop_back();
      if (node->kind == JsonKind::kString) out.insert(node->text);
      for (const JsonNode& item : node->items) left.push_back(&item);
      for (const JsonNode::Member& m : node->members) left.push_back(&m.value);
    }
    return out;
  }

  const Manifest& m_;
  Diagnostics& diagnostics_;
  std::unordered_map<std::string_view, uint32_t> index_;
  std::vector<Ends> ends_;  // of each connection
  bool has_gaps_ = false;   // some connection leads nowhere, or some node has no id of its own: what seems unused may only be named wrongly
  Graph graph_;
  std::vector<uint32_t> component_;
};

}  // namespace

void check_graph(const Manifest& manifest, Diagnostics& diagnostics) { GraphCheck(manifest, diagnostics).run(); }

}  // namespace heddle
