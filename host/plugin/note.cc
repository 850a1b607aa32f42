#include "plugin/note.h"

#include <heddle/note.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "plugin/elf_note.h"
#include "value/value.h"

namespace heddle {
namespace {

// Deeper than any sensible JSON Schema; keeps everyone who walks a descriptor from deep recursion.
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxNameBytes = 128;
constexpr std::array<std::string_view, 6> kKinds = {"node", "transport", "sidecar", "chain", "store", "broker"};

bool is_name(std::string_view text) {
  const auto bad = [](unsigned char c) { return c <= ' ' || c == 0x7f; };
  return !text.empty() && text.size() <= kMaxNameBytes && std::none_of(text.begin(), text.end(), bad);
}

// Reads the members of one JSON object into plain variables. The first member that is wrong is kept as the error; what follows is skipped.
class Members {
 public:
  Members(Value object, std::string where) : object_(std::move(object)), where_(std::move(where)) {}

  bool has(std::string_view key) const { return static_cast<bool>(object_.find(key)); }
  const std::optional<std::string>& wrong() const { return wrong_; }
  void complain(const std::string& what) {
    if (!wrong_) wrong_ = where_ + ": " + what;
  }

  void text(std::string_view key, std::string& out) {
    if (const Value v = get(key, HEDDLE_STRING, "a text")) out = *v.as_text();
  }
  void name(std::string_view key, std::string& out) {
    if (!require(key)) return;
    text(key, out);
    if (!wrong_ && !is_name(out)) complain(quoted(key) + " must have 1 to 128 bytes, without spaces and control characters");
  }
  void flag(std::string_view key, bool& out) {
    if (const Value v = get(key, HEDDLE_BOOL, "true or false")) out = *v.as_bool();
  }
  template <class Number>
  void number(std::string_view key, Number& out, int64_t least) {
    constexpr int64_t most = sizeof(Number) == 4 ? int64_t{std::numeric_limits<uint32_t>::max()} : std::numeric_limits<int64_t>::max();
    const Value v = get(key, HEDDLE_INT, "a whole number");
    if (!v) return;
    const int64_t n = *v.as_int();
    if (n < least || n > most) return complain(quoted(key) + " is " + std::to_string(n) + ", which is out of range");
    out = static_cast<Number>(n);
  }
  void object(std::string_view key, std::string& json) {
    if (const Value v = get(key, HEDDLE_MAP, "an object")) json = v.json();
  }
  template <class Choice, size_t N>
  void choice(std::string_view key, const std::array<std::string_view, N>& words, Choice& out) {
    std::string word;
    text(key, word);
    if (wrong_ || !has(key)) return;
    const auto at = std::find(words.begin(), words.end(), word);
    if (at == words.end()) return complain(quoted(key) + " has the unknown value " + quoted(word));
    out = static_cast<Choice>(at - words.begin());
  }
  void texts(std::string_view key, std::vector<std::string>& out) {
    const Value list = get(key, HEDDLE_LIST, "a list of texts");
    for (size_t i = 0; list && i < list.size(); ++i) {
      const Value v = list.at(i);
      if (v.kind() != HEDDLE_STRING) return complain(element(key, i) + " must be a text, not " + describe(v));
      out.emplace_back(*v.as_text());
    }
  }
  void ports(std::string_view key, std::vector<PortDescriptor>& out) {
    const Value list = get(key, HEDDLE_LIST, "a list of ports");
    if (!list) return;
    out.clear();
    for (size_t i = 0; i < list.size(); ++i) {
      const Value v = list.at(i);
      if (v.kind() != HEDDLE_MAP) return complain(element(key, i) + " must be an object, not " + describe(v));
      Members port(v, element(key, i));
      PortDescriptor p;
      port.name("name", p.name);
      port.text("summary", p.summary);
      port.flag("failures", p.failures);
      if (port.wrong_) return complain(*port.wrong_);
      if (p.name == "error") return complain(element(key, i) + ": \"error\" is the host's port and cannot be declared");
      const bool twice = std::any_of(out.begin(), out.end(), [&](const PortDescriptor& q) { return q.name == p.name; });
      if (twice) return complain(quoted(key) + " names the port " + quoted(p.name) + " twice");
      out.push_back(std::move(p));
    }
  }
  bool require(std::string_view key) {
    if (!has(key)) complain(quoted(key) + " is missing");
    return !wrong_;
  }
  // "abi": [major, minor]
  void abi(uint32_t& major, uint32_t& minor) {
    if (!require("abi")) return;
    const Value list = get("abi", HEDDLE_LIST, "a list");
    if (!list) return;
    const auto part = [&](size_t i) { return list.size() == 2 ? list.at(i).as_int().value_or(-1) : -1; };
    constexpr int64_t most = std::numeric_limits<uint32_t>::max();
    if (part(0) < 0 || part(1) < 0 || part(0) > most || part(1) > most)
      return complain("\"abi\" must be a list of two whole numbers, major and minor");
    major = static_cast<uint32_t>(part(0));
    minor = static_cast<uint32_t>(part(1));
  }

  static std::string quoted(std::string_view s) { return '"' + std::string(s) + '"'; }

 private:
  static std::string element(std::string_view key, size_t i) { return quoted(key) + "[" + std::to_string(i) + "]"; }

  // Empty if the member is absent, of another kind (an error), or an earlier member was wrong.
  Value get(std::string_view key, heddle_kind kind, std::string_view wanted) {
    if (wrong_) return {};
    Value v = object_.find(key);
    if (!v || v.kind() == kind) return v;
    complain(quoted(key) + " must be " + std::string(wanted) + ", not " + describe(v));
    return {};
  }

