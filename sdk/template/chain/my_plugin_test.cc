// MyType without heddle: the SDK's fake host loads its object files and asks it through the plugin's own entry.
#include <heddle/chain.h>
#include <heddle/sdk/fake_object.h>
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

class Chain {
 public:
  Chain(sdk::FakeHost& host, const std::string& path, const std::string& account, const std::string& more = "")
      : host_(host), object_(host, HEDDLE_KIND_CHAIN, "MyType", "{\"path\":\"" + path + "\",\"account\":\"" + account + "\"" + more + "}") {}

  const sdk::FakeCall& submit(std::string_view key, std::string_view intent) {
    const auto value = host_.value(intent);
    return object_.ask(&heddle_chain::submit, heddle_str{key.data(), key.size()}, sdk::fake::handle(value.value));
  }
  const sdk::FakeCall& read(std::string_view question) { return with(&heddle_chain::read, question); }
  const sdk::FakeCall& transactions(std::string_view filter) { return with(&heddle_chain::transactions, filter); }
  const sdk::FakeCall& events(std::string_view filter) { return with(&heddle_chain::events, filter); }
  sdk::FakeCall& wait_for_events(std::string_view filter) {
    const auto value = host_.value(filter);
    return object_.begin(&heddle_chain::events, sdk::fake::handle(value.value));
  }
  void open() { object_.activate(); }
  void close() { object_.deactivate(); }
  static void cancel(sdk::FakeCall& asked) { sdk::FakeObject<heddle_chain>::cancel(asked); }

 private:
  using Slot = void (*heddle_chain::*)(void*, const heddle_value*, heddle_op*) HEDDLE_FN;
  const sdk::FakeCall& with(Slot slot, std::string_view json) {
    const auto value = host_.value(json);
    return object_.ask(slot, sdk::fake::handle(value.value));
  }
  sdk::FakeHost& host_;
  sdk::FakeObject<heddle_chain> object_;
};

std::string refusal(sdk::FakeHost& host, const std::string& path, const std::string& account) {
  try {
    const Chain chain(host, path, account);
  } catch (const sdk::Error& why) {
    return why.what();
  }
  return {};
}

bool has(const sdk::FakeCall& answer, std::string_view text) { return answer.status() == HEDDLE_OK && answer.details().find(text) != std::string::npos; }
bool fails(const sdk::FakeCall& answer, heddle_status status, std::string_view code) { return answer.status() == status && answer.details() == "{\"code\":\"" + std::string(code) + "\"}"; }

size_t lines(const std::string& path) {
  std::ifstream file(path);
  size_t count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

std::string offer(std::string_view id, std::string_view more = "") {
  return R"({"do":"call","to":"ledger","function":"offer","args":[{"queue":"q","kind":"k","input":"21","activity":")" + std::string(id) + "\"" + std::string(more) + "}]}";
}

