// Any bytes as a manifest, through every dialect: no crash, no endless loop; what was read is written as heddle/1, and reads again as the
// same.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "manifest/manifest.h"

namespace {

// An environment that does not depend on the machine.
const char* fake_environment(const char* name) {
  if (std::strcmp(name, "TOKEN") == 0) return "secret-token";
  if (std::strcmp(name, "TRICKY") == 0) return "${param.x}$${";
  return nullptr;
}

// What of a manifest a second reading must give again.
bool same(const heddle::Manifest& a, const heddle::Manifest& b) {
  if (a.name != b.name || a.nodes.size() != b.nodes.size() || a.connections.size() != b.connections.size() || a.input != b.input)
    return false;
  if (a.written != b.written || a.extensions != b.extensions || a.secrets != b.secrets) return false;
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    if (a.nodes[i].id != b.nodes[i].id || a.nodes[i].parallel != b.nodes[i].parallel ||
        a.nodes[i].params.json() != b.nodes[i].params.json())
      return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  heddle::ReadOptions options;
  options.environment = fake_environment;
  heddle::Diagnostics diagnostics("fuzz.json", text);
  std::optional<heddle::Manifest> manifest = heddle::read_manifest(text, "/nonexistent/fuzz.json", options, diagnostics);
  if (manifest.has_value() == diagnostics.has_errors()) std::abort();  // either a manifest or at least one error
  (void)diagnostics.text(true);
  (void)diagnostics.json();
  if (!manifest) return 0;
  heddle::check_graph(*manifest, diagnostics);

  std::string written = heddle::to_heddle1(*manifest);
  heddle::Diagnostics again("again.json", written);
  std::optional<heddle::Manifest> second = heddle::read_manifest(written, "/nonexistent/again.json", options, again);
  if (!second || !same(*manifest, *second)) std::abort();
  options.substitute = false;
  heddle::Diagnostics raw("raw.json", written);
  if (!heddle::read_manifest(written, "/nonexistent/raw.json", options, raw)) std::abort();
  return 0;
}
