#include "cli/run_report.h"

#include <algorithm>
#include <csignal>
#include <vector>

#include "value/json_value.h"
#include "cli/progress.h"
#include "log.h"

namespace heddle {
namespace {

using Row = std::vector<std::string>;

// Columns as wide as their widest cell; the first is aligned left, numbers right.
std::string table(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      std::string pad(widths[i] - row[i].size(), ' ');
      out += i == 0 ? row[i] + pad : "  " + pad + row[i];
    }
    out += '\n';
  }
  return out;
}

Row counts_row(const std::string& name, const EdgeCounts& c) {
  return {name, grouped(c.in), grouped(c.out), grouped(c.filtered), grouped(c.dropped), grouped(c.failed), grouped(c.in_flight)};
}

std::string edge_table(const Pipeline& pipeline, const RunReport& report) {
  std::vector<Row> rows{{"connection", "in", "out", "filtered", "dropped", "failed", "in flight"}};
  for (size_t i = 0; i < pipeline.edges.size() && i < report.edges.size(); ++i) {
    const EdgeCounts& c = report.edges[i];
    rows.push_back(counts_row(edge_name(pipeline, pipeline.edges[i]), c));
  }
  for (size_t i = 0; i < pipeline.exits.size() && i < report.exits.size(); ++i) {
    rows.push_back(counts_row(exit_name(pipeline, pipeline.exits[i]), report.exits[i]));
  }
  return table(rows);
}

std::string node_table(const Pipeline& pipeline, const RunReport& report) {
  std::vector<Row> rows{{"node", "calls", "emitted", "completed", "filtered", "failed", "retried", "timed out", "faults"}};
  for (size_t i = 0; i < pipeline.nodes.size() && i < report.nodes.size(); ++i) {
    const NodeCounts& c = report.nodes[i];
    rows.push_back({pipeline.nodes[i].settings.id, grouped(c.calls), grouped(c.emitted), grouped(c.completed), grouped(c.filtered),
                    grouped(c.failed), grouped(c.retried), grouped(c.timed_out), grouped(c.faults)});
  }
  return table(rows);
}

// The nodes that did not run here.
std::string placement_text(const Pipeline& pipeline) {
  std::string out;
  for (const PipelineNode& node : pipeline.nodes) {
    if (node.placement == "remote") out += node.settings.id + " ran elsewhere: " + log::redacted(node.placement_reason) + "\n";
  }
  return out;
}

std::string balance_text(const Pipeline& pipeline, const RunReport& report) {
  std::string out;
  for (size_t i = 0; i < pipeline.edges.size() && i < report.edges.size(); ++i) {
    if (!report.edges[i].balanced()) out += "the counts of " + edge_name(pipeline, pipeline.edges[i]) + " do not balance\n";
  }
  for (size_t i = 0; i < pipeline.exits.size() && i < report.exits.size(); ++i) {
    if (!report.exits[i].balanced()) out += "the counts of " + exit_name(pipeline, pipeline.exits[i]) + " do not balance\n";
  }
  if (!out.empty()) return out;
  return report.balanced ? "the counts balance: in = out + filtered + dropped + failed + in flight, for every connection\n"
                         : "the counts of the run do not balance\n";
}

Value texts_json(const std::vector<std::string>& texts) {
  std::vector<Value> list;
  for (const std::string& text : texts) list.push_back(json_text(log::redacted(text)));
  return Value::list(std::move(list));
}

Value counts_json(const std::string& name, const EdgeCounts& c) {
  return json_object({{"connection", json_text(name)},
                      {"in", json_count(c.in)},
                      {"out", json_count(c.out)},
                      {"filtered", json_count(c.filtered)},
                      {"dropped", json_count(c.dropped)},
                      {"failed", json_count(c.failed)},
                      {"in_flight", json_count(c.in_flight)},
                      {"balanced", Value::boolean(c.balanced())}});
}

Value edges_json(const Pipeline& pipeline, const RunReport& report) {
  std::vector<Value> list;
  for (size_t i = 0; i < pipeline.edges.size() && i < report.edges.size(); ++i) {
    list.push_back(counts_json(edge_name(pipeline, pipeline.edges[i]), report.edges[i]));
  }
  for (size_t i = 0; i < pipeline.exits.size() && i < report.exits.size(); ++i) {
    list.push_back(counts_json(exit_name(pipeline, pipeline.exits[i]), report.exits[i]));
  }
  return Value::list(std::move(list));
}

Value nodes_json(const Pipeline& pipeline, const RunReport& report) {
  std::vector<Value> list;
  for (size_t i = 0; i < pipeline.nodes.size() && i < report.nodes.size(); ++i) {
    const NodeCounts& c = report.nodes[i];
    list.push_back(json_object({{"node", json_text(pipeline.nodes[i].settings.id)},
                                {"placement", json_text(pipeline.nodes[i].placement)},
                                {"placement_reason", json_text(log::redacted(pipeline.nodes[i].placement_reason))},
                                {"calls", json_count(c.calls)},
                                {"emitted", json_count(c.emitted)},
                                {"completed", json_count(c.completed)},
                                {"filtered", json_count(c.filtered)},
                                {"failed", json_count(c.failed)},
                                {"retried", json_count(c.retried)},
                                {"timed_out", json_count(c.timed_out)},
                                {"faults", json_count(c.faults)}}));
  }
  return Value::list(std::move(list));
}

bool is_io(const Error& error) {
  for (const Error* e = &error; e; e = e->cause.get()) {
    if (e->code == "io" || e->code == "closed-pipe") return true;
  }
  return false;
}

}  // namespace