void work(sdk::FakeHost& host, const std::string& path) {
  Chain ada(host, path, "ada"), bob(host, path, "bob");
  const auto& first = ada.submit("offer/1", offer("a1"));
  expect(has(first, "\"key\":\"offer/1\",\"stage\":\"final\"") && has(first, "\"number\":0,\"attempts\":1,\"block\":1,"), "what was submitted is final, and in a block");
  expect(ada.submit("offer/1", offer("a9")).details() == first.details() && lines(path) == 2, "a key is taken once, whatever it says then");
  ada.submit("offer/2", offer("a2", R"(,"priority":5)"));
  ada.submit("offer/3", offer("a3", R"(,"expires_unix":1)"));
  expect(has(bob.read(R"({"ask":"offer","queue":"q","partition":0})"), "\"activity\":\"a2\""), "the highest priority comes first");
  expect(bob.read(R"({"ask":"offer","queue":"q","partition":1})").details() == "null", "a partition has its own offers");
  expect(has(bob.read(R"({"ask":"activity","activity":"a1"})"), "\"state\":\"offered\",\"input\":\"MjE=\""), "an activity has its input");
  expect(bob.read(R"({"ask":"activity","activity":"a9"})").details() == "null", "there is no activity that nobody offered");

  expect(bob.submit("claim/a1", R"({"do":"claim","activity":"a1","until":"included"})").status() == HEDDLE_OK, "an offer can be claimed");
  expect(fails(ada.submit("claim/a1", R"({"do":"claim","activity":"a1"})"), HEDDLE_INVALID, "refused") && lines(path) == 5, "not twice; and what is refused is not written");
  expect(fails(ada.submit("claim/a3", R"({"do":"claim","activity":"a3"})"), HEDDLE_INVALID, "refused"), "what has expired is not claimed");
  expect(fails(ada.submit("late", R"({"do":"claim","activity":"a2","not_after_unix":1})"), HEDDLE_DEADLINE, "too-late"), "what comes too late is not written");
  expect(bob.read(R"({"ask":"mine"})").details() == "[\"a1\"]" && ada.read(R"({"ask":"mine"})").details() == "[]", "whose an activity is");
  expect(bob.submit("beat", R"({"do":"heartbeat","activity":"a1","percent":40})").status() == HEDDLE_OK && has(ada.read(R"({"ask":"activity","activity":"a1"})"), "\"progress\":40"), "a heartbeat says how far it is");
  expect(fails(ada.submit("complete/a1", R"({"do":"complete","activity":"a1","result":"x"})"), HEDDLE_INVALID, "refused"), "nobody else completes it");
  expect(bob.submit("complete/a1", R"({"do":"complete","activity":"a1","result":"42"})").status() == HEDDLE_OK && has(ada.read(R"({"ask":"activity","activity":"a1"})"), "\"state\":\"completed\""), "its worker does");
  expect(fails(bob.submit("fail/a1", R"({"do":"fail","activity":"a1","reason":"no"})"), HEDDLE_INVALID, "refused"), "and once");
  expect(has(bob.transactions(R"({"most":1})"), "[{\"key\":\"complete/a1\",\"stage\":\"final\",\"number\":2,"), "the newest transaction comes first");
  expect(bob.transactions(R"({"open":true})").details() == "[]", "none of them is open");
  expect(has(bob.read(R"({"ask":"transaction","key":"beat"})"), "\"do\":\"heartbeat\"") && bob.read(R"({"ask":"transaction","key":"late"})").details() == "null", "a transaction is known by its key");
  expect(has(ada.read(R"({"ask":"call","to":"ledger","function":"entry","args":[1]})"), "\"key\":\"offer/1\""), "an entry can be read");
  for (const char* const nothing : {R"({"ask":"weather"})", R"({})"}) expect(fails(ada.read(nothing), HEDDLE_INVALID, "invalid"), "an unknown question is refused");
  expect(fails(ada.submit("money", R"({"do":"call","to":"bob","value":1})"), HEDDLE_INVALID, "invalid") && fails(ada.submit("", offer("a4")), HEDDLE_INVALID, "invalid"), "an intent that is none is refused");
  expect(has(ada.read(R"({"ask":"standing"})"), "\"account\":\"ada\",\"block\":6,") && has(ada.read(R"({"ask":"worker"})"), "\"active\":true"), "how the account stands");
  expect(refusal(host, path, "bob").find("somebody else works as bob") != std::string::npos, "an account is somebody's once");
}

void lease(sdk::FakeHost& host, const std::string& path) {
  std::ofstream(path, std::ios::app) << R"({"do":"offer","activity":"a5","queue":"q","kind":"k","input":"MjE="})" << "\n"
                                     << R"({"do":"claim","activity":"a5","by":"eve","at_unix":1000,"lease_until_unix":1060})" << "\n"
                                     << "no entry\n";
  Chain ada(host, path, "ada");
  expect(has(ada.read(R"({"ask":"activity","activity":"a5"})"), "\"worker\":\"eve\""), "what others have written counts");
  expect(has(ada.read(R"({"ask":"standing"})"), "\"alarms\":[\"1 entries of ") && has(ada.read(R"({"ask":"standing"})"), "\"block\":9"), "what is no entry does not, and a person is told");
  expect(ada.submit("claim/a5", R"({"do":"claim","activity":"a5"})").status() == HEDDLE_OK, "what somebody let go of can be claimed");
}

