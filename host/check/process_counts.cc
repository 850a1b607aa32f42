#include "check/process_counts.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace heddle {
namespace {

size_t entries(const char* folder) {
  std::error_code failed;
  std::filesystem::directory_iterator all(folder, failed);
  return failed ? 0 : static_cast<size_t>(std::distance(std::filesystem::begin(all), std::filesystem::end(all)));
}

}  // namespace

size_t thread_count() { return entries("/proc/self/task"); }
size_t open_descriptors() { return entries("/proc/self/fd"); }

uint64_t resident_bytes() {
  uint64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string counted(size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? " was" : "s were"); }

}  // namespace heddle
