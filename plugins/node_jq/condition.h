// A jq program that says yes or no: answered by Comparison where that understands it, else by libjq.
#pragma once
#include <optional>

#include "comparison.h"
#include "program.h"

namespace node_jq {

// The param "vars" as JSON text.
inline std::string_view vars_json(const heddle::sdk::Config& config) {
  const heddle::sdk::ValueRef vars = config.find("vars");
  return vars ? vars.json() : "{}";
}

class Condition {
 public:
  // Throws Error (INVALID) with jq's message; `what` names the program in it.
  Condition(const heddle::sdk::Config& config, std::string_view what, const std::string& text)
      : comparison_(Comparison::parse(text, config.find("vars"))) {
    if (!comparison_) program_.emplace(what, text, vars_json(config));
  }

  bool holds_for(heddle::sdk::ValueRef input) { return comparison_ ? comparison_->holds_for(input) : program_->holds_for(input); }

 private:
  std::optional<Comparison> comparison_;
  std::optional<Program> program_;
};

}  // namespace node_jq
