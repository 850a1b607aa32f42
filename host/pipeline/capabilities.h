// What nodes need of a machine, and what this one has.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "manifest/document.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

// GB are 10^9 bytes.
struct HostCapabilities {
  std::string name = "this host";  // in messages
  unsigned cores = 1;
  double memory_gb = 0;   // all of it, free or not: MemTotal of /proc/meminfo
  std::string arch;       // as uname says it: "x86_64"
  bool has_gpu = false;   // a /dev/nvidia0, or any /dev/dri/renderD*
  bool has_cuda = false;  // /dev/nvidia0
  bool has_rocm = false;  // /dev/kfd and a /dev/dri/renderD*
};

// `root` stands before /proc and /dev.
HostCapabilities read_capabilities(const std::string& root);

// [any] Those of this machine, read once.
const HostCapabilities& local_capabilities();

// {"cores","memory_gb","arch","gpu","cuda","rocm"}: as another host is told.
Value capabilities_json(const HostCapabilities& local);

// One thing that a node or its type needs, compared with this machine.
struct Need {
  std::string pointer;  // below the capabilities: "/gpu/type"
  Span span;
  std::string words;  // "4 GB of memory"
  std::string here;   // "this host has 23 GB"
  bool is_met = false;
  bool is_optional = false;  // it runs without, too
};

// The needs that `capabilities` states, a map as in a manifest: "gpu": true, a number of them or {"type", "min_memory_gb", "count",
// "required"}; "cpu": cores or {"cores", "arch"}; "memory_gb": a number. False, 0 and null ask for nothing. The error names what cannot be
// understood, and `fault` gets its place: nothing is ignored.
Result<std::vector<Need>> needs_of(const JsonNode& capabilities, const HostCapabilities& local, Span& fault);

}  // namespace heddle
