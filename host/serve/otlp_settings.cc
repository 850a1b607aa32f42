#include "serve/otlp_settings.h"

#include <algorithm>

#include "log.h"
#include "manifest/reading.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr std::string_view kBlank = " \t";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "%20" is a blank; what is no escape stands for itself.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (is_escape) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

class OtlpReader {
 public:
  OtlpReader(const std::function<const char*(const char*)>& variable, std::vector<std::string>& warnings) : variable_(variable), warnings_(warnings) {}
  std::optional<OtlpSettings> read(const std::string& version);

 private:
  struct Said {
    std::string name, text;
  };
  // An empty variable is one that is not set.
  Said said(const std::string& name) const {
    const char* const text = variable_(name.c_str());
    return {name, text ? text : ""};
  }
  Said of_metrics(const std::string& what) const {
    const Said own = said("OTEL_EXPORTER_OTLP_METRICS_" + what);
    return own.text.empty() ? said("OTEL_EXPORTER_OTLP_" + what) : own;
  }
  void read_number(const Said& said, uint64_t& out);
  // "a=1,b=2", the values percent-encoded: all of it, or nothing. Its text is in no message: it may be secret.
  Texts read_list(const Said& said);
  bool read_endpoint(OtlpSettings& out);
  void read_tls(OtlpSettings& out);
  bool is_forbidden() const;
  void read_resource(OtlpSettings& out, const std::string& version);

  const std::function<const char*(const char*)>& variable_;
  std::vector<std::string>& warnings_;
};

void OtlpReader::read_number(const Said& said, uint64_t& out) {
  uint64_t number = 0;
  if (said.text.empty()) return;
  if (to_whole(said.text, number) && number > 0 && number <= kMaxMilliseconds) out = number;
  else warnings_.push_back(said.name + " must be a number of milliseconds, but is \"" + said.text + "\": it stays " + std::to_string(out));
}

Texts OtlpReader::read_list(const Said& said) {
  Texts out;
  std::string_view rest = said.text;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view entry = trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (entry.empty()) continue;
    const size_t equals = entry.find('=');
    const std::string key(trimmed(entry.substr(0, equals)));
    const std::string value = equals == std::string_view::npos ? "" : percent_decoded(trimmed(entry.substr(equals + 1)));
    const bool is_twice = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.first == key; });
    if (equals == std::string_view::npos || key.empty() || is_twice || !is_valid_utf8(key) || !is_valid_utf8(value)) {
      warnings_.push_back(said.name + " must be a list like name=value,other=value, each name once; it is left alone");
      return {};
    }
    out.emplace_back(key, value);
  }
  return out;
}

bool OtlpReader::read_endpoint(OtlpSettings& out) {
  const Said own = said("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"), all = said("OTEL_EXPORTER_OTLP_ENDPOINT");
  const Said& set = own.text.empty() ? all : own;
  if (set.text.empty()) return false;
  const size_t scheme = set.text.find("://"), host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string_view name = std::string_view(set.text).substr(0, scheme == std::string::npos ? 0 : scheme);
  const bool is_url = (name == "http" || name == "https") && host < set.text.size() && set.text[host] != '/' && set.text.find_first_of(" \t@?#", host) == std::string::npos;
  if (!is_url) {
    warnings_.push_back(set.name + " must be a URL like http://localhost:4318, without a user and a query: no metrics are exported");
    return false;
  }
  const size_t path = std::min(set.text.find('/', host), set.text.size());
  out.endpoint = set.text.substr(0, path);
  out.path = set.text.substr(path);
  if (own.text.empty()) {
    while (out.path.ends_with('/')) out.path.pop_back();
    out.path += "/v1/metrics";
  } else if (out.path.empty()) {
    out.path = "/";
  }
  return true;
}

void OtlpReader::read_tls(OtlpSettings& out) {
  if (!out.endpoint.starts_with("https:")) return;
  ChannelTls tls{.ca = of_metrics("CERTIFICATE").text, .certificate = of_metrics("CLIENT_CERTIFICATE").text, .key = of_metrics("CLIENT_KEY").text};
  if (!tls.ca.empty() || !tls.certificate.empty()) out.tls = std::move(tls);
}

bool OtlpReader::is_forbidden() const {
  std::string disabled = said("OTEL_SDK_DISABLED").text;
  std::transform(disabled.begin(), disabled.end(), disabled.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  return disabled == "true" || said("OTEL_METRICS_EXPORTER").text == "none";
}

void OtlpReader::read_resource(OtlpSettings& out, const std::string& version) {
  out.resource = read_list(said("OTEL_RESOURCE_ATTRIBUTES"));
  const auto find = [&](const char* key) { return std::find_if(out.resource.begin(), out.resource.end(), [&](const auto& one) { return one.first == key; }); };
  const std::string name = said("OTEL_SERVICE_NAME").text;
  if (find("service.name") == out.resource.end()) out.resource.emplace_back("service.name", name.empty() ? "heddle" : name);
  else if (!name.empty()) find("service.name")->second = name;
  if (find("service.version") == out.resource.end()) out.resource.emplace_back("service.version", version);
}

std::optional<OtlpSettings> OtlpReader::read(const std::string& version) {
  OtlpSettings out;
  if (is_forbidden() || !read_endpoint(out)) return {};
  if (const Said protocol = of_metrics("PROTOCOL"); !protocol.text.empty() && protocol.text != "http/json") {
    warnings_.push_back(protocol.name + " is \"" + protocol.text + "\", but metrics are exported as http/json: the endpoint must understand that");
  }
  out.headers = read_list(of_metrics("HEADERS"));
  for (const auto& [header, value] : out.headers) log::redact(value);
  read_tls(out);
  read_number(of_metrics("TIMEOUT"), out.timeout_ms);
  read_number(said("OTEL_METRIC_EXPORT_INTERVAL"), out.interval_ms);
  read_resource(out, version);
  return out;
}

}  // namespace

std::optional<OtlpSettings> read_otlp_settings(const std::function<const char*(const char*)>& variable, const std::string& version, std::vector<std::string>& warnings) {
  return OtlpReader(variable, warnings).read(version);
}

}  // namespace heddle
