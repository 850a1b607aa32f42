// For tests of chain_evm: a chain on loopback (anvil), and objects of the type "evm" as the host has them.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "brokers.h"
#include "opened_store.h"
#include "plugin/chain_handle.h"

namespace heddle {

// Where anvil is: the program itself, for what npm puts in front of it does not end with it. Empty: there is none, and the tests that need it are skipped.
inline std::string anvil_program() {
  const char* const tools = std::getenv("HEDDLE_CHAIN_TOOLS");
  for (const char* const machine : {"amd64", "arm64"}) {
    const std::string program = std::string(tools ? tools : "") + "/node_modules/@foundry-rs/anvil-linux-" + machine + "/bin/anvil";
    if (tools && std::filesystem::exists(program)) return program;
  }
  return "";
}

// One JSON-RPC call to a port of this machine, on a connection of its own. Empty: no answer.
inline Value rpc(int port, const std::string& method, const std::string& params = "[]") {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string said;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    const std::string body = R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}";
    const std::string request = "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    char part[65536];
    for (ssize_t n; (n = ::recv(fd, part, sizeof part, 0)) > 0;) said.append(part, static_cast<size_t>(n));
  }
  ::close(fd);
  const size_t begin = said.find("\r\n\r\n");
  auto answer = Value::parse(begin == said.npos ? "null" : said.substr(begin + 4));
  return answer ? answer->find("result") : Value();
}

// A chain that knows ten accounts, with keys that everybody knows. Ends with this object.
class TestChain {
 public:
  // `command` says where it listens after `before`. `folder`: where it runs; empty: here.
  TestChain(std::vector<std::string> command, std::string before, const std::string& folder) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (!folder.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    command.insert(command.begin(), {"setpriv", "--pdeathsig", "KILL"});  // it ends with a test that crashes, too
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    EXPECT_EQ(::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ), 0) << command[3] << " cannot be started";
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    std::promise<int> port_said;
    auto said = port_said.get_future();
    reader_ = std::thread([fd = out[0], told = std::move(port_said), before = std::move(before)]() mutable { read(fd, before, told); });
    if (said.wait_for(std::chrono::minutes(2)) == std::future_status::ready) port = said.get();
    EXPECT_GT(port, 0) << command[3] << " did not start";
  }
  ~TestChain() {
    kill();
    reader_.join();
  }
  TestChain(const TestChain&) = delete;
  TestChain& operator=(const TestChain&) = delete;
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }

  Value ask(const std::string& method, const std::string& params = "[]") const { return rpc(port, method, params); }
  void mine(int blocks = 1) const { ask("anvil_mine", "[\"" + hex(static_cast<uint64_t>(blocks)) + "\"]"); }
  uint64_t number(const std::string& method, const std::string& params = "[]") const { return std::strtoull(std::string(ask(method, params).as_text().value_or("0x0")).c_str(), nullptr, 16); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
  static std::string hex(uint64_t n) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(n));
    return text;
  }

  int port = 0;

 private:
  // It says something of every block, and stops where nobody listens.
  static void read(int fd, const std::string& before, std::promise<int>& told) {
    std::string said;
    bool is_told = false;
    char part[65536];
    for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;) {
      if (is_told) continue;
      said.append(part, static_cast<size_t>(n));
      const size_t at = said.find(before), end = said.find_first_not_of("0123456789", at == said.npos ? at : at + before.size());
      if (at == said.npos || end == said.npos) continue;
      told.set_value(std::atoi(said.c_str() + at + before.size()));
      is_told = true;
    }
    if (!is_told) told.set_value(0);
    ::close(fd);
  }
  pid_t pid_ = 0;
  std::thread reader_;
};

class Anvil : public TestChain {
 public:
  explicit Anvil(std::vector<std::string> options) : TestChain(command(std::move(options)), "Listening on 127.0.0.1:", "") {}

 private:
  static std::vector<std::string> command(std::vector<std::string> options) {
    options.insert(options.begin(), {anvil_program(), "--port", "0"});
    return options;
  }
};

// It holds to the rule that a replacement pays a tenth more, which anvil does not.
class Hardhat : public TestChain {
 public:
  // It runs only where it is installed. `folder`: for its configuration; `mining`: of that, as JSON.
  Hardhat(const std::string& folder, const std::string& mining) : TestChain(command(folder, mining), "server at http://127.0.0.1:", tools()) {}
  static bool is_there() { return std::filesystem::exists(program()); }

 private:
  static std::string tools() { return std::getenv("HEDDLE_CHAIN_TOOLS") ? std::getenv("HEDDLE_CHAIN_TOOLS") : ""; }
  static std::string program() { return tools() + "/node_modules/hardhat/internal/cli/bootstrap.js"; }
  static std::vector<std::string> command(const std::string& folder, const std::string& mining) {
    const std::string config = folder + "/hardhat.config.js";
    std::ofstream(config) << R"(module.exports = {solidity: "0.8.28", networks: {hardhat: {chainId: 31337, mining: )" << mining << "}}}";
    return {"env", "HOME=" + folder, "HARDHAT_DISABLE_TELEMETRY_PROMPT=true", "NO_COLOR=1", "node", program(), "--config", config, "node", "--hostname", "127.0.0.1", "--port", "0"};
  }
};

