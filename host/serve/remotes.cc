#include "serve/remotes.h"

#include <filesystem>
#include <utility>

#include "log.h"
#include "plugin/endpoint.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr std::string_view kRemoteKeys[] = {"transport", "endpoints", "auth_token", "tls", "insecure"};
constexpr std::string_view kTlsKeys[] = {"ca", "certificate", "key", "server_name"};

bool is_open_to_others(const RemoteHost& host, std::string_view endpoint) {
  if (host.tls || host.insecure || endpoint.starts_with("https://")) return false;
  const auto parts = split_endpoint(authority_of(endpoint));
  return !parts || !is_loopback(parts->host);
}

ChannelTls read_tls(Reading& reading, JsonNode& value, const Path& path) {
  ChannelTls out;
  Fields f(reading, value, path, kTlsKeys, "\"tls\"");
  f.text("ca", out.ca);
  f.text("certificate", out.certificate);
  f.text("key", out.key);
  f.text("server_name", out.server_name);
  const std::filesystem::path folder = std::filesystem::path(reading.file()).parent_path();
  for (std::string* file : {&out.ca, &out.certificate, &out.key}) {
    if (!file->empty()) *file = (folder / *file).string();
  }
  return out;
}

RemoteHost read_remote(Reading& reading, JsonNode& value, const Path& path, const std::string& name) {
  RemoteHost out{.name = name};
  Fields f(reading, value, path, kRemoteKeys, "a remote host");
  if (value.kind != JsonKind::kMap) return out;
  f.text("transport", out.transport);
  f.text("auth_token", out.auth_token);
  log::redact(out.auth_token);
  f.boolean("insecure", out.insecure);
  if (JsonNode* const tls = f.get("tls")) out.tls = read_tls(reading, *tls, f.at("tls"));
  JsonNode* const endpoints = f.require("endpoints");
  if (!endpoints) return out;
  const Path at = f.at("endpoints");
  const auto wrong = [&](const Path& place, const JsonNode& what, std::string message) { reading.error("wrong-type", place, what.span, std::move(message)); };
  if (endpoints->kind != JsonKind::kList || endpoints->items.empty()) wrong(at, *endpoints, "\"endpoints\" must be a list of at least one \"host:port\" or URL");
  for (size_t i = 0; endpoints->kind == JsonKind::kList && i < endpoints->items.size(); ++i) {
    const JsonNode& endpoint = endpoints->items[i];
    const Path place(at, i);
    if (endpoint.kind != JsonKind::kString || endpoint.text.empty()) {
      wrong(place, endpoint, "an endpoint must be a text such as \"host:port\", but this is " + std::string(name_of(endpoint.kind)));
    } else if (is_open_to_others(out, endpoint.text)) {
      reading.error("open-remote", place, endpoint.span, "\"" + endpoint.text + "\" is on another machine, and anybody on the way could read and change what is said",
                    "say \"tls\": {} or https://, or \"insecure\": true");
    } else {
      out.endpoints.push_back(endpoint.text);
    }
  }
  return out;
}

}  // namespace

std::vector<RemoteHost> read_remotes(Reading& reading, JsonNode& section, const Path& path) {
  std::vector<RemoteHost> out;
  if (section.kind != JsonKind::kMap) {
    reading.error("wrong-type", path, section.span, "\"remotes\" must be an object, but this is " + std::string(name_of(section.kind)));
    return out;
  }
  for (JsonNode::Member& m : section.members) {
    if (!m.key.starts_with("x-")) out.push_back(read_remote(reading, m.value, Path(path, m.key), m.key));
  }
  return out;
}

Value remotes_json(const std::vector<RemoteHost>& remotes) {
  std::vector<std::pair<std::string, Value>> out;
  for (const RemoteHost& host : remotes) {
    std::vector<Value> endpoints;
    for (const std::string& endpoint : host.endpoints) endpoints.push_back(json_text(endpoint));
    out.emplace_back(host.name, json_object({{"transport", json_text(host.transport)}, {"endpoints", Value::list(std::move(endpoints))}, {"insecure", Value::boolean(host.insecure)}}));
  }
  return json_object(std::move(out));
}

}  // namespace heddle
