// The formats that other programs lay out: dot and mermaid.
#include <map>

#include "cli/drawing.h"

namespace heddle {
namespace {

std::string dot_quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + "\"";
}

// Mermaid knows HTML entities, written with '#', inside quoted labels.
std::string mermaid_quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "#quot;";
        break;
      case '#':
        out += "#35;";
        break;
      case '<':
        out += "#lt;";
        break;
      case '>':
        out += "#gt;";
        break;
      case '\n':
        out += ' ';
        break;
      default:
        out += c;
    }
  }
  return out + "\"";
}

std::string title(const DrawnNode& node) {
  std::string out = node.type;
  if (node.parallel > 1) out += " x" + std::to_string(node.parallel);
  if (!node.lane.empty() && node.lane != "default") out += ", lane " + node.lane;
  if (node.standby) out += ", standby";
  return out;
}

}  // namespace

std::string as_dot(const Drawing& drawing) {
  std::string out = "digraph " + dot_quoted(drawing.name.empty() ? "pipeline" : drawing.name) + " {\n";
  out +=
      "  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", "
      "fontsize=10];\n";
  for (const DrawnNode& node : drawing.nodes) {
    LaneColor color = lane_color(node.lane);
    out += "  " + dot_quoted(node.id) + " [label=" + dot_quoted(node.id + "\n" + title(node)) + ", fillcolor=\"" + color.fill +
           "\", color=\"" + color.border + "\"";
    if (node.is_output) out += ", peripheries=2";
    if (node.standby) out += ", style=\"rounded,filled,dashed\"";
    out += "];\n";
  }
  for (const DrawnEdge& edge : drawing.edges) {
    out += "  " + dot_quoted(drawing.nodes[edge.from].id) + " -> " + dot_quoted(drawing.nodes[edge.to].id);
    std::string attributes;
    if (!edge.from_port.empty()) attributes += ", taillabel=" + dot_quoted(edge.from_port);
    if (!edge.to_port.empty()) attributes += ", headlabel=" + dot_quoted(edge.to_port);
    if (edge.from_port == "error") attributes += ", color=\"#c5221f\"";
    if (edge.queued) attributes += ", style=bold";
    if (!attributes.empty()) out += " [" + attributes.substr(2) + "]";
    out += ";\n";
  }
  return out + "}\n";
}

std::string as_mermaid(const Drawing& drawing) {
  std::string out = "flowchart LR\n";
  std::map<std::string, size_t> lanes;
  for (size_t i = 0; i < drawing.nodes.size(); ++i) {
    const DrawnNode& node = drawing.nodes[i];
    // Ids of ours: a node may be called "end", which mermaid takes for a keyword.
    std::string label = mermaid_quoted(node.id + " | " + title(node));
    out += "  n" + std::to_string(i) + (node.is_output ? "[[" + label + "]]" : "[" + label + "]");
    if (!node.lane.empty() && node.lane != "default") {
      size_t lane = lanes.emplace(node.lane, lanes.size()).first->second;
      out += ":::lane" + std::to_string(lane);
    }
    out += "\n";
  }
  for (const DrawnEdge& edge : drawing.edges) {
    std::string label = edge_label(edge);
    std::string arrow = edge.from_port == "error" ? "-.->" : edge.queued ? "==>" : "-->";
    out += "  n" + std::to_string(edge.from) + " " + arrow + (label.empty() ? "" : "|" + mermaid_quoted(label) + "|") + " n" +
           std::to_string(edge.to) + "\n";
  }
  for (const auto& [lane, number] : lanes) {
    LaneColor color = lane_color(lane);
    out += "  classDef lane" + std::to_string(number) + " fill:" + color.fill + ",stroke:" + color.border + "\n";
  }
  return out;
}

}  // namespace heddle