void events(sdk::FakeHost& host, const std::string& path) {
  Chain ada(host, path, "ada");
  const auto& page = ada.events(R"({"from_block":0,"most":2})");
  expect(has(page, "\"event\":\"offer\",\"block\":1,") && has(page, "\"block\":2,") && has(page, "\"cursor\":3,\"head\":10}"), "events come in pages");
  expect(has(page, "\"work\":\"offered\",\"activity\":\"a1\",\"queue\":\"q\",\"partition\":0,\"priority\":0}"), "events tell of work");
  expect(has(ada.events(R"({"after":3,"most":2})"), "\"work\":\"claimed\",\"activity\":\"a1\",\"worker\":\"bob\"}"), "and go on from a cursor");
  expect(has(ada.events(R"({"from_block":0,"events":["complete"]})"), "\"events\":[{\"event\":\"complete\",\"block\":6,"), "those that are wanted");
  expect(has(ada.events("{}"), "{\"events\":[],\"cursor\":11,\"head\":10}"), "from the newest on there is nothing");
  expect(has(ada.events(R"({"from_unix":4000000000})"), "\"events\":[]"), "nor from the future on");

  Chain bob(host, path, "bob");
  sdk::FakeCall& waiting = ada.wait_for_events(R"({"wait_ms":600000})");
  expect(ada.read(R"({"ask":"mine"})").status() == HEDDLE_OK && bob.submit("claim/a2", R"({"do":"claim","activity":"a2"})").status() == HEDDLE_OK, "who waits holds up nobody");
  host.wait(waiting);
  expect(has(waiting, "\"activity\":\"a2\",\"worker\":\"bob\"") && has(waiting, "\"cursor\":12,"), "who waits hears of it");
  expect(has(ada.events(R"({"after":12,"wait_ms":1})"), "{\"events\":[],\"cursor\":12,"), "or that there was nothing");
  sdk::FakeCall& unwanted = ada.wait_for_events(R"({"wait_ms":600000})");
  Chain::cancel(unwanted);
  host.wait(unwanted);
  sdk::FakeCall& last = ada.wait_for_events(R"({"wait_ms":600000})");
  ada.close();
  host.wait(last);
  expect(unwanted.status() == HEDDLE_CANCELLED && last.status() == HEDDLE_CANCELLED, "what nobody wants any more, and what is open at the end, is cancelled");
  expect(fails(ada.read(R"({"ask":"mine"})"), HEDDLE_UNAVAILABLE, "unavailable"), "a chain that is not active says so");
  ada.open();
  expect(has(ada.read(R"({"ask":"mine"})"), "a5"), "it can be opened again");
}

void mend(sdk::FakeHost& host, const std::string& path) {
  std::ofstream(path, std::ios::app) << R"({"do":"offer","acti)";  // somebody was killed while he wrote
  Chain ada(host, path, "ada");
  expect(has(ada.read(R"({"ask":"standing"})"), "\"block\":11,"), "what was not written to its end is not there");
  expect(ada.submit("offer/6", offer("a6")).status() == HEDDLE_OK && has(ada.submit("offer/1", offer("a1")), "\"block\":1,"), "and in nobody's way; a key is known in a later life");
  std::filesystem::resize_file(path, 100);
  expect(fails(ada.read(R"({"ask":"mine"})"), HEDDLE_UNAVAILABLE, "unavailable"), "a ledger that has lost something is not believed");
  std::ofstream(path + ".other") << "something else";
  expect(refusal(host, path + ".other", "ada").find("is no ledger of my_plugin") != std::string::npos && std::filesystem::file_size(path + ".other") == 14, "another file is refused, and left as it is");
}

}  // namespace

int main() {
  std::string folder = std::filesystem::temp_directory_path() / "my_plugin_test.XXXXXX";
  if (!::mkdtemp(folder.data())) return 2;
  const std::string path = folder + "/ledger";
  {
    sdk::FakeHost host;
    work(host, path);
    lease(host, path);
    events(host, path);
    mend(host, path);
    for (const std::string& fault : host.faults()) expect(false, fault.c_str());
  }
  expect(sdk::FakeHost::live_values() == 0, "every value is released");
  std::filesystem::remove_all(folder);
  return failures == 0 ? 0 : 1;
}
