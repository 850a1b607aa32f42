#include "manifest/substitute.h"

#include <filesystem>
#include <fstream>

#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr std::string_view kOpen = "${";
constexpr std::string_view kFormsWithoutParams = "known are ${env.NAME}, ${env.NAME:-default} and ${file:path}; \"$${\" is a literal \"${\"";
constexpr std::string_view kForms = "known are ${param.x}, ${env.NAME}, ${env.NAME:-default} and ${file:path}; \"$${\" is a literal \"${\"";

bool is_variable(std::string_view name) { return is_name(name) && name.find('-') == std::string_view::npos; }

}  // namespace

void Substitution::apply(JsonNode& node, const Path& path, bool in_params) {
  if (node.kind == JsonKind::kString && node.text.find(kOpen) != std::string::npos) apply_text(node, path);
  for (size_t i = 0; i < node.items.size(); ++i) apply(node.items[i], Path(path, i), in_params);
  for (JsonNode::Member& m : node.members) {
    if (in_params || !is_extension(m.key)) apply(m.value, Path(path, m.key), in_params || m.key == "params");
  }
}

void Substitution::apply_text(JsonNode& node, const Path& path) {
  const std::string raw = node.text;
  std::string out;
  bool is_whole = true;  // every reference gave something
  for (size_t i = 0; i < raw.size();) {
    const size_t dollar = raw.find('$', i);
    out.append(raw, i, dollar - i);
    if (dollar == std::string::npos) break;
    if (raw.compare(dollar, 3, "$${") == 0) {
      out += kOpen;
      i = dollar + 3;
      continue;
    }
    if (raw.compare(dollar, 2, kOpen) != 0) {
      out += '$';
      i = dollar + 1;
      continue;
    }
    const size_t close = raw.find('}', dollar);
    const size_t length = (close == std::string::npos ? raw.size() : close + 1) - dollar;
    const Span span = span_inside(reading_.text(), node.span, dollar, length);
    if (close == std::string::npos) {
      reading_.error("bad-reference", path, span, "this \"${\" has no \"}\"", "\"$${\" is a literal \"${\"");
      return reading_.diagnostics().doubt(node.span);
    }
    const std::string_view reference = std::string_view(raw).substr(dollar + 2, length - 3);
    const std::string_view name = reference.starts_with("param.") ? reference.substr(6) : std::string_view();
    const JsonNode* const value = value_of(name);
    if (length == raw.size() && value && value->kind != JsonKind::kString) {
      node.kind = value->kind;
      node.boolean = value->boolean;
      node.text = value->text;
      return note(node, path, raw);
    }
    is_whole = resolve(reference, node, path, span, out) && is_whole;
    i = dollar + length;
  }
  if (!is_whole) return reading_.diagnostics().doubt(node.span);
  bytes_ += out.size();
  if (bytes_ > kMaxSubstitutedBytes) {
    reading_.error("too-big", path, node.span,
                   "with this string, what all references give exceeds " + std::to_string(kMaxSubstitutedBytes) + " bytes");
    return reading_.diagnostics().doubt(node.span);
  }
  node.text = std::move(out);
  note(node, path, raw);
}

// What stood there as `raw` is `node` by now.
void Substitution::note(const JsonNode& node, const Path& path, const std::string& raw) {
  reading_.keep_written(path, raw);
  reading_.take_in(path, node);
}

bool Substitution::resolve(std::string_view reference, const JsonNode& node, const Path& path, Span span, std::string& out) {
  if (bytes_ + out.size() > kMaxSubstitutedBytes) return true;  // the caller says so
  if (reference.find(kOpen) != std::string_view::npos) {
    reading_.error("bad-reference", path, span, "a reference inside a reference is not possible", forms());
    return false;
  }
  if (reference.starts_with("param.")) return resolve_param(reference.substr(6), path, span, out);
  if (!reading_.takes_in() && (reference.starts_with("env.") || reference.starts_with("file:"))) {
    reading_.error("not-yours", path, span, "a manifest that is sent to a host takes in nothing of that host: \"${" + std::string(reference) + "}\"",
                   "write what it stands for before it is sent; \"$${\" is a literal \"${\"");
    return false;
  }
  if (reference.starts_with("env.")) return resolve_variable(reference.substr(4), path, span, out);
  if (reference.starts_with("file:")) {
    const Result<std::string> content = read_text_file(reading_.file(), std::string(reference.substr(5)));
    if (content)
      out += content.value();
    else
      reading_.error("unreadable-file", path, span, content.error().message);
    return content.has_value();
  }
  const bool is_param = value_of(reference) != nullptr;
  reading_.error("bad-reference", path, span,
                 "\"${" + std::string(reference) + "}\" in \"" + node.text.substr(0, 80) + "\" refers to nothing",
                 is_param ? "did you mean \"${param." + std::string(reference) + "}\"?" : forms());
  return false;
}

