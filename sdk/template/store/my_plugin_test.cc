// MyType without heddle: the SDK's fake host loads its object files and asks it through the plugin's own entry.
#include <heddle/sdk/fake_object.h>
#include <heddle/store.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace sdk = heddle::sdk;

namespace {

int failures = 0;

void expect(bool as_promised, const char* promise) {
  if (as_promised) return;
  std::fprintf(stderr, "not kept: %s\n", promise);
  ++failures;
}

heddle_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }
heddle_write put(std::string_view key, std::string_view value) { return {HEDDLE_PUT, bytes(key), bytes(value), 0}; }
heddle_write erase(std::string_view key) { return {HEDDLE_ERASE, bytes(key), {}, 0}; }
heddle_write check(std::string_view key, uint64_t version) { return {HEDDLE_CHECK, bytes(key), {}, version}; }

class Store {
 public:
  Store(sdk::FakeHost& host, const std::string& path) : object_(host, HEDDLE_KIND_STORE, "MyType", "{\"path\":\"" + path + "\"}") {}

  const sdk::FakeCall& commit(std::initializer_list<heddle_write> writes) {
    return object_.ask(&heddle_store::commit, writes.begin(), static_cast<uint32_t>(writes.size()));
  }
  const sdk::FakeCall& get(std::string_view name) {
    const heddle_bytes key = bytes(name);
    return object_.ask(&heddle_store::get, &key);
  }
  const sdk::FakeCall& scan(std::string_view from, std::string_view until, uint32_t limit) {
    const heddle_range range = {sizeof range, limit, bytes(from), bytes(until), 0};
    return object_.ask(&heddle_store::scan, &range);
  }
  void open() { object_.activate(); }
  void close() { object_.deactivate(); }

 private:
  sdk::FakeObject<heddle_store> object_;
};

bool refuses_to_open(sdk::FakeHost& host, const std::string& path) {
  try {
    const Store store(host, path);
  } catch (const sdk::Error&) {
    return true;
  }
  return false;
}

void fill(sdk::FakeHost& host, const std::string& path) {
  Store store(host, path);
  const std::string first = store.commit({put("b", "two"), put("a", "one"), put("c", "")}).details();
  const std::string second = store.commit({check("b", std::stoull(first)), put("b", "zwei"), erase("c"), erase("d")}).details();
  expect(std::stoull(first) < std::stoull(second), "the number of a commit is larger than that of the one before");
  const auto& late = store.commit({put("a", "lost"), check("b", std::stoull(first))});
  expect(late.status() == HEDDLE_CONFLICT && late.details() == "{\"write\":1,\"version\":" + second + "}", "a check fails where the key was written since, and says so");
  expect(store.commit({check("c", 0), check("a", std::stoull(first))}).status() == HEDDLE_OK, "a key that was erased is absent, and a commit that failed has changed nothing");
  expect(store.commit({put("", "x")}).status() == HEDDLE_INVALID && store.get("").status() == HEDDLE_INVALID, "a key is not empty");
  expect(store.commit({put(std::string(HEDDLE_KEY_MAX + 1, 'k'), "x")}).status() == HEDDLE_INVALID, "a key is not too long");
  expect(refuses_to_open(host, path), "a file belongs to one store at a time");
}

void read_again(sdk::FakeHost& host, const std::string& path) {
  Store store(host, path);
  expect(store.get("c").status() == HEDDLE_NOT_FOUND, "what was erased stays so");
  const std::string b = store.get("b").details(), whole = store.scan("", "", 0).details();
  expect(b.starts_with("[\"endlaQ==\","), "a key has its last value");  // zwei
  expect(whole.starts_with("{\"rows\":[[\"YQ==\",\"b25l\",") && whole.ends_with("]],\"more\":false}"), "all that was kept is there again, in order");
  expect(store.scan("", "", 1).details().ends_with("]],\"more\":true}"), "a page ends where it shall, and says that there is more");
  expect(store.scan("a", "b", 0).details().find("\"Yg==\"") == std::string::npos, "a range ends before its end");
  expect(store.scan("b", "a", 0).details() == "{\"rows\":[],\"more\":false}", "a range without keys is empty");
  const uint64_t last = std::stoull(b.substr(b.find(',') + 1));
  store.close();
  expect(store.get("b").status() == HEDDLE_UNAVAILABLE, "a store that is not active says so");
  store.open();
  expect(store.get("b").details() == b && std::stoull(store.commit({}).details()) > last, "it can be opened again, and goes on with larger numbers");
}

void damage(sdk::FakeHost& host, const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char other = static_cast<char>(file.get() ^ 1);
  file.seekp(-1, std::ios::end);
  file.put(other);
  file.close();
  expect(refuses_to_open(host, path), "a damaged file is refused");
}

}  // namespace

int main() {
  std::string folder = std::filesystem::temp_directory_path() / "my_plugin_test.XXXXXX";
  if (!::mkdtemp(folder.data())) return 2;
  const std::string path = folder + "/kept";
  {
    sdk::FakeHost host;
    fill(host, path);
    read_again(host, path);
    damage(host, path);
    for (const std::string& fault : host.faults()) expect(false, fault.c_str());
  }
  expect(sdk::FakeHost::live_values() == 0, "every value is released");
  std::filesystem::remove_all(folder);
  return failures == 0 ? 0 : 1;
}
