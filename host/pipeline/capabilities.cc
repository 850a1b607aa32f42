#include "pipeline/capabilities.h"

#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <thread>

#include "value/json_value.h"

namespace heddle {
namespace {

// "4", "0.5", "23": at most one digit after the point.
std::string number_text(double n) {
  char text[32];
  std::snprintf(text, sizeof text, std::abs(n - std::round(n)) < 0.05 ? "%.0f" : "%.1f", n);
  return text;
}

std::string gb(double n) { return number_text(n) + " GB"; }

bool has_render_node(const std::string& root) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(root + "/dev/dri", error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with("renderD")) return true;
  }
  return false;
}

// Reads the needs of one "capabilities" map. After the first failure nothing more is read.
class NeedReader {
 public:
  NeedReader(const HostCapabilities& local, Span& fault) : local_(local), fault_(fault) {}

  Result<std::vector<Need>> read(const JsonNode& capabilities) {
    if (capabilities.kind == JsonKind::kNull) return std::vector<Need>();
    if (!known_keys(capabilities, "capabilities", {"gpu", "cpu", "memory_gb"})) return *error_;
    read_memory(capabilities.find("memory_gb"));
    read_cpu(capabilities.find("cpu"));
    read_gpu(capabilities.find("gpu"));
    if (error_) return *error_;
    return std::move(needs_);
  }

 private:
  static bool asks(const JsonNode* value) { return value && value->kind != JsonKind::kNull; }

  void fail(Span span, std::string message) {
    if (error_) return;
    error_ = Error("bad-capability", std::move(message), ErrorClass::kConfig);
    fault_ = span;
  }

  // False and an error if `map` is none, or has another key.
  bool known_keys(const JsonNode& map, const std::string& name, std::initializer_list<std::string_view> keys) {
    if (map.kind != JsonKind::kMap) {
      fail(map.span, "\"" + name + "\" is not a map of capabilities");
      return false;
    }
    for (const JsonNode::Member& member : map.members) {
      bool known = member.key.starts_with("x-");
      std::string list;
      for (std::string_view key : keys) {
        known = known || key == member.key;
        list += (list.empty() ? "\"" : ", \"") + std::string(key) + "\"";
      }
      if (known) continue;
      fail(member.key_span, "what \"" + member.key + "\" in \"" + name + "\" asks for is not known; known: " + list);
      return false;
    }
    return true;
  }

  // A number of at least 0; 0 where it is absent or an error.
  double amount(const JsonNode* value, const std::string& name) {
    if (!asks(value)) return 0;
    double n = 0;
    const char* const end = value->text.data() + value->text.size();
    if (value->kind == JsonKind::kNumber && std::from_chars(value->text.data(), end, n).ptr == end && n >= 0) return n;
    fail(value->span, "\"" + name + "\" must be a number, 0 or more");
    return 0;
  }

  void need(const JsonNode& value, std::string pointer, std::string words, std::string here, bool is_met, bool is_optional = false) {
    needs_.push_back({std::move(pointer), value.span, std::move(words), std::move(here), is_met, is_optional});
  }

  void read_memory(const JsonNode* value) {
    const double n = amount(value, "memory_gb");
    if (n > 0) need(*value, "/memory_gb", gb(n) + " of memory", local_.name + " has " + gb(local_.memory_gb), local_.memory_gb >= n);
  }

  void read_cpu(const JsonNode* value) {
    if (!asks(value) || value->kind == JsonKind::kBool) return;  // every host has one
    if (value->kind != JsonKind::kMap) return need_cores(*value, "/cpu", "cpu");
    if (!known_keys(*value, "cpu", {"cores", "arch"})) return;
    if (const JsonNode* cores = value->find("cores")) need_cores(*cores, "/cpu/cores", "cores");
    const JsonNode* arch = value->find("arch");
    if (!asks(arch)) return;
    if (arch->kind != JsonKind::kString) return fail(arch->span, "\"arch\" must be a text");
    need(*arch, "/cpu/arch", "a CPU of the kind " + arch->text, local_.name + " is " + local_.arch, arch->text == local_.arch);
  }

  void need_cores(const JsonNode& value, std::string pointer, const std::string& name) {
    const double n = amount(&value, name);
    if (n <= 0) return;
    const auto words = [](double cores) { return number_text(cores) + (cores == 1 ? " CPU core" : " CPU cores"); };
    need(value, std::move(pointer), words(n), local_.name + " has " + std::to_string(local_.cores), local_.cores >= n);
  }

