#include "words.h"

#include <grpc/support/log.h>
#include <heddle/sdk/host.h>

#include <cstring>

namespace transport_grpc {
namespace {

thread_local bool listens = false;
thread_local std::string heard;

void hear(gpr_log_func_args* line) {
  if (listens && line->severity == GPR_LOG_SEVERITY_ERROR && heard.empty()) heard = line->message;
  if (heddle::sdk::detail::services.host) heddle::sdk::Log(heddle::sdk::detail::services.host).debug(line->message);
}

}  // namespace

void take_words() { gpr_set_log_function(hear); }
void release_words() { gpr_set_log_function(nullptr); }

Words::Words() {
  listens = true;
  heard.clear();
}
Words::~Words() { listens = false; }

// Where an error of the system is at the bottom of it, that is the reason.
std::string Words::why() const {
  constexpr std::string_view kBottom = "os_error:\"";
  if (heard.empty()) return {};
  if (const size_t at = heard.find(kBottom); at != heard.npos) return ": " + heard.substr(at + kBottom.size(), heard.find('"', at + kBottom.size()) - at - kBottom.size());
  return ": " + heard.substr(0, heard.find(" {"));
}

}  // namespace transport_grpc
