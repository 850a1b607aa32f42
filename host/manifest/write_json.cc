#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "manifest/document.h"

namespace heddle {
namespace {

rapidjson::SizeType size_of(std::string_view text) { return static_cast<rapidjson::SizeType>(text.size()); }

// Recursion is bounded: no parsed tree is deeper than kMaxManifestDepth.
template <class Writer>
void write(const JsonNode& node, Writer& writer) {
  switch (node.kind) {
    case JsonKind::kNull:
      writer.Null();
      break;
    case JsonKind::kBool:
      writer.Bool(node.boolean);
      break;
    case JsonKind::kNumber:
      writer.RawValue(node.text.data(), node.text.size(), rapidjson::kNumberType);
      break;
    case JsonKind::kString:
      writer.String(node.text.data(), size_of(node.text));
      break;
    case JsonKind::kList:
      writer.StartArray();
      for (const JsonNode& item : node.items) write(item, writer);
      writer.EndArray();
      break;
    case JsonKind::kMap:
      writer.StartObject();
      for (const JsonNode::Member& member : node.members) {
        writer.Key(member.key.data(), size_of(member.key));
        write(member.value, writer);
      }
      writer.EndObject();
      break;
  }
}

}  // namespace

std::string JsonNode::json() const {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  write(*this, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string JsonNode::pretty() const {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  write(*this, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace heddle
