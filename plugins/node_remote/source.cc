#include "source.h"

#include <algorithm>
#include <vector>

namespace node_remote {
namespace {

using namespace heddle::sdk;

std::string text_of(ValueRef value) { return std::string(value.as_text().value_or("")); }

// One segment of a URL's path.
std::string as_segment(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789ABCDEF", kPlain = "-._~";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kPlain.find(c) != kPlain.npos;
    if (is_plain) out += c;
    else (out += '%').append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
  return out;
}

Source sent(ValueRef manifest) {
  Source out;
  out.manifest = read_manifest(manifest, "\"manifest\"");
  return out;
}

Source fetched(std::string url, ValueRef authorization) {
  Source out;
  out.url = std::move(url);
  out.authorization = text_of(authorization);
  return out;
}

Source read_written(ValueRef source) {
  const std::string type = text_of(source.find("type"));
  const auto needs = [&](const char* member) {
    if (!source.find(member)) throw Error(HEDDLE_INVALID, "\"manifest_source\" of the type \"" + type + "\" needs \"" + member + "\"");
    for (const char* other : {"name", "manifest", "url"})
      if (other != std::string_view(member) && source.find(other)) throw Error(HEDDLE_INVALID, "\"manifest_source\" of the type \"" + type + "\" has no \"" + other + "\"");
    if (type != "url" && source.find("auth_header")) throw Error(HEDDLE_INVALID, "\"auth_header\" is for a \"manifest_source\" of the type \"url\"");
  };
  if (type == "inline") return needs("manifest"), sent(source.find("manifest"));
  if (type == "url") return needs("url"), fetched(text_of(source.find("url")), source.find("auth_header"));
  needs("name");
  return {.name = text_of(source.find("name"))};
}

}  // namespace

Value read_manifest(ValueRef manifest, std::string_view what) {
  const auto text = manifest.is(HEDDLE_STRING) ? manifest.as_text() : std::nullopt;
  Value out = text ? Value() : Value::share(manifest);
  if (text) {
    try {
      out = Value::parse(*text);
    } catch (const Error&) {
      throw Error(HEDDLE_INVALID, std::string(what) + " is a text that is not JSON");
    }
  }
  if (!out.is(HEDDLE_MAP)) throw Error(HEDDLE_INVALID, std::string(what) + " must be a manifest, an object, not " + describe(out));
  return out;
}

std::string name_of(ValueRef manifest) {
  const ValueRef written = manifest.find("metadata").find("name");
  const std::string name = text_of(written ? written : manifest.find("name"));
  return name.empty() ? "a manifest" : name;
}

Source read_source(ValueRef params) {
  std::vector<const char*> said;
  for (const char* word : {"manifest_source", "manifest", "manifest_url", "pipeline_name"})
    if (params.find(word)) said.push_back(word);
  if (said.empty()) throw Error(HEDDLE_INVALID, "\"manifest_source\" is missing: which pipeline is to run there");
  if (said.size() > 1) throw Error(HEDDLE_INVALID, "\"" + std::string(said[0]) + "\" and \"" + said[1] + "\" mean the same: say one of them");
  const ValueRef endpoint = params.find("manifest_endpoint"), authorization = params.find("auth_header"), name = params.find("pipeline_name"), url = params.find("manifest_url");
  if (endpoint && !name) throw Error(HEDDLE_INVALID, "\"manifest_endpoint\" is for \"pipeline_name\": where its manifest is fetched");
  if (authorization && !endpoint && !url) throw Error(HEDDLE_INVALID, "\"auth_header\" is for \"manifest_url\" or \"manifest_endpoint\"");
  if (const ValueRef source = params.find("manifest_source")) return read_written(source);
  if (const ValueRef manifest = params.find("manifest")) return sent(manifest);
  if (url) return fetched(text_of(url), authorization);
  if (!endpoint) return {.name = text_of(name)};
  const std::string from = text_of(endpoint);
  return fetched(from + (from.ends_with('/') ? "" : "/") + as_segment(text_of(name)), authorization);
}

}  // namespace node_remote
