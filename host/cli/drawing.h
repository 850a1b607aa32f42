// A pipeline as boxes and arrows, before it is drawn in any format. Made from a manifest alone, or richer from a built pipeline.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "manifest/manifest.h"
#include "pipeline/pipeline.h"

namespace heddle {

struct DrawnNode {
  std::string id, type, lane;  // lane empty: not said
  uint32_t parallel = 1;
  bool is_entry = false, is_output = false, standby = false;
  static constexpr uint32_t kNoStage = UINT32_MAX;
  uint32_t stage = kNoStage;  // nodes of one stage run inline on one thread; known of a built pipeline only
};

struct DrawnEdge {
  uint32_t from = 0, to = 0;       // indices of nodes
  std::string from_port, to_port;  // empty: the only, or the unnamed one
  bool queued = false;             // known of a built pipeline only
};

struct Drawing {
  std::string name;
  std::vector<DrawnNode> nodes;
  std::vector<DrawnEdge> edges;
};

// Connections from or to nodes that are not there are left out.
Drawing draw_manifest(const Manifest& manifest);
Drawing draw_pipeline(const Pipeline& pipeline);

// The formats. Each text ends in a newline; the same drawing always gives the same text.
std::string as_dot(const Drawing& drawing);
std::string as_mermaid(const Drawing& drawing);
std::string as_svg(const Drawing& drawing);
std::string as_ascii(const Drawing& drawing);

// "eu", "eu -> left", "-> left", or empty: what to write at an arrow.
std::string edge_label(const DrawnEdge& edge);

// The colour of a lane, "#rrggbb": the same name always has the same.
struct LaneColor {
  std::string fill, border;
};
LaneColor lane_color(const std::string& lane);

}  // namespace heddle
