// What a plugin says of itself in its ELF notes, as plain structs. plugin-api/include/heddle/note.h, node.h and store.h define the texts.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

struct PortDescriptor {
  std::string name;
  std::string summary;
  bool failures = false;  // of an output: what leaves by it is a failure, never a result
};

enum class Concurrency : uint8_t { kSerial, kKeyed, kParallel };
enum class LaneClass : uint8_t { kCpu, kIo, kBlocking, kDevice };

struct TypeDescriptor {
  std::string kind;  // "node"
  std::string type;  // "Multiply"
  std::string summary;
  std::vector<std::string> aliases;
  std::string params_schema;  // JSON text
  std::vector<PortDescriptor> inputs, outputs;
  std::vector<std::string> output_ports_from;
  std::string manifest_params;  // the member of the params that takes the manifest's; empty: none
  Concurrency concurrency = Concurrency::kSerial;
  LaneClass lane = LaneClass::kCpu;
  uint32_t max_in_flight = 0;  // 0: synchronous
  uint32_t max_batch = 64;
  uint64_t timeout_ms = 0;
  bool idempotent = false;
  bool create_is_pure = false;
  bool stateless = false;       // items may share an object or have one each, and nobody can tell
  bool own_policy = false;      // what a policy says becomes params
  bool sources = false;         // it has other manifests run: heddle/draft/sources.h
  std::string capabilities;  // JSON text of an object, or empty
  bool durable = true;       // stores only
  std::string text;          // the note itself, byte for byte
};

struct PluginDescriptor {
  std::string path;               // of the .so
  std::vector<std::string> pins;  // SHA-256 digests, one of which the file has to have when it is loaded; empty: any
  std::string name, version, license, summary, homepage, package;
  uint32_t abi_major = 0, abi_minor = 0;
  std::vector<TypeDescriptor> types;
};

}  // namespace heddle
