// What store_sqlite promises of its file: who may open it, what is refused, and that what is refused stays as it is.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "plugin/store_handle.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

class Sqlite : public testing::Test {
 protected:
  Sqlite() {
    std::string made = (fs::temp_directory_path() / "heddle_sqlite_XXXXXX").string();
    EXPECT_NE(mkdtemp(made.data()), nullptr);
    folder = made;
  }
  ~Sqlite() override { fs::remove_all(folder); }

  static Result<std::unique_ptr<StoreHandle>> create(const std::string& params) {
    static const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
    return StoreHandle::create(catalog.find("store", "Sqlite"), "kept", *Value::parse(params), nullptr, LaneId{0});
  }
  static std::unique_ptr<StoreHandle> at(const std::string& path) {
    auto made = create(R"({"path":")" + path + R"("})");
    EXPECT_TRUE(made) << made.error().text();
    return std::move(*made);
  }
  static Result<Value> put(StoreHandle& store, const std::string& key, const std::string& value) {
    std::promise<Result<Value>> answer;
    const heddle_write write = {HEDDLE_PUT, {key.data(), key.size()}, {value.data(), value.size()}, 0};
    store.commit({&write, 1}, [&](Result<Value> outcome) { answer.set_value(std::move(outcome)); });
    return answer.get_future().get();
  }
  static bool has(StoreHandle& store, const std::string& key) {
    std::promise<bool> answer;
    store.get(key, [&](Result<Value> outcome) { answer.set_value(outcome.has_value()); });
    return answer.get_future().get();
  }
  // The error of an opening that must be refused; the folder's files are as they were before.
  Error refusal(const std::string& path) {
    const auto before = contents();
    auto store = at(path);
    auto opened = store->activate();
    EXPECT_FALSE(opened) << path;
    EXPECT_TRUE(contents() == before) << "the files were changed";
    EXPECT_TRUE(!opened || store->deactivate());
    return opened ? Error() : opened.error();
  }
  // Every file of the folder, byte for byte.
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::directory_iterator(folder))
      out[entry.path().filename()] = entry.is_regular_file() ? read(entry.path()) : "not a file";
    return out;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
  static void sql(const std::string& path, const char* statements) {
    sqlite3* c = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &c), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(c, statements, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(c);
    sqlite3_close(c);
  }
  // A store with some keys, closed.
  std::string filled(const std::string& name = "db") {
    const std::string path = folder + "/" + name;
    auto store = at(path);
    EXPECT_TRUE(store->activate());
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) keys.push_back("key" + std::to_string(i));
    const std::string value(100, 'v');
    std::vector<heddle_write> writes;
    for (const std::string& key : keys) writes.push_back({HEDDLE_PUT, {key.data(), key.size()}, {value.data(), value.size()}, 0});
    std::promise<bool> answer;
    store->commit(writes, [&](Result<Value> outcome) { answer.set_value(outcome.has_value()); });
    EXPECT_TRUE(answer.get_future().get());
    EXPECT_TRUE(store->deactivate());
    return path;
  }

  std::string folder;
};

#define EXPECT_SAYS(error, words) EXPECT_NE((error).text().find(words), std::string::npos) << (error).text()

TEST_F(Sqlite, LeavesOneFileWhenItIsClosed) {
  filled();
  const auto left = contents();
  EXPECT_EQ(left.size(), 1u);
  EXPECT_EQ(left.at("db").substr(0, 15), "SQLite format 3");
}

TEST_F(Sqlite, RefusesParamsThatAreWrong) {
  EXPECT_FALSE(create("{}"));
  EXPECT_FALSE(create(R"({"path":7})"));
}

