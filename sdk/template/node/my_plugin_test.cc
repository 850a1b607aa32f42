// MyType without heddle: the SDK's fake host loads its object files and drives it through the plugin's own entry.
#include <heddle/sdk/fake_host.h>

#include <cstdio>

namespace sdk = heddle::sdk;

namespace {

int failures = 0;

void expect(bool as_promised, const char* promise) {
  if (as_promised) return;
  std::fprintf(stderr, "not kept: %s\n", promise);
  ++failures;
}

void tests(sdk::FakeHost& host) {
  auto twice = host.create("MyType");
  expect(twice.send("21")->outputs() == std::vector<std::string>{"42.0"}, "a number is doubled");

  auto thrice = host.create("MyType", R"({"by":3})");
  expect(thrice.send("7")->outputs() == std::vector<std::string>{"21.0"}, "\"by\" says what a number is multiplied by");

  auto* failed = thrice.send("\"seven\"");
  expect(failed->status() == HEDDLE_INVALID && failed->why() == "MyType takes a number", "what is no number fails, and says why");
  expect(thrice.send("8")->outputs() == std::vector<std::string>{"24.0"}, "an item that fails costs no other");
  expect(thrice.send("1e308")->status() == HEDDLE_INVALID, "a result that is not finite is a failure");
}

}  // namespace

int main() {
  {
    sdk::FakeHost host;
    tests(host);
    for (const std::string& fault : host.faults()) expect(false, fault.c_str());
  }
  expect(sdk::FakeHost::live_values() == 0, "every value is released");
  return failures == 0 ? 0 : 1;
}
