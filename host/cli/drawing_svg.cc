// A drawing as a picture of its own: no other program needed.
#include <algorithm>
#include <cstdio>
#include <set>

#include "cli/drawing.h"
#include "cli/layers.h"

namespace heddle {
namespace {

constexpr double kBoxHeight = 46, kRowHeight = 74, kMargin = 24, kGap = 90, kCharWidth = 7.4, kNarrowestBox = 110;
constexpr size_t kLongestText = 40;

std::string xml(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c < 0x20 ? ' ' : static_cast<char>(c);
    }
  }
  return out;
}

// At most kLongestText characters, cut between them.
std::string shortened(const std::string& text) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (++characters > kLongestText) return text.substr(0, i) + "\xE2\x80\xA6";
  }
  return text;
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string num(double d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", d);
  return text;
}

std::string subtitle(const DrawnNode& node) {
  std::string out = node.type;
  if (node.parallel > 1) out += " \xC3\x97" + std::to_string(node.parallel);
  return out;
}

class SvgPicture {
 public:
  explicit SvgPicture(const Drawing& drawing);
  std::string text();

 private:
  struct Spot {
    double x, y;
  };
  double width_of(const DrawnNode& node) const;
  void add_stages();
  void add_edge(size_t index);
  void add_node(size_t index);
  void add_legend();
  double center_y(double row) const { return kMargin + row * kRowHeight + kRowHeight / 2; }

  const Drawing& drawing_;
  LayeredLayout layout_;
  std::vector<double> column_x_, column_width_;
  double width_ = 0, height_ = 0;
  std::string out_;
};

SvgPicture::SvgPicture(const Drawing& drawing) : drawing_(drawing) {
  std::vector<std::pair<uint32_t, uint32_t>> edges;
  for (const DrawnEdge& edge : drawing.edges) edges.emplace_back(edge.from, edge.to);
  layout_ = lay_out(static_cast<uint32_t>(drawing.nodes.size()), edges);
  column_width_.assign(layout_.columns, kNarrowestBox);
  for (size_t i = 0; i < drawing.nodes.size(); ++i) {
    double& width = column_width_[static_cast<size_t>(layout_.nodes[i].column)];
    width = std::max(width, width_of(drawing.nodes[i]));
  }
  double x = kMargin;
  for (double width : column_width_) {
    column_x_.push_back(x);
    x += width + kGap;
  }
  width_ = std::max(x - kGap + kMargin, 160.0);
  height_ = 2 * kMargin + layout_.rows * kRowHeight;
}

double SvgPicture::width_of(const DrawnNode& node) const {
  size_t longest = std::max(characters(shortened(node.id)), characters(shortened(subtitle(node))));
  return std::max(kNarrowestBox, static_cast<double>(longest) * kCharWidth + 28);
}

// Behind the boxes: a band between neighbours that run inline on one thread.
void SvgPicture::add_stages() {
  for (const DrawnEdge& edge : drawing_.edges) {
    const DrawnNode &from = drawing_.nodes[edge.from], &to = drawing_.nodes[edge.to];
    if (from.stage == DrawnNode::kNoStage || from.stage != to.stage || edge.queued) continue;
    const auto &a = layout_.nodes[edge.from], &b = layout_.nodes[edge.to];
    if (b.column != a.column + 1) continue;
    double x1 = column_x_[static_cast<size_t>(a.column)] + column_width_[static_cast<size_t>(a.column)] / 2;
    double x2 = column_x_[static_cast<size_t>(b.column)] + column_width_[static_cast<size_t>(b.column)] / 2;
    out_ += "<path d=\"M" + num(x1) + " " + num(center_y(a.row)) + " L" + num(x2) + " " + num(center_y(b.row)) +
            "\" stroke=\"#eceff1\" stroke-width=\"" + num(kBoxHeight + 14) + "\" stroke-linecap=\"round\" fill=\"none\"/>\n";
  }
}