TEST_F(Sqlite, RefusesAFileThatIsNoDatabase) {
  const std::string path = folder + "/notes.txt";
  write(path, "remember the milk");
  const Error small = refusal(path);
  EXPECT_EQ(small.code, "invalid");
  EXPECT_SAYS(small, path);
  EXPECT_SAYS(small, "not an SQLite file");
  write(path, std::string(10'000, 'x'));
  EXPECT_SAYS(refusal(path), "give another path, or move this file away");
  write(path, "");
  EXPECT_SAYS(refusal(path), "not an SQLite file");
}

TEST_F(Sqlite, RefusesTheDatabaseOfAnotherApplication) {
  sql(folder + "/db", "PRAGMA application_id=77; CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1);");
  const Error why = refusal(folder + "/db");
  EXPECT_EQ(why.code, "invalid");
  EXPECT_SAYS(why, "of another application (application_id 77)");
}

TEST_F(Sqlite, RefusesANewerFormat) {
  const std::string path = filled();
  sql(path, "PRAGMA user_version=2");
  const Error why = refusal(path);
  EXPECT_EQ(why.code, "invalid");
  EXPECT_SAYS(why, "format 2");
  EXPECT_SAYS(why, "newer");
}

TEST_F(Sqlite, RefusesADamagedFile) {
  const std::string path = filled();
  const std::string good = read(path);
  ASSERT_GT(good.size(), 5u * 4096);
  std::string bad = good;
  std::fill(bad.begin() + 4096, bad.begin() + 3 * 4096, '\xee');
  write(path, bad);
  const Error pages = refusal(path);
  EXPECT_EQ(pages.code, "invalid");
  EXPECT_SAYS(pages, "is damaged");
  EXPECT_SAYS(pages, "restore it from a backup");
  write(path, good.substr(0, 4096 * 3 + 100));
  EXPECT_SAYS(refusal(path), "is damaged");
  bad = good;
  bad[16] = 1;  // a page size that is none
  write(path, bad);
  EXPECT_SAYS(refusal(path), "is damaged");
}

TEST_F(Sqlite, RefusesOursWithoutItsTable) {
  const std::string path = filled();
  sql(path, "DROP TABLE stored");
  EXPECT_SAYS(refusal(path), "is damaged");
}

TEST_F(Sqlite, RefusesALogWithoutItsFile) {
  write(folder + "/db-wal", "left over");
  EXPECT_SAYS(refusal(folder + "/db"), "restore the file, or move the log away");
}

TEST_F(Sqlite, RefusesWhatIsNoFileAndAFolderThatIsNotThere) {
  fs::create_directory(folder + "/sub");
  EXPECT_SAYS(refusal(folder + "/sub"), "is a folder");
  EXPECT_SAYS(refusal(folder + "/absent/db"), "No such file or directory");
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
  EXPECT_SAYS(refusal(folder + "/pipe"), "is not a file");
}

TEST_F(Sqlite, RefusesWhatItMayNotWrite) {
  const std::string path = filled();
  auto store = at(path);
  fs::permissions(path, fs::perms(0444));
  fs::permissions(folder, fs::perms(0555));
  const uid_t user = geteuid();
  ASSERT_TRUE(user != 0 || seteuid(65534) == 0);  // root may write anything
  const auto opened = store->activate();
  ASSERT_TRUE(user != 0 || seteuid(user) == 0);
  fs::permissions(folder, fs::perms(0755));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "denied");
  EXPECT_SAYS(opened.error(), path);
  EXPECT_SAYS(opened.error(), "Permission denied");
}

TEST_F(Sqlite, HasOneOwnerInAProcessByWhateverName) {
  const std::string path = filled();
  auto first = at(path);
  ASSERT_TRUE(first->activate());
  fs::create_symlink(path, folder + "/link");
  for (const std::string& name : {path, folder + "/link", folder + "/./db"}) {
    auto second = at(name);
    const auto opened = second->activate();
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, "conflict");
    EXPECT_SAYS(opened.error(), "this process (" + std::to_string(getpid()) + ")");
  }
  EXPECT_TRUE(put(*first, "still", "mine"));
  EXPECT_TRUE(first->deactivate());
  auto second = at(path);
  EXPECT_TRUE(second->activate());
  EXPECT_TRUE(has(*second, "still"));
  EXPECT_TRUE(second->deactivate());
}

TEST_F(Sqlite, NamesTheProcessThatOwnsIt) {
  const std::string path = filled();
  int opened[2], done[2];
  ASSERT_EQ(pipe(opened) | pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto store = at(path);
    const char answer = store->activate() ? 'y' : 'n';
    char byte;
    if (::write(opened[1], &answer, 1) != 1 || ::read(done[0], &byte, 1) != 1) _exit(2);
    _exit(store->deactivate() ? 0 : 3);
  }
  char answer = 0;
  ASSERT_EQ(::read(opened[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  auto store = at(path);
  const auto refused = store->activate();
  ASSERT_FALSE(refused);
  EXPECT_SAYS(refused.error(), "is in use by process " + std::to_string(child));
  EXPECT_SAYS(refused.error(), "stop that one, or choose another path");
  ASSERT_EQ(::write(done[1], "x", 1), 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(store->activate());
  EXPECT_TRUE(store->deactivate());
  for (const int end : {opened[0], opened[1], done[0], done[1]}) ::close(end);
}

TEST_F(Sqlite, AnUnfinishedNewFileIsMadeAnew) {
  write(folder + "/db-new", "killed while it was made");
  auto store = at(folder + "/db");
  ASSERT_TRUE(store->activate());
  EXPECT_FALSE(fs::exists(folder + "/db-new"));
  EXPECT_TRUE(store->deactivate());
}

// Its thread sleeps until it is woken: the kernel counts how often it gave up the processor.
TEST_F(Sqlite, AnIdleStoreWakesNobody) {
  auto store = at(folder + "/db");
  ASSERT_TRUE(store->activate());
  EXPECT_TRUE(put(*store, "k", "v"));
  const auto switches = [] {
    std::map<std::string, std::string> out;
    for (const auto& task : fs::directory_iterator("/proc/self/task")) {
      if (read(task.path() / "comm") != "heddle-store\n") continue;
      std::ifstream status(task.path() / "status");
      for (std::string line; std::getline(status, line);)
        if (line.find("ctxt_switches") != line.npos || line.starts_with("State")) out[task.path().filename()] += line + "\n";
    }
    return out;
  };
  const auto settled = [&] {
    const auto now = switches();
    return std::all_of(now.begin(), now.end(), [](const auto& task) { return task.second.find("S (sleeping)") != std::string::npos; });
  };
  while (!settled()) std::this_thread::yield();
  const auto before = switches();
  ASSERT_FALSE(before.empty());
  std::promise<void> never;
  never.get_future().wait_for(std::chrono::milliseconds(300));
  EXPECT_EQ(switches(), before);
  EXPECT_TRUE(store->deactivate());
}

}  // namespace
}  // namespace heddle
