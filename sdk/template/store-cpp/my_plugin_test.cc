// The medium of MyType, as a store calls it.
#include <heddle/sdk/error.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "my_plugin_medium.h"

namespace {

using plugin::Medium;

int failures = 0;

void expect(bool as_promised, const char* promise) {
  if (as_promised) return;
  std::fprintf(stderr, "not kept: %s\n", promise);
  ++failures;
}

bool refuses_to_open(Medium& medium) {
  try {
    medium.open();
  } catch (const heddle::sdk::Error&) {
    return true;
  }
  return false;
}

std::string keys(const Medium& medium, std::string_view from, std::string_view until) {
  std::string found;
  medium.scan(from, until, [&](std::string_view key, std::string_view value, uint64_t version) {
    found += std::string(key) + "=" + std::string(value) + "@" + std::to_string(version) + " ";
    return true;
  });
  return found;
}

void fill(const std::string& path) {
  Medium medium(path);
  medium.open();
  medium.begin();
  medium.put("b", "two", 1);
  medium.put("a", "one", 1);
  medium.put("c", "", 1);
  medium.flush();
  medium.begin();
  medium.put("b", "zwei", 2);
  medium.erase("c");
  medium.flush();
  medium.begin();
  medium.put("a", "lost", 3);
  medium.roll_back();
  expect(keys(medium, "", "z") == "a=one@1 b=zwei@2 ", "what is rolled back was never there");

  Medium other(path);
  expect(refuses_to_open(other), "a file belongs to one store at a time");
}

void read_again(const std::string& path) {
  Medium medium(path);
  medium.open();
  expect(keys(medium, "", "z") == "a=one@1 b=zwei@2 ", "what was flushed is there again, in order");
  expect(keys(medium, "a", "b") == "a=one@1 ", "a range ends before its end");
  Medium::Stored found;
  expect(medium.get("b", found) && found.value == "zwei" && medium.version("b") == 2, "a key has its last value and version");
  expect(!medium.get("c", found) && medium.version("c") == 0, "an erased key is absent");
  medium.close();
  medium.open();
  expect(medium.version("b") == 2, "it can be opened again");
}

void damage(const std::string& path) {
  std::fstream(path, std::ios::in | std::ios::out | std::ios::ate).seekp(-1, std::ios::end) << "X";
  Medium medium(path);
  expect(refuses_to_open(medium), "a damaged file is refused");
}

}  // namespace

int main() {
  std::string folder = std::filesystem::temp_directory_path() / "my_plugin_test.XXXXXX";
  if (!::mkdtemp(folder.data())) return 2;
  const std::string path = folder + "/kept";
  fill(path);
  read_again(path);
  damage(path);
  std::filesystem::remove_all(folder);
  return failures == 0 ? 0 : 1;
}