const JsonNode* Substitution::value_of(std::string_view param) const {
  if (!params_) return nullptr;
  const auto found = params_->find(param);
  return found == params_->end() ? nullptr : &found->second;
}

std::string Substitution::forms() const { return std::string(params_ ? kForms : kFormsWithoutParams); }

bool Substitution::resolve_param(std::string_view name, const Path& path, Span span, std::string& out) {
  if (!params_) {
    reading_.error("bad-reference", path, span, "there are no params here: params are of manifests", forms());
    return false;
  }
  if (const JsonNode* const value = value_of(name)) {
    out += value->kind == JsonKind::kBool ? value->json() : value->text;
    return true;
  }
  std::vector<std::string> declared;
  for (const ParamDeclaration& p : *declared_) {
    if (p.name == name) return false;  // that it has no value is reported already
    declared.push_back(p.name);
  }
  std::string hint = reading_.suggestion(name, declared);
  if (hint.empty()) hint = "declare it in \"params\"";
  reading_.error("unknown-param", path, span, "there is no param \"" + std::string(name) + "\"", std::move(hint));
  return false;
}

bool Substitution::resolve_variable(std::string_view rest, const Path& path, Span span, std::string& out) {
  const size_t dash = rest.find(":-");
  const std::string name(rest.substr(0, dash));
  if (!is_variable(name)) {
    reading_.error("bad-reference", path, span, "\"" + name + "\" is not the name of an environment variable", forms());
    return false;
  }
  const char* value = reading_.variable(name);
  const bool is_empty = !value || *value == '\0';
  if (dash != std::string_view::npos && is_empty) {
    out += rest.substr(dash + 2);
    return true;
  }
  if (!value) {
    reading_.error("unset-variable", path, span, "the environment variable " + name + " is not set",
                   "set it, or write ${env." + name + ":-default}");
    return false;
  }
  if (!is_valid_utf8(value)) {
    reading_.error("unset-variable", path, span, "the environment variable " + name + " is not valid UTF-8");
    return false;
  }
  out += value;
  return true;
}

std::string escape_references(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == kOpen) out += '$';
    out += text[i];
  }
  return out;
}

Result<std::string> read_text_file(const std::string& beside, const std::string& path) {
  auto refuse = [&](const std::string& why) {
    return Error("unreadable-file", "cannot take in the file \"" + path + "\": " + why, ErrorClass::kConfig);
  };
  if (path.empty() || path.find('\0') != std::string::npos) return refuse("this is no path");
  const std::filesystem::path full = std::filesystem::path(beside).parent_path() / path;
  std::error_code fault;
  const std::filesystem::file_status status = std::filesystem::status(full, fault);
  if (!std::filesystem::exists(status)) return refuse(fault ? fault.message() : "it does not exist");
  if (!std::filesystem::is_regular_file(status)) return refuse("it is not a regular file");  // a pipe or a device may never end
  std::ifstream in(full, std::ios::binary);
  if (!in) return refuse("it cannot be opened");
  std::string content(kMaxFileBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return refuse("reading it failed");
  content.resize(static_cast<size_t>(in.gcount()));
  if (content.size() > kMaxFileBytes) return refuse("it is longer than " + std::to_string(kMaxFileBytes) + " bytes");
  if (!is_valid_utf8(content)) return refuse("it is not valid UTF-8");
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  return content;
}

}  // namespace heddle
