// CheckChild: one check in a process of its own, so that a crash and a hang are results.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "check/plugin_check.h"
#include "result.h"

namespace heddle {

// The descriptor on which the child reports, and the option that says so: one JSON object per line.
inline constexpr int kReportDescriptor = 3;
inline constexpr char kReportOption[] = "--report";
std::string report_line(const Verdict& verdict);
std::string report_line_at(std::string_view doing);

class CheckChild {
 public:
  // Starts this program again with `arguments` (from argv[0]) in `folder`, where it may leave files; killed after `limit_ms`.
  CheckChild(const std::vector<std::string>& arguments, const std::string& folder, uint64_t limit_ms);
  ~CheckChild();  // kills it, if it is not over
  CheckChild(const CheckChild&) = delete;
  CheckChild& operator=(const CheckChild&) = delete;

  // Waits until at least one of them is over, or has something to say. False: `stop_fd` can be read (-1: there is none).
  static bool wait_for_one(std::span<CheckChild* const> children, int stop_fd);
  bool is_over() const { return pid_ < 0; }
  // Once it is over.
  const Verdict& verdict() const { return verdict_; }
  uint64_t took_ms() const { return took_ms_; }

 private:
  void look(uint64_t now);
  void read_report();
  void finish(const std::string& how);
  std::string last_words() const;

  pid_t pid_ = -1;
  int process_ = -1;  // a pidfd
  int report_ = -1;
  uint64_t begun_ns_, until_ns_, limit_ms_, took_ms_ = 0;
  std::string words_path_;  // what it writes on stdout and stderr
  std::string text_;        // of the report, so far
  Verdict verdict_;
};

}  // namespace heddle
