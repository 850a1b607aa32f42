#include <algorithm>
#include <utility>

#include "log.h"
#include "pipeline/build.h"
#include "pipeline/lane_config.h"
#include "pipeline/plan_words.h"

namespace heddle {
namespace {

// A name as it may stand on a terminal: without secrets and without control characters, which could steer it.
std::string plain(std::string_view text) {
  std::string out = log::redacted(text);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    const bool is_c1 = byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0;
    if (is_c1)
      out.replace(i, 2, "?");
    else if (byte < 0x20 || byte == 0x7F)
      out[i] = '?';
  }
  return out;
}

std::string counted(size_t n, std::string_view what) { return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s"); }

size_t width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, size_t to) { return text + std::string(to > width(text) ? to - width(text) : 0, ' '); }

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string plugin_of(const PipelineNode& node) {
  return node.entry.plugin ? plain(node.entry.plugin->name + " " + node.entry.plugin->version) : "not installed";
}

std::string order_words(OrderMode order, const std::string& key) {
  switch (order) {
    case OrderMode::kByKey:
      return "in order by " + plain(key);
    case OrderMode::kNone:
      return "in any order";
    case OrderMode::kStrict:
      break;
  }
  return "in strict order";
}

// How a stage runs: "inline, one thread", or what keeps it from that.
std::string stage_words(const PipelineStage& stage) {
  if (is_inline(stage) && stage.order == OrderMode::kStrict) return "inline, one thread";
  std::string out = stage.parallel > 1 ? std::to_string(stage.parallel) + " in parallel, " : "";
  out += order_words(stage.order, stage.order_key);
  if (stage.watched) out += ", item by item";
  if (stage.asynchronous) out += ", answered later";
  return out;
}

std::string retry_words(const RetrySettings& retry) {
  return "up to " + std::to_string(retry.max_attempts) + " attempts, back-off " + std::to_string(retry.initial_backoff_ms) + " ms to " +
         std::to_string(retry.max_backoff_ms) + " ms times " + number(retry.multiplier) + ", jitter " + plain(retry.jitter) + ", budget " +
         std::to_string(retry.budget_percent) + " %";
}

std::string breaker_words(const BreakerSettings& breaker) {
  return "opens after " + std::to_string(breaker.failure_threshold) + " failures in a row, tries again after " + std::to_string(breaker.reset_timeout_ms) + " ms, closes after " +
         std::to_string(breaker.success_threshold) + " successes";
}

// In which order the strategies against failure lie in each other; empty: there are none.
std::string policy_words(const PipelineNode& node) {
  if (const TypeDescriptor* const type = node.entry.type; type && type->own_policy) {  // the limiter is the transport's, or the workers' credit
    const auto if_it_has = [&](std::string_view param, const char* word) { return has_param(*type, param) ? std::string(word) + ", " : std::string(); };
    return "deadline, " + if_it_has("fallback", "fallback") + if_it_has("hedge", "hedge") + "retry, circuit breaker, calls at a time, limit of an attempt";
  }
  return node.pool ? "deadline, retry, circuit breaker, limit of an attempt" : "";
}

std::string merge_words(const Merge& merge) {
  std::string out(name_of(merge.mode));
  if (merge.mode == MergeMode::kJoin) {
    out += " by " + plain(merge.key) +
           (merge.timeout_ms > 0 ? ", waits " + std::to_string(merge.timeout_ms) + " ms" : ", waits until the inputs end");
  }
  return out;
}

class PlanText {
 public:
  PlanText(const Pipeline& pipeline, bool full) : pipeline_(pipeline), full_(full) {}