  void read_gpu(const JsonNode* value) {
    const std::string here = has_or_not(local_.has_gpu);
    if (!asks(value) || (value->kind == JsonKind::kBool && !value->boolean)) return;
    if (value->kind == JsonKind::kBool) return need(*value, "/gpu", "a GPU", here, local_.has_gpu);
    if (value->kind != JsonKind::kMap) return need_gpus(*value, "/gpu", "gpu");
    if (!known_keys(*value, "gpu", {"type", "min_memory_gb", "count", "required"})) return;
    const JsonNode* required = value->find("required");
    if (asks(required) && required->kind != JsonKind::kBool) return fail(required->span, "\"required\" must be true or false");
    const bool is_optional = asks(required) && !required->boolean;
    if (const JsonNode* type = value->find("type"); asks(type))
      need_gpu_type(*type, is_optional);
    else
      need(*value, "/gpu", "a GPU", here, local_.has_gpu, is_optional);
    if (const JsonNode* count = value->find("count")) need_gpus(*count, "/gpu/count", "count", is_optional);
    const JsonNode* memory = value->find("min_memory_gb");
    const double n = amount(memory, "min_memory_gb");
    // No file tells it for every driver. A GPU that turns out to be too small fails the node's activation, by name.
    if (n > 0) need(*memory, "/gpu/min_memory_gb", gb(n) + " of GPU memory", "which cannot be seen from here", true, is_optional);
  }

  void need_gpus(const JsonNode& value, std::string pointer, const std::string& name, bool is_optional = false) {
    const double n = amount(&value, name);
    if (n <= 0) return;
    if (n > 1) return fail(value.span, "how many GPUs a host has is not known here: \"" + name + "\" can be 0 or 1");
    need(value, std::move(pointer), "a GPU", has_or_not(local_.has_gpu), local_.has_gpu, is_optional);
  }

  void need_gpu_type(const JsonNode& type, bool is_optional) {
    if (type.kind != JsonKind::kString) return fail(type.span, "the \"type\" of a GPU must be a text");
    bool has = false;
    if (type.text == "any")
      has = local_.has_gpu;
    else if (type.text == "cuda" || type.text == "nvidia")
      has = local_.has_cuda;
    else if (type.text == "rocm" || type.text == "amd")
      has = local_.has_rocm;
    else if (type.text != "metal")
      return fail(type.span, "the GPU type \"" + type.text + "\" is not known; known: any, cuda, nvidia, rocm, amd, metal");
    need(type, "/gpu/type", type.text == "any" ? "a GPU" : "a GPU for " + type.text, has_or_not(has), has,
         is_optional);
  }

  std::string has_or_not(bool has) const { return local_.name + (has ? " has one" : " has none"); }

  const HostCapabilities& local_;
  Span& fault_;
  std::vector<Need> needs_;
  std::optional<Error> error_;
};

}  // namespace

HostCapabilities read_capabilities(const std::string& root) {
  HostCapabilities local;
  local.cores = std::max(1u, std::thread::hardware_concurrency());
  std::ifstream meminfo(root + "/proc/meminfo");
  std::string key;
  for (double kib = 0; meminfo >> key >> kib; meminfo.ignore(256, '\n')) {
    if (key != "MemTotal:") continue;
    local.memory_gb = kib * 1024 / 1e9;
    break;
  }
  if (utsname name; uname(&name) == 0) local.arch = name.machine;
  std::error_code error;
  const bool render = has_render_node(root);
  local.has_cuda = std::filesystem::exists(root + "/dev/nvidia0", error);
  local.has_rocm = render && std::filesystem::exists(root + "/dev/kfd", error);
  local.has_gpu = render || local.has_cuda;
  return local;
}

const HostCapabilities& local_capabilities() {
  static const HostCapabilities local = read_capabilities("");
  return local;
}

Value capabilities_json(const HostCapabilities& local) {
  const auto memory = Value::number(local.memory_gb);
  return json_object({{"cores", json_count(local.cores)},
                      {"memory_gb", memory ? *memory : Value::null()},
                      {"arch", json_text(local.arch)},
                      {"gpu", Value::boolean(local.has_gpu)},
                      {"cuda", Value::boolean(local.has_cuda)},
                      {"rocm", Value::boolean(local.has_rocm)}});
}

Result<std::vector<Need>> needs_of(const JsonNode& capabilities, const HostCapabilities& local, Span& fault) {
  return NeedReader(local, fault).read(capabilities);
}

}  // namespace heddle
