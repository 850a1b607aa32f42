// ActivityKind specs: what kinds of work a worker process takes, and what goes into each and comes out of it. YAML, in two forms:
//
//   name: thumbnails                       task_kind: thumbnails/resize
//   version: 1.2.0                         task_version: 1.2.0
//   activities:                            inputs: [{name: image, type: string}]
//     - id: resize                         outputs: [{name: small, type: string}]
//       input_params: [{name: image, type: string, description: where it is}]
//       output_params: [{name: small, type: string}]
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/diagnostic.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

// string, bool, int; []T, a list of any length; (T, T), a list of just these, or with names, (T a, T b), a map of just these.
struct ActivityType {
  enum class Kind : uint8_t { kString, kBool, kInt, kList, kTuple };
  Kind kind = Kind::kString;
  std::vector<ActivityType> of = {};    // of a list, its one; of a tuple, each
  std::vector<std::string> names = {};  // of a tuple: as many, or none

  std::string text() const;
};
// Why not, where it is none.
Result<ActivityType> read_activity_type(std::string_view text);

struct ActivityParam {
  std::string name, description;
  ActivityType type;
};

struct ActivityKind {
  std::string kind, version;  // what a task of it is called; of an activity of a list the version is the spec's
  std::string name, description, worker;
  uint32_t workers = 1, quorum = 1;
  bool skip_on_prev_success = false, require_gpu = false;
  std::vector<ActivityParam> inputs, outputs;
};

struct ActivitySpec {
  std::string name, version;
  std::vector<ActivityKind> activities;  // no two of one kind

  const ActivityKind* find(std::string_view kind) const;
};

// `file` names the text in what is said. Nothing, if there is an error.
std::optional<ActivitySpec> read_activity_spec(std::string_view text, const std::string& file, Diagnostics& diagnostics);

// Whether these are the activity's inputs, or outputs: a map with each of them, of its type, and nothing else. The error, "invalid", says everything that is wrong, by JSON Pointer.
Result<void> check_inputs(const ActivityKind& activity, const Value& inputs);
Result<void> check_outputs(const ActivityKind& activity, const Value& outputs);

}  // namespace heddle