std::string edge_name(const Pipeline& pipeline, const PipelineEdge& edge) {
  const PipelineNode& to = pipeline.nodes[edge.to];
  std::string target = to.settings.id;
  if (to.inputs.size() > 1) target += "." + to.inputs[edge.to_port];
  if (edge.from == PipelineEdge::kRunInput) return "input -> " + target;
  const PipelineNode& from = pipeline.nodes[edge.from];
  std::string source = from.settings.id;
  if (edge.from_port == PipelineEdge::kErrorPort)
    source += ".error";
  else if (from.outputs.size() > 1)
    source += "." + from.outputs[edge.from_port];
  return source + " -> " + target;
}

std::string exit_name(const Pipeline& pipeline, const PipelineExit& exit) {
  const PipelineNode& node = pipeline.nodes[exit.node];
  if (exit.port == PipelineExit::kToOutput) return node.settings.id + " -> output";
  return node.settings.id + "." + node.outputs[exit.port] + " -> nowhere";
}

uint64_t dropped_items(const Pipeline& pipeline, const RunReport& report) {
  uint64_t dropped = 0;
  for (const EdgeCounts& c : report.edges) dropped += c.dropped;
  for (size_t i = 0; i < report.exits.size(); ++i) {
    if (pipeline.exits[i].port == PipelineExit::kToOutput) dropped += report.exits[i].dropped;
  }
  return dropped;
}

std::string astray_text(const Pipeline& pipeline, const RunReport& report) {
  uint64_t astray = 0;
  std::string ports;
  for (size_t i = 0; i < report.exits.size(); ++i) {
    const PipelineExit& exit = pipeline.exits[i];
    if (exit.port == PipelineExit::kToOutput || report.exits[i].in == 0) continue;
    const PipelineNode& node = pipeline.nodes[exit.node];
    astray += report.exits[i].in;
    ports += (ports.empty() ? "" : ", ") + node.settings.id + "." + node.outputs[exit.port] + " " + grouped(report.exits[i].in);
  }
  if (astray == 0) return {};
  return grouped(astray) + (astray == 1 ? " item left by a port that leads nowhere: " : " items left by ports that lead nowhere: ") + ports;
}

std::string counts_text(const Pipeline& pipeline, const RunReport& report) {
  std::string out = grouped(report.input_items + report.source_items) + " items in, " + grouped(report.output_items + report.sink_items) + " out";
  if (report.input_errors) out += ", " + grouped(report.input_errors) + " unreadable";
  if (report.dead_letters) out += ", " + grouped(report.dead_letters) + " failed";
  if (const uint64_t dropped = dropped_items(pipeline, report)) out += ", " + grouped(dropped) + " dropped";
  if (const std::string astray = astray_text(pipeline, report); !astray.empty()) out += "; " + astray;
  return out;
}

std::string stats_text(const Pipeline& pipeline, const RunReport& report) {
  return edge_table(pipeline, report) + "\n" + node_table(pipeline, report) + "\n" + placement_text(pipeline) + balance_text(pipeline, report);
}

std::string report_json(const Pipeline& pipeline, const RunReport& report, int signal, const std::string& dead_letters,
                        const std::vector<std::string>& notes, const std::string& diagnostics) {
  std::vector<std::pair<std::string, Value>> members{{"ok", Value::boolean(report.ok)},
                                                     {"exit_code", json_count(static_cast<uint64_t>(exit_code_of(report, signal)))},
                                                     {"stopped", Value::boolean(report.stopped)},
                                                     {"duration_ms", json_count(report.duration_ns / 1'000'000)},
                                                     {"input_items", json_count(report.input_items)},
                                                     {"input_errors", json_count(report.input_errors)},
                                                     {"output_items", json_count(report.output_items)},
                                                     {"source_items", json_count(report.source_items)},
                                                     {"sink_items", json_count(report.sink_items)},
                                                     {"dead_letters", json_count(report.dead_letters)},
                                                     {"balanced", Value::boolean(report.balanced)}};
  if (!report.ok && !report.error.code.empty()) members.emplace_back("error", error_json(report.error));
  if (!dead_letters.empty()) members.emplace_back("dead_letter_file", json_text(dead_letters));
  members.emplace_back("connections", edges_json(pipeline, report));
  members.emplace_back("nodes", nodes_json(pipeline, report));
  members.emplace_back("faults", texts_json(report.faults));
  members.emplace_back("warnings", texts_json(report.warnings));
  members.emplace_back("notes", texts_json(notes));
  members.emplace_back("diagnostics", json_or_text(diagnostics));
  return json_object(std::move(members)).json();
}

ExitCode exit_code_of_start(const Error& why) {
  // What the node said when it was created or activated; an error of its library is a refused plugin.
  const std::string said = why.cause ? why.cause->code : std::string();
  for (const char* of_files : {"not-found", "denied", "exhausted"}) {
    if (said == of_files) return ExitCode::kIo;
  }
  if (is_io(why)) return ExitCode::kIo;
  return why.code == "create-failed" && said == "invalid" ? ExitCode::kManifestInvalid : ExitCode::kFailed;
}

ExitCode exit_code_of(const RunReport& report, int signal) {
  if (!report.ok && is_io(report.error)) return ExitCode::kIo;
  if (report.stopped && signal == SIGINT) return ExitCode::kInterrupted;
  if (report.stopped && signal == SIGTERM) return ExitCode::kTerminated;
  if (!report.ok) return ExitCode::kFailed;
  if (!report.balanced) return ExitCode::kInternal;
  return report.dead_letters ? ExitCode::kDeadLetters : ExitCode::kOk;
}

}  // namespace heddle
