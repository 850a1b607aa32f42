#include "check/host_deeds.h"

namespace heddle {
namespace {

using Share = HostPromise::Share;
constexpr char kTwice[] = "completed a call twice";
constexpr char kNotComplete[] = "emitted from a call that is complete";
constexpr char kNoPort[] = "which it does not have";
constexpr char kLate[] = "HostileLate";

// Of a pattern that takes time 2^n to fail: so many that it would take days.
constexpr char kLongToMatch[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";

std::vector<HostDeeds> make_deeds() {
  return {
      {"completes-twice", "A call that is completed more than once counts once, and the plugin is named.", {{{.deed = "completes-twice"}, {.fault = kTwice}}}},
      {"never-completes", "A call that is not completed when process returns fails, and the plugin is named.",
       {{{.deed = "never-completes"}, {.fault = "without completing a call", .passed = Share::kNone, .failed = Share::kAll, .failure = "no-answer"}}}},
      {"completes-late", "A call that is not completed in time fails by timeout; its answer, when it comes, changes nothing, and a second one is named.",
       {{{.type = kLate, .deed = "completes-late", .settings = R"(,"timeout_ms":50)", .items = 12}, {.passed = Share::kNone, .failed = Share::kAll, .failure = "timeout"}},
        {{.type = kLate, .deed = "completes-late-and-twice", .settings = R"(,"timeout_ms":50)", .items = 12}, {.fault = kTwice, .passed = Share::kNone, .failed = Share::kAll, .failure = "timeout"}}}},
      {"stops-a-silent-node", "A run that is told to end gives up calls which are never completed, and accounts for them.",
       {{{.type = kLate, .deed = "keeps-all", .items = 12, .is_stopped = true}, {.passed = Share::kNone}}}},
      {"hangs", "A call that does not come back is given up by timeout; the others go on, on another thread.",
       {{{.deed = "hangs", .settings = R"(,"timeout_ms":200)", .items = 12}, {.passed = Share::kAny, .failed = Share::kAny, .failure = "timeout", .leaves_thread = true}}}},
      {"uses-an-old-call", "A call that is complete gives nothing and takes nothing more, and the plugin is named.", {{{.deed = "uses-an-old-call"}, {.fault = kTwice}}}},
      {"answers-for-another", "A call that another node completes counts once, and who had it is named.",
       {{{.deed = "lends-its-call", .second = "answers-for-another"}, {.fault = kTwice}}}},
      {"races-to-complete", "A call that several threads complete at the same moment counts once, and the plugin is named.",
       {{{.deed = "races-to-complete"}, {.fault = kTwice}}, {{.deed = "races-to-emit"}, {.fault = kTwice}}, {{.type = kLate, .deed = "races-to-complete"}, {.fault = kTwice}}}},
      {"answers-from-own-thread", "A call may be answered by a thread of the plugin's own, and once.", {{{.type = kLate, .deed = "answers-from-own-thread"}, {.fault = kTwice}}}},
      {"emits-on-no-port", "What is emitted on a port that is not there is INVALID, its item fails, and the plugin is named.",
       {{{.deed = "emits-on-no-port"}, {.fault = kNoPort, .passed = Share::kNone, .failed = Share::kAll, .failure = "broken-contract"}}}},
      {"emits-after-complete", "What is emitted by a call that is complete is INVALID and goes nowhere, and the plugin is named.", {{{.deed = "emits-after-complete"}, {.fault = kNotComplete}}}},
      {"emits-no-value", "An emit without a value is INVALID, and the plugin is named.", {{{.deed = "emits-no-value"}, {.fault = "emitted no value"}}}},
      {"emits-without-end", "A million values of one item are taken in, or answered AGAIN where the node can wait; whoever does not heed that loses its own values alone.",
       {{{.deed = "emits-a-million", .items = 100}},
        {{.type = kLate, .deed = "heeds-no-again", .items = 100}, {.passed = Share::kNone}},
        {{.type = kLate, .deed = "forgets-itself", .items = 20}, {.fault = kTwice}}}},
      {"takes-twice", "An input can be taken once.", {{{.deed = "takes-twice"}}}},
      {"odd-statuses", "A status that no header knows is a failure where it is negative, and none where it is not.",
       {{{.deed = "odd-statuses"}, {.passed = Share::kOdd, .failed = Share::kEven, .failure = "internal"}}}},
      {"odd-reasons", "Reasons and details of any size and bytes are cut and cleaned before anybody sees them.",
       {{{.deed = "odd-reasons", .items = 50}, {.passed = Share::kNone, .failed = Share::kAll}},
        {{.deed = "odd-details", .items = 50}, {.passed = Share::kNone, .failed = Share::kAll, .failure = "see the details"}},
        {{.deed = "odd-failures", .items = 20}}}},
      {"odd-progress", "Progress that makes no sense harms nobody.", {{{.deed = "odd-progress"}}}},
      {"asks-for-nonsense", "A service that is not there is null, whatever its id.", {{{.deed = "asks-for-nonsense", .items = 20}}}},
      {"asks-for-the-wrong-kind", "A value that is asked for what it is not, or past its end, says no and writes nothing.", {{{.deed = "asks-for-the-wrong-kind"}}}},
      {"makes-bad-values", "No value is made of text that is not UTF-8, JSON that is none, numbers that are none, or members that are missing.",
       {{{.deed = "makes-bad-text"}}, {{.deed = "makes-bad-containers"}}}},
      {"makes-deep-values", "Values that are nested a million deep are passed on, written and freed; JSON deeper than 1,024 is not read.", {{{.deed = "makes-deep-values", .items = 10}}}},
      {"makes-wide-values", "Values of a million members are passed on, written and freed.", {{{.deed = "makes-wide-values", .items = 10}}}},
      {"makes-bad-tensors", "No tensor is made whose shape is negative, overflows or is absent, and it stays its maker's.", {{{.deed = "makes-bad-tensors"}}}},
      {"makes-bad-buffers", "Bytes are inside of their buffer; one that nobody can read is written as null.", {{{.deed = "makes-bad-buffers"}}, {{.deed = "emits-unreadable-bytes", .items = 50}}}},
      {"floods-the-log", "Of the lines of a node 1,000 are kept in a second, and the rest is counted.", {{{.deed = "floods-the-log", .items = 20}, {.line = "lines dropped"}}}},
      {"logs-nonsense", "A line of a node stays one line of the log, under the node's name, and steers no terminal.", {{{.deed = "logs-nonsense", .items = 20}, {.line = "heddle: error: hostile: heddle: "}}}},
      {"posts-too-much", "Functions and timers beyond 65,536 are EXHAUSTED; those that wait when their object goes are dropped.",
       {{{.deed = "posts-too-much", .items = 20}}, {{.deed = "posts-for-ever", .items = 20}}, {{.deed = "posts-no-function", .items = 20}}}},
      {"create-fails", "A create that fails stops the start, and what it has posted is dropped.",
       {{{.deed = "create-fails"}, {.refusal = "on purpose"}}, {{.deed = "create-answers-4711"}, {.refusal = "refuses its params"}}, {{.deed = "create-answers-minimum"}, {.refusal = "refuses its params"}}}},
      {"create-gives-no-table", "An object without a table, or with one that lacks what it must have, is refused.",
       {{{.deed = "create-gives-no-table"}, {.refusal = "breaks the contract"}}, {{.deed = "create-gives-short-table"}, {.refusal = "breaks the contract"}}}},
      {"odd-starts", "Activate and deactivate count once; what they do not answer in time ends the start, or is warned of; their op is no call.",
       {{{.deed = "activates-twice"}, {.fault = "completed an operation twice"}},
        {{.deed = "activate-fails"}, {.refusal = "on purpose"}},
        {{.deed = "activates-never"}, {.refusal = "activate gave no answer"}},
        {{.deed = "deactivates-never", .items = 20}, {.line = "did not stop cleanly"}},
        {{.deed = "takes-start-for-call"}, {.fault = "took an operation for a call"}}}},
      {"uses-the-host-too-late", "What an object asks of the host in deactivate and destroy is answered, and changes nothing.", {{{.deed = "uses-the-host-too-late"}, {.fault = kTwice}}}},
      {"bad-schemas", "A params schema that is none is refused; one that is dear or goes in circles costs no more time than there is.",
       {{{.type = "HostileSchema"}, {.refusal = "schema"}},
        {{.type = "HostileSlowSchema", .deed = kLongToMatch}, {.refusal = "pattern"}},
        {{.type = "HostileDearSchema", .params = "{\"deed\":" + std::string(50, '[') + std::string(50, ']') + "}"}, {.refusal = "steps"}},
        {{.type = "HostileEndlessSchema"}, {.refusal = "schema"}}}},
      {"process-state-in-calls", "What a call has changed of the process is named by the check of plugins that looks for it, and put back.", {},
       {{"changes-umask", "the umask"}, {"changes-locale", "the locale"}, {"changes-signals", "the handler of signal"}, {"changes-folder", "the working directory"}, {"changes-float-mode", "the floating-point mode"}}},
  };
}

}  // namespace

std::span<const HostDeeds> host_deeds() {
  static const std::vector<HostDeeds> all = make_deeds();
  return all;
}

}  // namespace heddle
