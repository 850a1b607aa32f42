#include "cli/type_page.h"

#include <memory>

#include "cli/params_table.h"
#include "cli/time_text.h"
#include "cli/type_facts.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// Writes one page from its top to its end.
class Page {
 public:
  virtual ~Page() = default;
  virtual void title(const std::string& name, const std::string& summary) = 0;
  virtual void section(const std::string& name) = 0;     // a plugin
  virtual void subsection(const std::string& name) = 0;  // a type of it
  virtual void paragraph(const std::string& text) = 0;
  virtual void facts(const Facts& facts) = 0;
  virtual void params(const std::vector<ParamRow>& rows) = 0;
  const std::string& text() const { return out_; }

 protected:
  std::string out_;
};

std::string kind_of_param(const ParamRow& row) { return row.type + (row.limits.empty() ? "" : ", " + row.limits); }

std::string fallback_of(const ParamRow& row) { return row.fallback.empty() || row.fallback == "required" ? row.fallback : "default " + row.fallback; }

class MarkdownPage : public Page {
 public:
  void title(const std::string& name, const std::string& summary) override {
    out_ += "# " + escaped(name) + "\n\n";
    if (!summary.empty()) paragraph(summary);
  }
  void section(const std::string& name) override { out_ += "## " + escaped(name) + "\n\n"; }
  void subsection(const std::string& name) override { out_ += "### " + escaped(name) + "\n\n"; }
  void paragraph(const std::string& text) override { out_ += escaped(text) + "\n\n"; }
  void facts(const Facts& facts) override {
    out_ += "| | |\n|---|---|\n";
    for (const auto& [name, text] : facts) out_ += "| " + escaped(name) + " | " + escaped(text) + " |\n";
    out_ += "\n";
  }
  void params(const std::vector<ParamRow>& rows) override {
    if (rows.empty()) return paragraph("It has no params.");
    out_ += "| param | is | default | meaning |\n|---|---|---|---|\n";
    for (const ParamRow& row : rows)
      out_ += "| `" + bare(row.name) + "` | " + escaped(kind_of_param(row)) + " | " + escaped(row.fallback) + " | " + escaped(row.meaning) + " |\n";
    out_ += "\n";
  }

 private:
  // In a row of a table even code may not have a bar or a line's end.
  static std::string bare(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '|' || c == '`' || c == '\n' ? ' ' : c;
    return out;
  }
  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (std::string_view("\\`*_{}[]<>#|~").find(c) != std::string_view::npos) out += '\\';
      out += c == '\n' ? ' ' : c;
    }
    return out;
  }
};

class ManPage : public Page {
 public:
  void title(const std::string& name, const std::string& summary) override {
    out_ += ".Dd " + utc_date("%B %e, %Y") + "\n.Dt " + word(name) + " 7\n.Os heddle\n.Sh NAME\n.Nm " + word(name) + "\n.Nd " + line(summary.empty() ? "a type of heddle" : summary) + "\n";
  }
  void section(const std::string& name) override { out_ += ".Sh " + plain(name) + "\n"; }
  void subsection(const std::string& name) override { out_ += ".Ss " + plain(name) + "\n"; }
  void paragraph(const std::string& text) override { out_ += line(text) + "\n.Pp\n"; }
  void facts(const Facts& facts) override {
    out_ += ".Bl -tag -width concurrency -compact\n";
    for (const auto& [name, text] : facts) out_ += ".It " + plain(name) + "\n" + line(text) + "\n";
    out_ += ".El\n";
  }
  void params(const std::vector<ParamRow>& rows) override {
    if (rows.empty()) {
      out_ += ".Pp\nIt has no params.\n";
      return;
    }
    out_ += ".Pp\nParams:\n.Bl -tag -width Ds\n";
    for (const ParamRow& row : rows) {
      out_ += ".It Cm " + plain(row.name) + "\n" + line(kind_of_param(row) + (row.fallback.empty() ? "" : "; " + fallback_of(row))) + "\n";
      if (!row.meaning.empty()) out_ += ".br\n" + line(row.meaning) + "\n";
    }
    out_ += ".El\n";
  }

 private:
  // One line of text, in which roff and mdoc see nothing of theirs.
  static std::string line(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '\\') out += "\\e";
      else out += c == '\n' ? ' ' : c;
    }
    const bool like_a_request = !out.empty() && (out[0] == '.' || out[0] == '\'');
    return like_a_request ? "\\&" + out : out;
  }
  // An argument that is no macro's name.
  static std::string plain(const std::string& text) { return "\"\\&" + without_quotes(text) + "\""; }
  // One argument of a macro.
  static std::string word(const std::string& text) { return "\"" + without_quotes(text) + "\""; }
  static std::string without_quotes(const std::string& text) {
    std::string out;
    for (const char c : line(text)) out += c == '"' ? "\"\"" : std::string(1, c);
    return out;
  }
};

std::unique_ptr<Page> page_of(PageFormat format) {
  if (format == PageFormat::kMan) return std::make_unique<ManPage>();
  return std::make_unique<MarkdownPage>();
}

void describe(Page& page, const PluginDescriptor& plugin, const TypeDescriptor& type) {
  Facts facts = facts_of(plugin, type);
  std::erase_if(facts, [](const auto& fact) { return fact.first == "file"; });  // a page is for every machine
  page.facts(facts);
  page.params(params_table(json_or_text(type.params_schema)));
}

}  // namespace

std::string type_page(PageFormat format, const PluginDescriptor& plugin, const TypeDescriptor& type) {
  const auto page = page_of(format);
  page->title(type.type, type.summary);
  if (format == PageFormat::kMan) page->section("DESCRIPTION");
  describe(*page, plugin, type);
  return page->text();
}

std::string plugins_page(PageFormat format, const std::vector<const PluginDescriptor*>& plugins) {
  const auto page = page_of(format);
  page->title("heddle-types", "the types of heddle's plugins");
  for (const PluginDescriptor* const plugin : plugins) {
    page->section(plugin_line(*plugin));
    if (!plugin->summary.empty()) page->paragraph(plugin->summary);
    for (const TypeDescriptor& type : plugin->types) {
      page->subsection(type.type);
      if (!type.summary.empty()) page->paragraph(type.summary);
      describe(*page, *plugin, type);
    }
  }
  return page->text();
}

}  // namespace heddle
