// MyType without heddle: the SDK's fake host has programs of this machine work.
#include <heddle/sdk/fake_sidecar.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace sdk = heddle::sdk;
using sdk::FakeSidecar;

namespace {

int failures = 0;

void expect(bool as_promised, const char* promise) {
  if (as_promised) return;
  std::fprintf(stderr, "not kept: %s\n", promise);
  ++failures;
}

constexpr std::chrono::milliseconds kLong = std::chrono::hours(1), kNone{0};
constexpr const char* kWorker = "localhost:1";

// A sidecar whose program is a shell script.
struct Script : FakeSidecar {
  Script(sdk::FakeHost& host, const std::string& text) : FakeSidecar(host, "MyType", R"({"command":["sh","-c",")" + text + R"("]})") {}
};

// Waits for that.
bool ends(const std::string& pid) {
  pollfd process{static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)), POLLIN, 0};
  const bool ended = process.fd < 0 || ::poll(&process, 1, 60'000) == 1;
  ::close(process.fd);
  return ended;
}

bool is_alive(const std::string& pid) { return ::kill(std::stoi(pid), 0) == 0; }

void items(sdk::FakeHost& host) {
  FakeSidecar cat(host, "MyType", R"({"command":["cat"]})");
  const auto worker = cat.connect(kWorker, 2);
  expect(cat.wait_here(worker).facts == R"({"slots":2,"full":false})", "it says how much it can do");
  expect(cat.probe(worker) == R"({"slots":2,"full":false})", "and that it is well");
  const auto value = [&](const char* inputs) { return cat.wait_done(cat.assign(worker, {.inputs = inputs})).value; };
  expect(value(R"([{"name":"item","value":{"a":[1,"é"]}}])") == "{\"a\":[1,\"é\"]}\n", "an item is read as JSON");
  expect(value(R"([{"name":"item","bytes":"raw"}])") == "raw", "bytes are read as they are");
  expect(value(R"([{"name":"a","value":1},{"name":"b","ref":"https://x"}])") == "{\"a\":1,\"b\":{\"ref\":\"https://x\"}}\n", "several inputs are one object");
  const std::string large(300'000, 'x');
  expect(value(("[{\"name\":\"item\",\"bytes\":\"" + large + "\"}]").c_str()) == large, "an item may be larger than a pipe");
  for (int i = 0; i < 20; ++i) cat.wait_done(cat.assign(worker, {}));  // each waits for the credit of one before it
  const auto one = cat.wait_done(cat.assign(worker, {.inputs = R"([{"name":"item","value":7}])"}));
  expect(one.outcome == "success" && one.progress == std::vector<std::string>{"{}"}, "it is taken up, and goes well");
}

void endings(sdk::FakeHost& host) {
  const auto done = [&](const std::string& script, const FakeSidecar::Given& given = {}) {
    Script sidecar(host, script);
    return sidecar.wait_done(sidecar.assign(sidecar.connect(kWorker, 1, R"("most_bytes":1000)"), given));
  };
  expect(done("true").outcome == "skipped", "who says nothing has nothing to do");
  const auto failed = done("echo first >&2; echo it is full >&2; exit 3");
  expect(failed.code == "failed" && failed.error_class == "permanent" && failed.message == "sh exited with 3: it is full", "a failure has the last line of stderr");
  expect(done("printf 'caf\\\\303\\\\251 \\\\377' >&2; exit 1").message == "sh exited with 1: café ?", "whatever it is that stderr has");
  expect(done("exit 75").error_class == "retryable", "one that says so may pass");
  expect(done("kill -9 $$").message == "sh was ended by signal 9", "a signal is named");
  const auto large = done("while :; do echo 0123456789; done");
  expect(large.code == "failed" && large.message.find("more than the 1000 bytes") != std::string::npos, "who writes too much is cut off");
  expect(done("exec 0<&-; echo 1", {.inputs = R"([{"name":"item","value":1}])"}).value == "1\n", "it need not read what it is given");
  expect(done("echo $HEDDLE_ACTIVITY $HEDDLE_RUN $HEDDLE_KIND $HEDDLE_CHECKPOINT", {.activity = "a1", .run = "r2", .kind = "k", .checkpoint = "c"}).value == "a1 r2 k c\n", "it knows what it does");
  const auto left = done("sleep 3600 & echo $!");
  expect(left.outcome == "success", "what it leaves behind holds nothing up");
  expect(ends(left.value), "and ends with it");
}

void limits(sdk::FakeHost& host) {
  // Its output is seen only at the end: what it wants to say before that, it says in a file.
  std::string folder = std::filesystem::temp_directory_path() / "my_plugin_test.XXXXXX";
  if (!::mkdtemp(folder.data())) return expect(false, "there is a folder for the test");
  const std::string pipe = folder + "/pipe";
  ::mkfifo(pipe.c_str(), 0600);
  const auto says = [&] {
    std::string line;
    std::getline(std::ifstream(pipe), line);
    return line;
  };
  {
    Script sidecar(host, "echo $$ > " + pipe + "; exec sleep 3600");
    const auto worker = sidecar.connect(kWorker, 1);
    const auto polite = sidecar.assign(worker, {});
    sidecar.wait_progress(polite);
    const std::string pid = says();
    sidecar.cancel(polite, "nobody wants it", kLong);
    const auto cancelled = sidecar.wait_done(polite);
    expect(cancelled.status == HEDDLE_CANCELLED && cancelled.code == "cancelled" && cancelled.message == "nobody wants it", "who is asked to end does");
    expect(!is_alive(pid), "and is not there any more");
    sidecar.cancel(polite, "again", kNone);  // of one that is done: nothing
    const auto late = sidecar.wait_done(sidecar.assign(worker, {.deadline_ns = 1}));
    expect(late.code == "deadline" && late.status == HEDDLE_DEADLINE, "a deadline ends it");
  }
  {
    Script deaf(host, "trap : TERM; echo $$ > " + pipe + "; while :; do sleep 3600; done");
    const auto worker = deaf.connect(kWorker, 2);
    const auto first = deaf.assign(worker, {});
    says();
    deaf.cancel(first, "nobody wants it", std::chrono::milliseconds(10));
    expect(deaf.wait_done(first).status == HEDDLE_CANCELLED, "who does not obey is cut off");
    deaf.drain(worker);
    const auto second = deaf.assign(worker, {});  // against credit from before
    const std::string pid = says();
    deaf.disconnect(worker);
    expect(deaf.wait_done(second).status == HEDDLE_CANCELLED && !is_alive(pid), "a worker that is left is left with nothing");
    deaf.assign(deaf.connect(kWorker, 1), {});
    says();  // and it is deactivated with that one in hand
  }
  std::filesystem::remove_all(folder);
}

void absence(sdk::FakeHost& host) {
  std::string folder = std::filesystem::temp_directory_path() / "my_plugin_test.XXXXXX";
  if (!::mkdtemp(folder.data())) return expect(false, "there is a folder for the test");
  const std::string program = folder + "/program";
  FakeSidecar sidecar(host, "MyType", R"({"command":[")" + program + R"("]})");
  const auto worker = sidecar.connect(kWorker, 1);
  expect(sidecar.wait_gone(worker).gone == "there is no program " + program + " that can be run here", "a program that is not there is gone, with the reason");
  std::string why;
  try {
    sidecar.probe(worker);
  } catch (const sdk::Error& e) {
    why = e.what();
  }
  expect(why == "there is no program " + program + " that can be run here", "and not well");
  std::ofstream(program) << "#!/bin/sh\necho 1\n";
  ::chmod(program.c_str(), 0700);
  sidecar.wait_here(worker);
  expect(sidecar.wait_done(sidecar.assign(worker, {})).value == "1\n", "it is looked for until it is there");
  std::filesystem::remove_all(folder);
  sidecar.wait_here(worker);
  const auto unsent = sidecar.wait_done(sidecar.assign(worker, {}));
  expect(unsent.code == "unsent" && unsent.error_class == "retryable", "what could not be started may go elsewhere");
  sidecar.wait_gone(worker);
}

}  // namespace

int main() {
  {
    sdk::FakeHost host;
    for (const auto test : {items, endings, limits, absence}) {
      try {
        test(host);
      } catch (const sdk::Error& e) {
        expect(false, e.what());
      }
    }
    for (const std::string& fault : host.faults()) expect(false, fault.c_str());
  }
  expect(sdk::FakeHost::live_values() == 0, "every value is released");
  return failures == 0 ? 0 : 1;
}