  std::string write() {
    const auto queues =
        static_cast<size_t>(std::count_if(pipeline_.edges.begin(), pipeline_.edges.end(), [](const PipelineEdge& e) { return e.queued; }));
    line("pipeline " + plain(pipeline_.name) + ": " + counted(pipeline_.nodes.size(), "node") + ", " +
         counted(pipeline_.stages.size(), "stage") + ", " + counted(queues, "queue"));
    measure();
    for (size_t i = 0; i < pipeline_.stages.size(); ++i) write_stage(pipeline_.stages[i], i + 1);
    write_standby();
    write_connections();
    if (full_) write_run();
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += text + "\n"; }

  std::string id(uint32_t node) const { return plain(pipeline_.nodes.at(node).settings.id); }

  // The columns of the node lines.
  void measure() {
    for (const PipelineNode& node : pipeline_.nodes) {
      id_width_ = std::max(id_width_, width(plain(node.settings.id)));
      type_width_ = std::max(type_width_, width(plain(node.settings.node_type)));
      plugin_width_ = std::max(plugin_width_, width(plugin_of(node)));
    }
  }

  bool follows(uint32_t from, uint32_t to) const {
    return std::any_of(pipeline_.edges.begin(), pipeline_.edges.end(), [&](const PipelineEdge& e) { return e.from == from && e.to == to; });
  }

  void write_stage(const PipelineStage& stage, size_t number) {
    std::string names;
    for (size_t i = 0; i < stage.nodes.size(); ++i) {
      if (i > 0) names += follows(stage.nodes[i - 1], stage.nodes[i]) ? " → " : ", ";
      names += id(stage.nodes[i]);
    }
    line("\nstage " + std::to_string(number) + " on lane " + plain(stage.lane) + ": " + names + "  (" + stage_words(stage) + ")");
    for (const uint32_t index : stage.nodes) write_node(pipeline_.nodes.at(index));
  }

  void write_node(const PipelineNode& node) {
    line("  " + padded(plain(node.settings.id), id_width_) + "  " + padded(plain(node.settings.node_type), type_width_) + "  " +
         padded(plugin_of(node), plugin_width_) + "  " + (node.settings.standby ? "" : plain(node.placement) + ": ") +
         plain(node.placement_reason));
    full_ ? write_all_settings(node) : write_settings(node);
  }

  void detail(const std::string& text) { line(std::string(id_width_ + 4, ' ') + text); }

  // What is not as it would be anyway.
  void write_settings(const PipelineNode& node) {
    const NodeSettings& settings = node.settings;
    if (node.timeout_ms > 0) detail("timeout: " + std::to_string(node.timeout_ms) + " ms");
    if (node.attempt_timeout_ms > 0) detail("timeout of an attempt: " + std::to_string(node.attempt_timeout_ms) + " ms");
    if (node.retry.max_attempts > 1) detail("retry: " + retry_words(node.retry));
    if (node.circuit_breaker) detail("circuit breaker: " + breaker_words(*node.circuit_breaker));
    if (const std::string order = policy_words(node); !order.empty()) detail("one within the other: " + order);
    if (settings.merge.mode != MergeMode::kArrival) detail("merge: " + merge_words(settings.merge));
    if (settings.keep_state) detail("state: kept across runs");
  }

  void write_all_settings(const PipelineNode& node) {
    const NodeSettings& settings = node.settings;
    const std::string key = settings.order == OrderMode::kByKey ? " " + plain(settings.order_key) : "";
    detail("parallel: " + std::to_string(settings.parallel) + "   order: " + std::string(name_of(settings.order)) + key);
    detail("timeout_ms: " + std::to_string(node.timeout_ms) + (node.timeout_ms == 0 ? " (none)" : "") +
           "   attempt_timeout_ms: " + std::to_string(node.attempt_timeout_ms) + (node.attempt_timeout_ms == 0 ? " (none)" : ""));
    const RetrySettings& retry = node.retry;
    detail("retry: max_attempts " + std::to_string(retry.max_attempts) + ", initial_backoff_ms " +
           std::to_string(retry.initial_backoff_ms) + ", max_backoff_ms " + std::to_string(retry.max_backoff_ms) + ", multiplier " +
           number(retry.multiplier) + ", jitter " + plain(retry.jitter) + ", budget_percent " + std::to_string(retry.budget_percent));
    detail("circuit breaker: " + (node.circuit_breaker ? breaker_words(*node.circuit_breaker) : "none"));
    if (const std::string order = policy_words(node); !order.empty()) detail("one within the other: " + order);
    detail(std::string("idempotent: ") + (node.idempotent ? "true" : "false") + "   max_batch: " + std::to_string(node.max_batch) +
           (settings.idempotency_key.empty() ? "" : "   idempotency_key: " + plain(settings.idempotency_key)));
    detail("merge: " + merge_words(settings.merge) + "   state: " + (settings.keep_state ? "keep" : "not kept"));
    detail("params: " + plain(without_secrets(settings.params).json()));
  }