  Value object_;
  std::string where_;
  std::optional<std::string> wrong_;
};

bool deeper_than(std::string_view json, size_t limit) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"')
      in_string = true;
    else if ((c == '{' || c == '[') && ++depth > limit)
      return true;
    else if ((c == '}' || c == ']') && depth > 0)
      --depth;
  }
  return false;
}

Error bad_note(const std::string& path, const std::string& what) { return {"bad-note", path + ": " + what, ErrorClass::kConfig}; }

Result<Value> parse_object(const NoteRecord& record, const std::string& path, const std::string& where) {
  if (deeper_than(record.text, kMaxDepth)) return bad_note(path, where + ": nested deeper than 64 levels");
  auto parsed = Value::parse(record.text);
  if (!parsed) return bad_note(path, where + ": not JSON").because(std::move(parsed).error());
  if (parsed->kind() != HEDDLE_MAP) return bad_note(path, where + ": must be an object, not " + describe(*parsed));
  return parsed;
}

Result<void> read_plugin(const NoteRecord& record, PluginDescriptor& plugin) {
  const std::string where = "the plugin's note";
  auto object = parse_object(record, plugin.path, where);
  if (!object) return object.error();
  Members m(std::move(*object), where);
  m.name("plugin", plugin.name);
  m.name("version", plugin.version);
  m.abi(plugin.abi_major, plugin.abi_minor);
  m.text("license", plugin.license);
  m.text("summary", plugin.summary);
  m.text("homepage", plugin.homepage);
  m.text("package", plugin.package);
  if (m.wrong()) return bad_note(plugin.path, *m.wrong());
  return {};
}

Result<TypeDescriptor> read_type(const NoteRecord& record, const std::string& path, size_t position) {
  const std::string where = "the note of type " + std::to_string(position);
  auto object = parse_object(record, path, where);
  if (!object) return object.error();
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](std::string_view k) { return static_cast<bool>(object->find(k)); });
  if (kind == kKinds.end()) return bad_note(path, where + ": names no kind of this host (\"node\": \"TypeName\")");

  TypeDescriptor t;
  t.kind = *kind;
  t.text = record.text;
  t.inputs = {{"in", ""}};
  t.outputs = {{"out", ""}};
  const Value name = object->find(*kind);
  const bool named = name.kind() == HEDDLE_STRING && is_name(*name.as_text());
  Members m(std::move(*object), named ? "the note of type " + Members::quoted(*name.as_text()) : where);
  m.name(t.kind, t.type);
  m.require("params");
  m.object("params", t.params_schema);
  m.text("summary", t.summary);
  m.texts("aliases", t.aliases);
  m.ports("inputs", t.inputs);
  m.ports("outputs", t.outputs);
  m.texts("output_ports_from", t.output_ports_from);
  m.text("manifest_params", t.manifest_params);
  m.choice("concurrency", std::array<std::string_view, 3>{"serial", "keyed", "parallel"}, t.concurrency);
  m.choice("lane", std::array<std::string_view, 4>{"cpu", "io", "blocking", "device"}, t.lane);
  m.number("max_in_flight", t.max_in_flight, 0);
  m.number("max_batch", t.max_batch, 1);
  m.number("timeout_ms", t.timeout_ms, 0);
  m.flag("idempotent", t.idempotent);
  m.flag("create_is_pure", t.create_is_pure);
  m.flag("stateless", t.stateless);
  m.flag("sources", t.sources);
  m.choice("policy", std::array<std::string_view, 2>{"host", "own"}, t.own_policy);
  m.object("capabilities", t.capabilities);
  m.flag("durable", t.durable);
  for (const std::string& pointer : t.output_ports_from)
    if (!pointer.empty() && pointer[0] != '/') m.complain("\"output_ports_from\": " + Members::quoted(pointer) + " is no JSON Pointer");
  if (m.wrong()) return bad_note(path, *m.wrong());
  return t;
}

Result<PluginDescriptor> describe_plugin(Result<std::vector<NoteRecord>> records, const std::string& path) {
  if (!records) return std::move(records).error();
  PluginDescriptor plugin;
  plugin.path = path;
  const auto of_plugin = [](const NoteRecord& r) { return r.type == HEDDLE_NOTE_PLUGIN; };
  const auto first = std::find_if(records->begin(), records->end(), of_plugin);
  if (records->empty()) return Error("no-note", path + ": not a plugin: a library without a heddle note", ErrorClass::kConfig);
  if (first == records->end()) return bad_note(path, "its notes say which types it offers, but not which plugin it is");
  if (std::find_if(first + 1, records->end(), of_plugin) != records->end()) return bad_note(path, "it has two plugin notes");
  if (auto read = read_plugin(*first, plugin); !read) return read.error();
  if (plugin.abi_major != HEDDLE_ABI_MAJOR || plugin.abi_minor > HEDDLE_ABI_MINOR) return plugin;

  for (const NoteRecord& record : *records) {
    if (record.type != HEDDLE_NOTE_TYPE) continue;  // a kind of record that a later minor may bring
    auto type = read_type(record, path, plugin.types.size() + 1);
    if (!type) return type.error();
    for (const TypeDescriptor& other : plugin.types)
      if (other.kind == type->kind && other.type == type->type)
        return bad_note(path, "it offers the type " + Members::quoted(type->type) + " twice");
    plugin.types.push_back(std::move(*type));
  }
  return plugin;
}

}  // namespace

Result<PluginDescriptor> read_note(const std::string& path) { return describe_plugin(read_elf_notes(path), path); }

Result<PluginDescriptor> read_note(std::string_view elf, const std::string& path) {
  return describe_plugin(read_elf_notes(elf, path), path);
}

}  // namespace heddle
