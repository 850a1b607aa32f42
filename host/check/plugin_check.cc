#include "check/plugin_check.h"

#include <algorithm>

#include "check/check_runs.h"

namespace heddle {
namespace {

using Scope = PluginCheck::Scope;
constexpr const char* kStarted = "node store transport sidecar";

constexpr PluginCheck kChecks[] = {
    {"note", "The file says what it is in ELF notes that can be read without running it.", Scope::kFile, "", "", false, check_note},
    {"wrong-version-refused", "It asks for an ABI that this host has; for any other one it is refused before its code runs.", Scope::kFile, "", "note", false, check_version},
    {"entry", "It exports the data object heddle_entry_v1.", Scope::kFile, "", "wrong-version-refused", false, check_entry},
    {"one-symbol", "It exports no other name, which could clash with another plugin's.", Scope::kFile, "", "entry", false, check_one_symbol},
    {"foreign-symbols", "It has no undefined heddle_* symbol: the host exports none.", Scope::kFile, "", "entry", false, check_foreign_symbols},
    {"needed-libraries", "It names libraries, not files, and does not look for them in a folder of the machine that built it.", Scope::kFile, "", "note", false, check_needed_libraries},
    {"needed-glibc", "It needs no newer C library than this machine has.", Scope::kFile, "", "foreign-symbols", false, check_needed_glibc},

    {"loads", "It can be loaded and initialised.", Scope::kPlugin, "", "needed-glibc", false, check_loads},
    {"note-equals-code", "Its code offers the types that its notes describe, in the same words.", Scope::kPlugin, "", "loads", false, check_note_equals_code},
    {"process-state", "Loading it leaves alone what belongs to the process: floating-point mode, signals, locale, umask, working directory.", Scope::kPlugin, "", "note-equals-code", false, check_process_state},
    {"no-thread-at-load", "Loading it starts no thread.", Scope::kPlugin, "", "process-state", false, check_starts_no_thread},

    {"creates", "An object can be created and destroyed.", Scope::kType, "", "process-state", false, check_creates},
    {"bad-params", "Params that are none of its type's are refused with a reason.", Scope::kType, "", "creates", false, check_bad_params},
    {"fuzzed-params", "Whatever its schema lets through, create answers with an object or with a reason.", Scope::kType, "", "creates", true, check_fuzzed_params},
    {"create-destroy-1000", "Creating and destroying 1,000 objects leaves no memory, descriptor or thread behind.", Scope::kType, "", "creates", false, check_create_destroy},
    {"two-instances", "Two objects at the same time do not disturb each other, in whatever order they go.", Scope::kType, "", "creates", false, check_two_instances},
    {"activates", "Activate and deactivate are answered, each once.", Scope::kType, kStarted, "creates", false, check_activates},

    {"completes-once", "Each call is completed once, in the time that the type asks for.", Scope::kType, "node", "activates", false, check_completes_once},
    {"emits-on-its-ports", "It emits on the ports that it declares.", Scope::kType, "node", "completes-once", false, check_emits_on_its_ports},
    {"after-error", "A call that fails does not harm those after it.", Scope::kType, "node", "emits-on-its-ports", false, check_after_error},
    {"process-state-in-calls", "Creating, calling and destroying an object leaves alone what belongs to the process.", Scope::kType, "node", "emits-on-its-ports", false, check_state_in_calls},
    {"deep-values", "Values that are nested 1,000 deep are answered.", Scope::kType, "node", "emits-on-its-ports", false, check_deep_values},
    {"huge-values", "A text of 16 MiB, 100,000 members and a number of 2,000 digits are answered.", Scope::kType, "node", "emits-on-its-ports", false, check_huge_values},
    {"again-then-resume", "A value for which there was no room is emitted again after resume, once.", Scope::kType, "node", "emits-on-its-ports", false, check_again_then_resume},
    {"cancel-in-flight", "A call that is cancelled is completed all the same.", Scope::kType, "node", "emits-on-its-ports", false, check_cancel_in_flight},
    {"parallel-calls", "A type that declares \"parallel\" answers calls from several threads at once.", Scope::kType, "node", "emits-on-its-ports", true, check_parallel_calls},
    {"thread-tags", "Create, activate, process and destroy may each be on a thread of their own, and none of the type's is left after destroy.", Scope::kType, "node", "emits-on-its-ports", false, check_thread_tags},
    {"memory-growth", "100,000 items leave the memory as it was after the first ones.", Scope::kType, "node", "emits-on-its-ports", false, check_memory_growth},

    {"store-answers-once", "Commits, gets and scans are answered once.", Scope::kType, "store", "activates", false, check_store_answers},
    {"listens-and-closes", "It keeps the rules of the inbox while it listens, and can be closed.", Scope::kType, "transport", "activates", false, check_listens},
    {"calls-are-answered", "A call is answered once and over once, by a peer that is there and where there is none; a channel can be left.", Scope::kType, "transport", "listens-and-closes", false, check_calls},
    {"workers-are-left", "Whether there is a worker is said; it can be asked, drained and left, and what it was assigned is done once.", Scope::kType, "sidecar", "activates", false, check_workers},
};

}  // namespace

std::string_view name_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::kFail: return "fail";
    case Verdict::Kind::kNotApplicable: return "not-applicable";
    case Verdict::Kind::kPass: break;
  }
  return "pass";
}

bool PluginCheck::is_for(std::string_view kind) const {
  const std::string_view all(kinds);
  for (size_t at = 0; at < all.size();) {
    const size_t end = std::min(all.find(' ', at), all.size());
    if (all.substr(at, end - at) == kind) return true;
    at = end + 1;
  }
  return all.empty();
}

std::span<const PluginCheck> plugin_checks() { return kChecks; }

}  // namespace heddle