  void write_standby() {
    bool first = true;
    for (const PipelineNode& node : pipeline_.nodes) {
      if (!node.settings.standby) continue;
      if (std::exchange(first, false)) line("\nstandby");
      write_node(node);
    }
  }

  std::string ends(const PipelineEdge& edge) const {
    const auto with_port = [&](uint32_t node, const std::string& port, const std::vector<std::string>& ports) {
      return id(node) + (ports.size() == 1 && port == ports[0] ? "" : "." + plain(port));
    };
    const std::string from = edge.from == PipelineEdge::kRunInput
                                 ? "the run's input"
                                 : with_port(edge.from, from_port_of(pipeline_, edge), pipeline_.nodes.at(edge.from).outputs);
    return from + " → " + with_port(edge.to, to_port_of(pipeline_, edge), pipeline_.nodes.at(edge.to).inputs);
  }

  // Queues and why they stand there; with every default, also what needs none.
  void write_connections() {
    bool first = true;
    for (const PipelineEdge& edge : pipeline_.edges) {
      if (!edge.queued && !full_) continue;
      if (std::exchange(first, false)) line(full_ ? "\nconnections" : "\nqueues");
      if (!edge.queued) {
        line("  " + ends(edge) + ": inline, no queue" + (edge.gives_original ? "; the item that failed" : ""));
        continue;
      }
      line("  " + ends(edge) + ": " + plain(edge.reason) + (edge.gives_original ? "; the item that failed" : "") + queue_words(edge));
    }
  }

  std::string queue_words(const PipelineEdge& edge) const {
    const PipelineEdge defaults;
    std::string out;
    if (full_ || edge.queue_items != defaults.queue_items || edge.queue_bytes != defaults.queue_bytes || edge.on_full != defaults.on_full) {
      out += "; at most " + std::to_string(edge.queue_items) + " items and " + std::to_string(edge.queue_bytes) +
             " bytes, on_full: " + std::string(name_of(edge.on_full));
    }
    if (edge.batch.items > 0) {
      out += "; batches of " + std::to_string(edge.batch.items) + ", waited for " + std::to_string(edge.batch.linger_ms) + " ms";
    } else if (full_) {
      out += "; no batches";
    }
    return out;
  }

  void write_run() {
    const RunSettings& run = pipeline_.run;
    if (!pipeline_.lanes.empty()) line("\nlanes");
    for (const LaneConfig& lane : pipeline_.lanes) line("  " + plain(lane.name) + ": " + lane_words(lane));
    line("\nrun");
    line("  item_deadline_ms: " + std::to_string(run.item_deadline_ms) + (run.item_deadline_ms == 0 ? " (none)" : ""));
    line("  on_error: " + std::string(name_of(run.on_error)));
    line("  drain_ms: " + std::to_string(run.drain_ms));
  }

  const Pipeline& pipeline_;
  const bool full_;
  std::string out_;
  size_t id_width_ = 0, type_width_ = 0, plugin_width_ = 0;
};

}  // namespace

std::string plan_text(const Pipeline& pipeline, bool full) { return PlanText(pipeline, full).write(); }

}  // namespace heddle
