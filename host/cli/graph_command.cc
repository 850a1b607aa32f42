#include "cli/console.h"
#include "cli/drawing.h"
#include "cli/failure.h"
#include "value/json_value.h"
#include "cli/prepare.h"
#include "cli/source_file.h"
#include "cli/verbs.h"

namespace heddle {
namespace {

std::string in_format(const Drawing& drawing, GraphFormat format) {
  switch (format) {
    case GraphFormat::kDot:
      return as_dot(drawing);
    case GraphFormat::kMermaid:
      return as_mermaid(drawing);
    case GraphFormat::kSvg:
      return as_svg(drawing);
    case GraphFormat::kAscii:
      break;
  }
  return as_ascii(drawing);
}

std::string as_json(const Drawing& drawing) {
  std::vector<Value> nodes, edges;
  for (const DrawnNode& node : drawing.nodes) {
    nodes.push_back(json_object({{"id", json_text(node.id)},
                                 {"type", json_text(node.type)},
                                 {"lane", json_text(node.lane)},
                                 {"entry", Value::boolean(node.is_entry)},
                                 {"output", Value::boolean(node.is_output)},
                                 {"standby", Value::boolean(node.standby)},
                                 {"stage", node.stage == DrawnNode::kNoStage ? Value::null() : json_count(node.stage)}}));
  }
  for (const DrawnEdge& edge : drawing.edges) {
    edges.push_back(json_object({{"from", json_text(drawing.nodes[edge.from].id)},
                                 {"from_port", json_text(edge.from_port)},
                                 {"to", json_text(drawing.nodes[edge.to].id)},
                                 {"to_port", json_text(edge.to_port)},
                                 {"queued", Value::boolean(edge.queued)}}));
  }
  return json_object(
             {{"name", json_text(drawing.name)}, {"nodes", Value::list(std::move(nodes))}, {"connections", Value::list(std::move(edges))}})
             .json() +
         "\n";
}

}  // namespace

ExitCode graph_command(const GraphArguments& arguments, const GeneralArguments& general) {
  Result<std::string> text = read_source(arguments.manifest.path);
  if (!text) return fail_with(ExitCode::kIo, text.error(), general.json);
  // Richer with the plugins, but the absence of one, or of a variable, keeps nobody from seeing the graph.
  Prepared full = prepare_text(*text, arguments.manifest, general, CheckLevel::kEnvironment);
  Drawing drawing;
  if (full.ok() && full.pipeline) {
    drawing = draw_pipeline(*full.pipeline);
  } else {
    Prepared plain = prepare_text(*text, arguments.manifest, general, CheckLevel::kSyntax);
    ExitCode code = report_problems(plain, general);
    if (code != ExitCode::kOk) return code;
    drawing = draw_manifest(*plain.manifest);
  }
  return print(general.json ? as_json(drawing) : in_format(drawing, arguments.format)) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