void SvgPicture::add_edge(size_t index) {
  const DrawnEdge& edge = drawing_.edges[index];
  const auto &from = layout_.nodes[edge.from], &to = layout_.nodes[edge.to];
  auto left = [&](double column) { return column_x_[static_cast<size_t>(column)]; };
  auto right = [&](double column) { return left(column) + column_width_[static_cast<size_t>(column)]; };
  Spot start{right(from.column), center_y(from.row)}, end{left(to.column) - 7, center_y(to.row)};
  std::string path = "M" + num(start.x) + " " + num(start.y);
  Spot at = start;
  auto curve_to = [&](Spot next) {
    double middle = (at.x + next.x) / 2;
    path += " C" + num(middle) + " " + num(at.y) + " " + num(middle) + " " + num(next.y) + " " + num(next.x) + " " + num(next.y);
    at = next;
  };
  if (from.column < to.column) {
    for (const auto& bend : layout_.bends[index]) {
      curve_to({left(bend.column), center_y(bend.row)});
      path += " L" + num(right(bend.column)) + " " + num(center_y(bend.row));
      at.x = right(bend.column);
    }
  }
  curve_to(end);
  bool error = edge.from_port == "error";
  out_ += "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + (error ? "#c5221f" : "#5f6368") + "\" stroke-width=\"" +
          (edge.queued ? "2.4" : "1.2") + "\"" + (error ? " stroke-dasharray=\"5 3\"" : "") + " marker-end=\"url(#arrow)\"/>\n";
  auto label = [&](const std::string& text, double x, double y, const char* anchor) {
    if (text.empty()) return;
    out_ += "<text x=\"" + num(x) + "\" y=\"" + num(y) + "\" font-size=\"11\" text-anchor=\"" + anchor + "\" fill=\"" +
            (error ? "#c5221f" : "#3c4043") + "\" paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"3\">" + xml(shortened(text)) +
            "</text>\n";
  };
  // Near each end, on the side where the line leaves the row, so that the labels of a fan-out do not lie on each other.
  double slope = end.y == start.y ? 0 : (end.y > start.y ? 1 : -1);
  label(edge.from_port, start.x + 8, start.y - 6 + slope * 10, "start");
  label(edge.to_port, end.x - 4, end.y - 6 - slope * 10, "end");
}

void SvgPicture::add_node(size_t index) {
  const DrawnNode& node = drawing_.nodes[index];
  const auto& place = layout_.nodes[index];
  LaneColor color = lane_color(node.lane);
  double x = column_x_[static_cast<size_t>(place.column)], width = column_width_[static_cast<size_t>(place.column)];
  double y = center_y(place.row) - kBoxHeight / 2;
  out_ += "<g><title>" +
          xml(node.id + " (" + node.type + ")" + (node.lane.empty() ? "" : ", lane " + node.lane) +
              (node.stage == DrawnNode::kNoStage ? "" : ", stage " + std::to_string(node.stage + 1))) +
          "</title><rect x=\"" + num(x) + "\" y=\"" + num(y) + "\" width=\"" + num(width) + "\" height=\"" + num(kBoxHeight) +
          "\" rx=\"7\" fill=\"" + color.fill + "\" stroke=\"" + color.border + "\" stroke-width=\"" + (node.is_output ? "3" : "1.3") +
          "\"" + (node.standby ? " stroke-dasharray=\"6 4\"" : "") + "/>";
  std::string middle = num(x + width / 2);
  out_ += "<text x=\"" + middle + "\" y=\"" + num(y + 20) + "\" text-anchor=\"middle\" font-weight=\"bold\">" + xml(shortened(node.id)) +
          "</text>";
  out_ += "<text x=\"" + middle + "\" y=\"" + num(y + 36) + "\" text-anchor=\"middle\" font-size=\"11\" fill=\"#3c4043\">" +
          xml(shortened(subtitle(node))) + "</text></g>\n";
}

// Which colour is which lane, where more than the default one is used.
void SvgPicture::add_legend() {
  std::set<std::string> lanes;
  for (const DrawnNode& node : drawing_.nodes) lanes.insert(node.lane.empty() ? "default" : node.lane);
  if (lanes.size() < 2) return;
  double y = height_;
  for (const std::string& lane : lanes) {
    LaneColor color = lane_color(lane);
    out_ += "<rect x=\"" + num(kMargin) + "\" y=\"" + num(y) + "\" width=\"14\" height=\"14\" rx=\"3\" fill=\"" + color.fill +
            "\" stroke=\"" + color.border + "\"/><text x=\"" + num(kMargin + 22) + "\" y=\"" + num(y + 11) + "\" font-size=\"11\">lane " +
            xml(shortened(lane)) + "</text>\n";
    y += 22;
  }
  height_ = y + kMargin / 2;
}

std::string SvgPicture::text() {
  add_stages();
  for (size_t i = 0; i < drawing_.edges.size(); ++i) add_edge(i);
  for (size_t i = 0; i < drawing_.nodes.size(); ++i) add_node(i);
  add_legend();
  std::string head = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + num(width_) + "\" height=\"" + num(height_) +
                     "\" viewBox=\"0 0 " + num(width_) + " " + num(height_) + "\" font-family=\"sans-serif\" font-size=\"13\">\n<title>" +
                     xml(drawing_.name) +
                     "</title>\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"1\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
                     "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#5f6368\"/></marker></defs>\n"
                     "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  return head + out_ + "</svg>\n";
}

}  // namespace

std::string as_svg(const Drawing& drawing) { return SvgPicture(drawing).text(); }

}  // namespace heddle
