// Any bytes as an activity spec: a spec or at least one error; every type of it is read as it is written; and any bytes as inputs are judged.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "manifest/activity_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  heddle::Diagnostics diagnostics("fuzz.yaml", text);
  const auto spec = heddle::read_activity_spec(text, "fuzz.yaml", diagnostics);
  if (spec.has_value() == diagnostics.has_errors()) std::abort();
  (void)diagnostics.text(true);
  (void)diagnostics.json();
  if (!spec) return 0;
  const auto inputs = heddle::Value::parse(text);
  for (const heddle::ActivityKind& activity : spec->activities) {
    if (inputs) (void)heddle::check_inputs(activity, *inputs);
    for (const heddle::ActivityParam& param : activity.inputs) {
      const auto again = heddle::read_activity_type(param.type.text());
      if (!again || again->text() != param.type.text()) std::abort();
    }
  }
  return 0;
}
