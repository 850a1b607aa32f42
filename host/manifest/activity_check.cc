// Whether values are what an activity spec says of them.
#include <algorithm>

#include "manifest/activity_spec.h"
#include "manifest/path.h"

namespace heddle {
namespace {

constexpr size_t kMostFaults = 20;

class Check {
 public:
  void params(const std::vector<ActivityParam>& wanted, const Value& given, std::string_view what) {
    if (!given || given.kind() != HEDDLE_MAP) return fault(Path(), "the " + std::string(what) + "s must be a map, not " + (given ? describe(given) : "nothing"));
    for (const ActivityParam& param : wanted) member(param.type, given, param.name, what, Path());
    for (size_t i = 0; i < given.size(); ++i) {
      std::string_view key;
      given.at(i, &key);
      bool is_known = false;
      for (const ActivityParam& param : wanted) is_known = is_known || param.name == key;
      if (!is_known) unknown(Path(Path(), key), names_of(wanted), key, what);
    }
  }
  Result<void> outcome(const ActivityKind& activity) {
    if (faults_ == 0) return {};
    return Error("invalid", "activity \"" + activity.kind + "\": " + said_ + (faults_ > kMostFaults ? "; and " + std::to_string(faults_ - kMostFaults) + " more" : ""));
  }

 private:
  using Kind = ActivityType::Kind;

  static std::vector<std::string> names_of(const std::vector<ActivityParam>& params) {
    std::vector<std::string> names;
    for (const ActivityParam& param : params) names.push_back(param.name);
    return names;
  }
  void fault(const Path& path, const std::string& message) {
    if (++faults_ > kMostFaults) return;
    const std::string pointer = path.pointer();
    said_ += (said_.empty() ? "" : "; ") + (pointer.empty() ? "" : pointer + ": ") + message;
  }
  void unknown(const Path& path, const std::vector<std::string>& names, std::string_view key, std::string_view what) {
    const std::string near = nearest(key, names);
    fault(path, "there is no such " + std::string(what) + (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  }
  void member(const ActivityType& type, const Value& map, const std::string& name, std::string_view what, const Path& path) {
    const Path at(path, name);
    if (const Value found = map.find(name)) fits(type, found, at);
    else fault(at, "the " + std::string(what) + " is missing");
  }
  void fits(const ActivityType& type, const Value& value, const Path& path) {
    const auto wrong = [&] { fault(path, "must be " + type.text() + ", not " + describe(value)); };
    switch (type.kind) {
      case Kind::kString: return value.kind() == HEDDLE_STRING ? void() : wrong();
      case Kind::kBool: return value.kind() == HEDDLE_BOOL ? void() : wrong();
      case Kind::kInt: return is_whole(value) ? void() : wrong();
      case Kind::kList:
        if (value.kind() != HEDDLE_LIST) return wrong();
        for (size_t i = 0; i < value.size() && faults_ <= kMostFaults; ++i) fits(type.of[0], value.at(i), Path(path, i));
        return;
      case Kind::kTuple: return type.names.empty() ? fits_list(type, value, path) : fits_map(type, value, path);
    }
  }
  void fits_list(const ActivityType& type, const Value& value, const Path& path) {
    if (value.kind() != HEDDLE_LIST || value.size() != type.of.size()) return fault(path, "must be " + type.text() + ", not " + describe(value));
    for (size_t i = 0; i < type.of.size(); ++i) fits(type.of[i], value.at(i), Path(path, i));
  }
  void fits_map(const ActivityType& type, const Value& value, const Path& path) {
    if (value.kind() != HEDDLE_MAP) return fault(path, "must be " + type.text() + ", not " + describe(value));
    for (size_t i = 0; i < type.of.size(); ++i) member(type.of[i], value, type.names[i], "part", path);
    for (size_t i = 0; i < value.size(); ++i) {
      std::string_view key;
      value.at(i, &key);
      if (std::find(type.names.begin(), type.names.end(), key) == type.names.end()) unknown(Path(path, key), type.names, key, "part");
    }
  }
  // Of any size: what a chain counts may be larger than 64 bits.
  static bool is_whole(const Value& value) {
    if (value.kind() == HEDDLE_INT) return true;
    return (value.kind() == HEDDLE_FLOAT || value.kind() == HEDDLE_DECIMAL) && value.json().find_first_not_of("-0123456789") == std::string::npos;
  }

  std::string said_;
  size_t faults_ = 0;
};

}  // namespace

Result<void> check_inputs(const ActivityKind& activity, const Value& inputs) {
  Check check;
  check.params(activity.inputs, inputs, "input");
  return check.outcome(activity);
}

Result<void> check_outputs(const ActivityKind& activity, const Value& outputs) {
  Check check;
  check.params(activity.outputs, outputs, "output");
  return check.outcome(activity);
}

}  // namespace heddle
