// A full disk: a small tmpfs of this process's own. Needs a mount namespace: root, or a system that lets users have one.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "opened_store.h"

namespace heddle {
namespace {

void write_to(const char* path, const std::string& text) { std::ofstream(path) << text; }

// A disk of 4 MiB that is mounted at `folder`, or why there is none.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& folder) : folder_(folder) { why_not = mount_it(); }
  ~SmallDisk() {
    EXPECT_TRUE(!why_not.empty() || umount2(folder_.c_str(), MNT_DETACH) == 0);
  }
  void grow() { ASSERT_EQ(mount(nullptr, folder_.c_str(), nullptr, MS_REMOUNT, "size=64m"), 0) << std::strerror(errno); }
  std::string why_not;

 private:
  std::string mount_it() const {
    const std::string user = std::to_string(getuid()), group = std::to_string(getgid());
    if (unshare(CLONE_NEWNS) != 0) {
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return std::string("no mount namespace: ") + std::strerror(errno);
      write_to("/proc/self/setgroups", "deny");
      write_to("/proc/self/uid_map", "0 " + user + " 1");
      write_to("/proc/self/gid_map", "0 " + group + " 1");
    }
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return std::string("mounts cannot be made private: ") + std::strerror(errno);
    if (mount("none", folder_.c_str(), "tmpfs", 0, "size=4m") != 0) return std::string("no tmpfs: ") + std::strerror(errno);
    return {};
  }
  const std::string folder_;
};

TEST(StoreOnAFullDisk, SaysSoLosesNothingAndWorksAgainWhenThereIsRoom) {
  TestFolder folder;
  SmallDisk disk(folder.path());
  if (!disk.why_not.empty()) GTEST_SKIP() << disk.why_not;
  const std::string path = folder / "db";
  OpenedStore store("Sqlite", path_param(path));
  ASSERT_TRUE(store.open());

  std::vector<std::string> acknowledged;
  Result<Value> outcome = Value();
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "k" + std::to_string(i);
    outcome = store.commit(Put{key + "a", std::string(20'000, 'a')}, Put{key + "b", std::string(20'000, 'b')});
    if (!outcome) {
      EXPECT_EQ(store.value(key + "a"), "not-found");
      EXPECT_EQ(store.value(key + "b"), "not-found");
      break;
    }
    acknowledged.push_back(key);
  }
  ASSERT_FALSE(outcome) << "40 MB on a disk of 4";
  EXPECT_EQ(outcome.error().code, "exhausted") << outcome.error().text();
  EXPECT_EQ(outcome.error().error_class, ErrorClass::kRetryable);
  EXPECT_NE(outcome.error().message.find("full"), std::string::npos) << outcome.error().message;
  EXPECT_GT(acknowledged.size(), 10u);

  const auto all_there = [&] {
    for (const std::string& key : acknowledged) {
      ASSERT_EQ(store.value(key + "a"), std::string(20'000, 'a'));
      ASSERT_EQ(store.value(key + "b"), std::string(20'000, 'b'));
    }
  };
  all_there();
  // Again, many at once: every one is answered.
  std::vector<Answer> answers;
  for (int i = 0; i < 50; ++i) answers.push_back(store.start(Put{"more" + std::to_string(i), std::string(500'000, 'c')}));
  int exhausted = 0;
  for (Answer& answer : answers) exhausted += !answer.wait();
  EXPECT_GT(exhausted, 0);

  store.close();
  disk.grow();
  ASSERT_TRUE(store.open());
  all_there();
  store.must(Put{"after", std::string(8'000'000, 'd')});
  EXPECT_EQ(store.value("after").size(), 8'000'000u);
}

TEST(StoreOnAFullDisk, GoesOnWithoutBeingOpenedAgain) {
  TestFolder folder;
  SmallDisk disk(folder.path());
  if (!disk.why_not.empty()) GTEST_SKIP() << disk.why_not;
  OpenedStore store("Sqlite", path_param(folder / "db"));
  ASSERT_TRUE(store.open());
  store.must(Put{"k", "v"});
  const Put large{"large", std::string(8'000'000, 'x')};
  auto outcome = store.commit(large);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, "exhausted");
  store.must(Put{"small", "fits"});
  disk.grow();
  store.must(large);
  EXPECT_EQ(store.value("k") + store.value("small"), "vfits");
}

}  // namespace
}  // namespace heddle
