// What is seen while the plugin is loaded. Each of these runs in a process that has not loaded it before.
#include "check/check_runs.h"
#include "check/process_counts.h"
#include "plugin/library.h"

namespace heddle {
namespace {

// Whether a failed load is what the check with that name is for.
bool is_difference(const Error& why) { return why.code == "note-differs" || why.code == "minor-too-new" || why.code == "wrong-major" || why.code == "no-entry"; }

}  // namespace

Verdict check_loads(const CheckSubject& subject) {
  auto library = Library::load(subject.plugin);
  if (library || is_difference(library.error()) || library.error().code == "state-changed") return passed();
  return failed(library.error().text(), "what it needs beside the host must be there when it is loaded; what can fail later belongs into activate");
}

Verdict check_note_equals_code(const CheckSubject& subject) {
  auto library = Library::load(subject.plugin);
  if (library && subject.plugin.types.empty()) return failed("it offers no type", "write a HEDDLE_NOTE_TYPE for each type, and a factory: see heddle/note.h and heddle/plugin.h");
  if (library || !is_difference(library.error())) return passed();
  return failed(library.error().text(), "write the note and the code's descriptor from one macro: see heddle/note.h");
}

Verdict check_process_state(const CheckSubject& subject) {
  auto library = Library::load(subject.plugin);
  if (library || library.error().code != "state-changed") return passed();
  return failed(library.error().text(), "leave alone what is the whole process's; link without -ffast-math, which sets the floating-point mode");
}

Verdict check_starts_no_thread(const CheckSubject& subject) {
  const size_t before = thread_count();
  auto library = Library::load(subject.plugin);
  const size_t after = thread_count();
  if (after <= before) return passed();
  return failed(counted(after - before, "thread") + " started", "start threads in activate, and end them in deactivate; better, post work to heddle.sched/1");
}

}  // namespace heddle
