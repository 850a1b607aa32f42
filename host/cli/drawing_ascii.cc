// A drawing as a tree of plain ASCII text: a chain goes straight down, only a branch indents.

#include "cli/drawing.h"

namespace heddle {
namespace {

class AsciiTree {
 public:
  explicit AsciiTree(const Drawing& drawing);
  std::string text();

 private:
  // One line to be written: the node that `edge` leads to (kNone: a root), under the lines of its ancestors.
  struct Step {
    uint32_t node;
    size_t edge;
    std::string indent;  // what stands left of the node's own column
    enum { kRoot, kOnly, kBranch, kLastBranch } place;
  };
  static constexpr size_t kNone = static_cast<size_t>(-1);

  void write(const Step& step);
  std::string node_line(uint32_t node) const;

  const Drawing& drawing_;
  std::vector<std::vector<size_t>> leaving_, arriving_;  // edges by node
  std::vector<bool> written_;
  std::vector<Step> todo_;  // a stack: the depth of a pipeline is no depth of ours
  std::string out_;
};

AsciiTree::AsciiTree(const Drawing& drawing)
    : drawing_(drawing), leaving_(drawing.nodes.size()), arriving_(drawing.nodes.size()), written_(drawing.nodes.size()) {
  for (size_t i = 0; i < drawing.edges.size(); ++i) {
    leaving_[drawing.edges[i].from].push_back(i);
    arriving_[drawing.edges[i].to].push_back(i);
  }
}

std::string AsciiTree::node_line(uint32_t index) const {
  const DrawnNode& node = drawing_.nodes[index];
  std::string out = node.id + "  (" + node.type;
  if (node.parallel > 1) out += " x" + std::to_string(node.parallel);
  out += ")";
  if (!node.lane.empty() && node.lane != "default") out += "  lane " + node.lane;
  if (node.standby) out += "  standby";
  if (node.is_output) out += "  => output";
  if (arriving_[index].size() < 2) return out;
  out += "  <- ";
  for (size_t i = 0; i < arriving_[index].size(); ++i) out += (i ? ", " : "") + drawing_.nodes[drawing_.edges[arriving_[index][i]].from].id;
  return out;
}

void AsciiTree::write(const Step& step) {
  std::string label = step.edge == kNone ? "" : edge_label(drawing_.edges[step.edge]);
  std::string below = step.indent;  // what stands left of the successors
  bool again = written_[step.node];
  out_ += step.indent;
  if (step.place == Step::kBranch || step.place == Step::kLastBranch) {
    out_ += step.place == Step::kBranch ? "|-- " : "`-- ";
    below += step.place == Step::kBranch ? "|   " : "    ";
    if (!label.empty()) out_ += label + ": ";
  } else if (step.place == Step::kOnly) {
    out_ += label.empty() ? "|\n" : "| " + label + "\n";
    out_ += step.indent;
  }
  out_ += again ? drawing_.nodes[step.node].id + "  (above)\n" : node_line(step.node) + "\n";
  if (again) return;
  written_[step.node] = true;
  const std::vector<size_t>& leaving = leaving_[step.node];
  for (size_t i = leaving.size(); i-- > 0;) {
    auto place = leaving.size() == 1 ? Step::kOnly : i + 1 == leaving.size() ? Step::kLastBranch : Step::kBranch;
    todo_.push_back({drawing_.edges[leaving[i]].to, leaving[i], below, place});
  }
}

std::string AsciiTree::text() {
  // Roots first; then whatever no root reaches, so that a drawing with a cycle shows all its nodes too.
  for (int pass = 0; pass < 2; ++pass) {
    for (uint32_t i = 0; i < drawing_.nodes.size(); ++i) {
      if (written_[i] || (pass == 0 && !arriving_[i].empty())) continue;
      if (!out_.empty()) out_ += "\n";
      todo_.push_back({i, kNone, "", Step::kRoot});
      while (!todo_.empty()) {
        Step step = std::move(todo_.back());
        todo_.pop_back();
        write(step);
      }
    }
  }
  return out_;
}

}  // namespace

std::string as_ascii(const Drawing& drawing) { return AsciiTree(drawing).text(); }

}  // namespace heddle
