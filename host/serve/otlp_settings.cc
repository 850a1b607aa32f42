#include "serve/otlp_settings.h"

#include <algorithm>
#include <charconv>

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

// What is exported, in the names of variables, in a path, and in words.
struct Signal {
  std::string variable, path, exporter, words;
};
const Signal kMetrics = {"METRICS", "/v1/metrics", "OTEL_METRICS_EXPORTER", "metrics"};
const Signal kTraces = {"TRACES", "/v1/traces", "OTEL_TRACES_EXPORTER", "spans"};

class OtlpReader {
 public:
  OtlpReader(const Signal& signal, const Environment& variable, std::vector<std::string>& warnings) : signal_(signal), variable_(variable), warnings_(warnings) {}
  std::optional<OtlpSettings> read(const std::string& version);
  std::optional<TraceSettings> read_traces(const std::string& version);

 private:
  struct Said {
    std::string name, text;
  };
  // An empty variable is one that is not set.
  Said said(const std::string& name) const {
    const char* const text = variable_(name.c_str());
    return {name, text ? text : ""};
  }
  Said of_signal(const std::string& what) const {
    const Said own = said("OTEL_EXPORTER_OTLP_" + signal_.variable + "_" + what);
    return own.text.empty() ? said("OTEL_EXPORTER_OTLP_" + what) : own;
  }
  void warn(std::string text);
  void read_number(const Said& said, const std::string& of_what, uint64_t& out);
  void read_sampler(Sampler& out);
  // "a=1,b=2", the values percent-encoded: all of it, or nothing. Its text is in no message: it may be secret.
  Texts read_list(const Said& said);
  bool read_endpoint(OtlpSettings& out);
  void read_tls(OtlpSettings& out);
  bool is_forbidden() const;
  void read_resource(OtlpSettings& out, const std::string& version);

  const Signal& signal_;
  const Environment& variable_;
  std::vector<std::string>& warnings_;
};

void OtlpReader::warn(std::string text) {
  if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) warnings_.push_back(std::move(text));
}

void OtlpReader::read_number(const Said& said, const std::string& of_what, uint64_t& out) {
  uint64_t number = 0;
  if (said.text.empty()) return;
  if (to_whole(said.text, number) && number > 0 && number <= kMaxMilliseconds) out = number;
  else warn(said.name + " must be a number of " + of_what + ", but is \"" + said.text + "\": it stays " + std::to_string(out));
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
      warn(said.name + " must be a list like name=value,other=value, each name once; it is left alone");
      return {};
    }
    out.emplace_back(key, value);
  }
  return out;
}

bool OtlpReader::read_endpoint(OtlpSettings& out) {
  const Said own = said("OTEL_EXPORTER_OTLP_" + signal_.variable + "_ENDPOINT"), all = said("OTEL_EXPORTER_OTLP_ENDPOINT");
  const Said& set = own.text.empty() ? all : own;
  if (set.text.empty()) return false;
  const size_t scheme = set.text.find("://"), host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string_view name = std::string_view(set.text).substr(0, scheme == std::string::npos ? 0 : scheme);
  const bool is_url = (name == "http" || name == "https") && host < set.text.size() && set.text[host] != '/' && set.text.find_first_of(" \t@?#", host) == std::string::npos;
  if (!is_url) {
    warn(set.name + " must be a URL like http://localhost:4318, without a user and a query: no " + signal_.words + " are exported");
    return false;
  }
  const size_t path = std::min(set.text.find('/', host), set.text.size());
  out.endpoint = set.text.substr(0, path);
  out.path = set.text.substr(path);
  if (own.text.empty()) {
    while (out.path.ends_with('/')) out.path.pop_back();
    out.path += signal_.path;
  } else if (out.path.empty()) {
    out.path = "/";
  }
  return true;
}

void OtlpReader::read_tls(OtlpSettings& out) {
  if (!out.endpoint.starts_with("https:")) return;
  ChannelTls tls{.ca = of_signal("CERTIFICATE").text, .certificate = of_signal("CLIENT_CERTIFICATE").text, .key = of_signal("CLIENT_KEY").text};
  if (!tls.ca.empty() || !tls.certificate.empty()) out.tls = std::move(tls);
}

bool OtlpReader::is_forbidden() const {
  std::string disabled = said("OTEL_SDK_DISABLED").text;
  std::transform(disabled.begin(), disabled.end(), disabled.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  return disabled == "true" || said(signal_.exporter).text == "none";
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
  if (const Said protocol = of_signal("PROTOCOL"); !protocol.text.empty() && protocol.text != "http/json") {
    warn(protocol.name + " is \"" + protocol.text + "\", but " + signal_.words + " are exported as http/json: the endpoint must understand that");
  }
  out.headers = read_list(of_signal("HEADERS"));
  for (const auto& [header, value] : out.headers) log::redact(value);
  read_tls(out);
  read_number(of_signal("TIMEOUT"), "milliseconds", out.timeout_ms);
  if (&signal_ == &kMetrics) read_number(said("OTEL_METRIC_EXPORT_INTERVAL"), "milliseconds", out.interval_ms);
  read_resource(out, version);
  return out;
}

void OtlpReader::read_sampler(Sampler& out) {
  const Said named = said("OTEL_TRACES_SAMPLER"), argument = said("OTEL_TRACES_SAMPLER_ARG");
  std::string_view name = named.text;
  if (name.empty()) return;
  Sampler read{.follows_parent = name.starts_with("parentbased_")};
  if (read.follows_parent) name.remove_prefix(std::string_view("parentbased_").size());
  if (name == "always_off") read.ratio = 0;
  else if (name != "always_on" && name != "traceidratio")
    return warn(named.name + " must be always_on, always_off or traceidratio, or one of them after parentbased_, but is \"" + named.text + "\": it stays parentbased_always_on");
  if (name == "traceidratio" && !argument.text.empty()) {
    const char* const end = argument.text.data() + argument.text.size();
    double ratio = -1;
    const auto [at, failed] = std::from_chars(argument.text.data(), end, ratio);
    const bool is_good = failed == std::errc() && at == end && ratio >= 0 && ratio <= 1;
    if (is_good) read.ratio = ratio;
    else warn(argument.name + " must be a number from 0 to 1, but is \"" + argument.text + "\": it stays 1");
  }
  out = read;
}

std::optional<TraceSettings> OtlpReader::read_traces(const std::string& version) {
  auto otlp = read(version);
  if (!otlp) return {};
  TraceSettings out{.otlp = *std::move(otlp)};
  out.otlp.interval_ms = 5'000;
  read_number(said("OTEL_BSP_SCHEDULE_DELAY"), "milliseconds", out.otlp.interval_ms);
  read_number(said("OTEL_BSP_MAX_QUEUE_SIZE"), "spans", out.most);
  read_number(said("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), "spans", out.batch);
  out.batch = std::min(out.batch, out.most);
  read_sampler(out.sampler);
  return out;
}

}  // namespace

std::optional<OtlpSettings> read_otlp_settings(const Environment& variable, const std::string& version, std::vector<std::string>& warnings) {
  return OtlpReader(kMetrics, variable, warnings).read(version);
}

std::optional<TraceSettings> read_trace_settings(const Environment& variable, const std::string& version, std::vector<std::string>& warnings) {
  return OtlpReader(kTraces, variable, warnings).read_traces(version);
}

}  // namespace heddle
