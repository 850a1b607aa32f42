// The functions of the table in plugin_check.cc; what each promises is said there.
#pragma once
#include "check/plugin_check.h"

namespace heddle {

// file_checks.cc
Verdict check_note(const CheckSubject& subject);
Verdict check_version(const CheckSubject& subject);
Verdict check_entry(const CheckSubject& subject);
Verdict check_one_symbol(const CheckSubject& subject);
Verdict check_foreign_symbols(const CheckSubject& subject);
Verdict check_needed_libraries(const CheckSubject& subject);
Verdict check_needed_glibc(const CheckSubject& subject);
// load_checks.cc
Verdict check_loads(const CheckSubject& subject);
Verdict check_note_equals_code(const CheckSubject& subject);
Verdict check_process_state(const CheckSubject& subject);
Verdict check_starts_no_thread(const CheckSubject& subject);
// life_checks.cc
Verdict check_creates(const CheckSubject& subject);
Verdict check_bad_params(const CheckSubject& subject);
Verdict check_fuzzed_params(const CheckSubject& subject);
Verdict check_create_destroy(const CheckSubject& subject);
Verdict check_two_instances(const CheckSubject& subject);
Verdict check_activates(const CheckSubject& subject);
// call_checks.cc
Verdict check_completes_once(const CheckSubject& subject);
Verdict check_emits_on_its_ports(const CheckSubject& subject);
Verdict check_after_error(const CheckSubject& subject);
Verdict check_state_in_calls(const CheckSubject& subject);
Verdict check_deep_values(const CheckSubject& subject);
Verdict check_huge_values(const CheckSubject& subject);
// load_of_calls_checks.cc
Verdict check_again_then_resume(const CheckSubject& subject);
Verdict check_cancel_in_flight(const CheckSubject& subject);
Verdict check_parallel_calls(const CheckSubject& subject);
Verdict check_thread_tags(const CheckSubject& subject);
Verdict check_memory_growth(const CheckSubject& subject);
// other_kinds_checks.cc
Verdict check_store_answers(const CheckSubject& subject);
Verdict check_listens(const CheckSubject& subject);
// remote_kinds_checks.cc
Verdict check_calls(const CheckSubject& subject);
Verdict check_workers(const CheckSubject& subject);

}  // namespace heddle
