// Any bytes as a manifest, through every dialect: no crash, no endless loop; what was read is written as heddle/1 and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "manifest/manifest.h"

namespace {

const char* no_environment(const char*) { return nullptr; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  heddle::ReadOptions options;
  options.environment = no_environment;
  heddle::Diagnostics diagnostics("fuzz.json", text);
  std::optional<heddle::Manifest> manifest = heddle::read_manifest(text, "/nonexistent/fuzz.json", options, diagnostics);
  if (manifest.has_value() == diagnostics.has_errors()) std::abort();  // either a manifest or at least one error
  (void)diagnostics.text(true);
  (void)diagnostics.json();
  if (!manifest) return 0;
  heddle::check_graph(*manifest, diagnostics);

  std::string written = heddle::to_heddle1(*manifest);
  heddle::Diagnostics again("again.json", written);
  options.substitute = false;
  if (!heddle::read_manifest(written, "/nonexistent/again.json", options, again)) std::abort();
  return 0;
}