// Between the chain and a client: does not always do as it should.
class Endpoint : public Server {
 public:
  Endpoint(const TestChain& chain, const std::string& rule) : Server({"/usr/bin/setpriv", "--pdeathsig", "KILL", "python3", "-B", HEDDLE_TESTS "/conformance/chain_endpoint.py", chain.url(), rule}) {}
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
};

// Objects of the type "evm", one after the other, over one journal. After each test: no rule was broken, and nothing of `secrets` stands in the log or in an error.
class ChainsTest : public testing::Test {
 protected:
  // The first of the accounts, and its key.
  static constexpr const char* kAccount = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
  static constexpr const char* kOther = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  ChainsTest() : store_("Memory", "{}") {}
  void SetUp() override {
    if (anvil_program().empty()) GTEST_SKIP() << "there is no anvil: tests/chain/install FOLDER, and HEDDLE_CHAIN_TOOLS=FOLDER";
    secrets = {"ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"};
    write(folder_ / "key", secrets[0] + "\n");
    log::set_level(log::Level::kDebug);
    log::set_sink([](void* self, const log::Line& line) { static_cast<ChainsTest*>(self)->said(std::string(line.message)); }, this);
    auto opened = store_.open();
    ASSERT_TRUE(opened) << opened.error().text();
  }
  void TearDown() override {
    close();
    log::set_sink(nullptr, nullptr);
    log::set_level(log::Level::kWarn);
    EXPECT_EQ(faults_, std::vector<std::string>());
    for (const std::string& line : lines_)
      for (const std::string& secret : secrets) EXPECT_EQ(line.find(secret), line.npos) << line;
  }
  static void write(const std::string& path, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  }

  // `more`: members, each with a comma before it.
  std::string params(const std::string& endpoints, const std::string& more = "") const {
    return R"({"endpoints":[)" + endpoints + R"(],"poll_ms":20,"key":{"file":")" + (folder_ / "key") + R"("})" + more + "}";
  }
  static std::string quoted(const std::string& text) { return '"' + text + '"'; }
  Result<void> open(const std::string& params_text) {
    static const Catalog all = Catalog::scan({HEDDLE_OUR_PLUGINS});
    const CatalogEntry entry = all.find("chain", "evm");
    EXPECT_TRUE(entry.type);
    const auto parsed = Value::parse(params_text);
    EXPECT_TRUE(parsed) << params_text;
    auto made = ChainHandle::create(entry, "test", *parsed, {.store = store_.operator->(), .is_durable = false, .prefix = "c/"}, nullptr, LaneId{0}, [this](std::string_view rule) { faults_.emplace_back(rule); });
    if (!made) {
      said(made.error().text());
      return made.error();
    }
    chain_ = *std::move(made);
    auto active = chain_->activate();
    if (!active) {
      said(active.error().text());
      chain_.reset();
    }
    return active;
  }
  void must_open(const std::string& params_text) {
    auto opened = open(params_text);
    if (!opened) throw std::runtime_error(opened.error().text());  // ends the test
  }
  void close() {
    if (!chain_) return;
    EXPECT_TRUE(chain_->deactivate());
    chain_.reset();
  }

  using Answer = std::future<Result<Value>>;
  template <class Ask>
  Answer answer(Ask&& ask) {
    auto promise = std::make_shared<std::promise<Result<Value>>>();
    ask([promise](Result<Value> result) { promise->set_value(std::move(result)); });
    return promise->get_future();
  }
  Answer submit(const std::string& key, const std::string& intent) {
    return answer([&](ChainHandle::Done done) { chain_->submit(key, *Value::parse(intent), std::move(done)); });
  }
  Answer send(const std::string& key, const std::string& more = "", uint64_t value = 1) {
    return submit(key, R"({"do":"call","to":")" + std::string(kOther) + R"(","value":)" + std::to_string(value) + more + "}");
  }
  Answer read(const std::string& question) {
    return answer([&](ChainHandle::Done done) { chain_->read(*Value::parse(question), std::move(done)); });
  }
  Answer events(const std::string& filter) {
    return answer([&](ChainHandle::Done done) { chain_->events(*Value::parse(filter), std::move(done)); });
  }
  Answer transactions(const std::string& filter) {
    return answer([&](ChainHandle::Done done) { chain_->transactions(*Value::parse(filter), std::move(done)); });
  }
  // What came of it; of a failure the code.
  std::string outcome(Answer answer, Value* result = nullptr) {
    if (answer.wait_for(std::chrono::minutes(3)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer in three minutes: " << standing();
      return "none";
    }
    Result<Value> got = answer.get();
    if (!got) said(got.error().text());
    if (!got) return got.error().code;
    if (result) *result = *got;
    return "ok";
  }
  Value must(Answer answer) {
    Value result;
    EXPECT_EQ(outcome(std::move(answer), &result), "ok") << (lines_.empty() ? "" : lines_.back());
    return result;
  }
  std::string standing() {
    auto asked = read(R"({"ask":"standing"})");
    if (asked.wait_for(std::chrono::seconds(60)) != std::future_status::ready) return "it does not even say how it stands";
    auto got = asked.get();
    return got ? std::string(got->json()) : got.error().text();
  }

  OpenedStore store_;
  Folder folder_;
  std::unique_ptr<ChainHandle> chain_;
  std::vector<std::string> secrets;

 private:
  void said(std::string line) {
    std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::mutex mutex_;
  std::vector<std::string> lines_;   // guarded by mutex_ while a chain is there
  std::vector<std::string> faults_;
};

}  // namespace heddle
