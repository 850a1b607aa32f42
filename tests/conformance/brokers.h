// For tests of brokers: a broker as the host has it, programs that it is tried against, and what was said of it in the log.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "log.h"
#include "plugin/broker_handle.h"

extern char** environ;

namespace heddle {

// Ended with this object. The program is looked for as a shell does it.
class Program {
 public:
  explicit Program(std::vector<std::string> words) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    out_ = out[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    EXPECT_EQ(::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ), 0) << words[0] << " cannot be started";
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // What it says up to the end of the line; empty: nothing in two minutes, or it has ended.
  std::string line() { return hear('\n'); }
  // All that it says.
  std::string all() { return hear('\0'); }
  // Of one that has ended by itself.
  int status() {
    int status = -1;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return status;
  }

 private:
  std::string hear(char end) {
    std::string text;
    for (char c = 0;; text += c) {
      pollfd ready{out_, POLLIN, 0};
      if (::poll(&ready, 1, 120'000) != 1 || ::read(out_, &c, 1) != 1 || c == end) return text;
    }
  }
  pid_t pid_ = 0;
  int out_ = -1;
};

// One that says its port in its first line.
class Server : public Program {
 public:
  explicit Server(std::vector<std::string> words) : Program(std::move(words)), port(std::atoi(line().c_str())) { EXPECT_GT(port, 0) << "the server did not start"; }
  const int port;
};

class Folder {
 public:
  Folder() { EXPECT_NE(::mkdtemp(name_), nullptr); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(name_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& file) const { return std::string(name_) + "/" + file; }

 private:
  char name_[24] = "/tmp/heddle_test_XXXXXX";
};

// Brokers of one type. After each test: no rule was broken, and nothing of `secrets` stands in the log or in an error.
class BrokersTest : public testing::Test {
 protected:
  explicit BrokersTest(std::string type) : type_(std::move(type)) {}
  void SetUp() override {
    log::set_level(log::Level::kDebug);
    log::set_sink([](void* self, const log::Line& line) { static_cast<BrokersTest*>(self)->said(std::string(line.message)); }, this);
  }
  void TearDown() override {
    log::set_sink(nullptr, nullptr);
    log::set_level(log::Level::kWarn);
    EXPECT_EQ(faults_, std::vector<std::string>());
    for (const std::string& line : lines_)
      for (const std::string& secret : secrets) EXPECT_EQ(line.find(secret), line.npos) << line;
  }
  Result<std::unique_ptr<BrokerHandle>> create(const std::string& params) {
    static const Catalog all = Catalog::scan({HEDDLE_OUR_PLUGINS});
    const CatalogEntry entry = all.find("broker", type_);
    EXPECT_TRUE(entry.type);
    auto made = BrokerHandle::create(entry, "test", *Value::parse(params), nullptr, LaneId{0}, [this](std::string_view rule) { faults_.emplace_back(rule); });
    if (!made) said(made.error().text());
    return made;
  }
  std::unique_ptr<BrokerHandle> make(const std::string& params) {
    auto made = create(params);
    EXPECT_TRUE(made) << made.error().text();
    return made ? *std::move(made) : nullptr;
  }
  Result<GrantedUrl> ask(BrokerHandle& broker, GrantMethod method, const std::string& object, uint64_t lifetime_s = 0) {
    std::promise<Result<GrantedUrl>> answer;
    broker.grant(method, object, lifetime_s * 1'000'000'000, [&](Result<GrantedUrl> url) { answer.set_value(std::move(url)); });
    Result<GrantedUrl> url = answer.get_future().get();
    if (!url) said(url.error().text());
    return url;
  }
  std::string get(BrokerHandle& broker, const std::string& object, uint64_t lifetime_s = 0) { return url_of(ask(broker, GrantMethod::kGet, object, lifetime_s)); }
  std::string put(BrokerHandle& broker, const std::string& object) { return url_of(ask(broker, GrantMethod::kPut, object)); }

  std::vector<std::string> secrets;

 private:
  static std::string url_of(const Result<GrantedUrl>& url) {
    EXPECT_TRUE(url) << url.error().text();
    return url ? url->url : "";
  }
  void said(std::string line) {
    std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }

  const std::string type_;
  std::mutex mutex_;
  std::vector<std::string> lines_;  // guarded by mutex_ while a broker is there
  std::vector<std::string> faults_;
};

}  // namespace heddle
