#include "plugin/guarded_path.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>

namespace heddle {
namespace {

constexpr int kMostLinks = 40;  // as the kernel

std::string mode_of(const struct stat& status) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(status.st_mode & 07777));
  return text;
}

std::string user_name(uid_t id) {
  const passwd* const user = ::getpwuid(id);
  return user ? user->pw_name : std::to_string(id);
}

std::string group_name(gid_t id) {
  const group* const found = ::getgrgid(id);
  return found ? found->gr_name : std::to_string(id);
}

// With an access list the bits of the group stand for everybody who is named in it.
bool has_access_list(const std::string& path) { return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0; }

// The owner's own group, as useradd makes one for every user, without other members.
bool is_private_group(gid_t id, uid_t owner) {
  const passwd* const user = ::getpwuid(owner);
  if (!user || user->pw_gid != id) return false;
  const std::string name = user->pw_name;
  const group* const found = ::getgrgid(id);
  if (!found || found->gr_name != name) return false;
  for (char** member = found->gr_mem; *member; ++member)
    if (name != *member) return false;
  return true;
}

enum class Place { kOnTheWay, kAtTheEnd };

std::optional<std::string> fault_of(const std::string& path, const struct stat& status, uid_t user, Place place) {
  const std::string what = (S_ISDIR(status.st_mode) ? "the directory " : S_ISLNK(status.st_mode) ? "the symbolic link " : "the file ") + path;
  if (status.st_uid != 0 && status.st_uid != user) {
    return what + " belongs to " + user_name(status.st_uid) + ", and the host runs as " + user_name(user) + ": chown root " + path +
           ", or install it where only root writes";
  }
  if (S_ISLNK(status.st_mode)) return std::nullopt;  // has no mode of its own
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) && place == Place::kOnTheWay) return std::nullopt;
  if (status.st_mode & S_IWOTH) return what + " can be written by everybody (mode " + mode_of(status) + "): chmod o-w " + path;
  if (!(status.st_mode & S_IWGRP)) return std::nullopt;
  if (has_access_list(path)) return what + " can be written by those that its access list names: getfacl " + path + " shows them, setfacl -b " + path + " removes it";
  if (is_private_group(status.st_gid, status.st_uid)) return std::nullopt;
  return what + " can be written by the group " + group_name(status.st_gid) + " (mode " + mode_of(status) + "): chmod g-w " + path;
}

std::deque<std::string> parts_of(const std::string& path) {
  std::deque<std::string> out;
  for (const std::filesystem::path& part : std::filesystem::path(path)) out.push_back(part.string());
  return out;
}

std::string unreadable(const std::string& path) { return "cannot look at " + path + ": " + std::strerror(errno); }

// From the root on, one name after the other.
class Walk {
 public:
  Walk(const std::string& path, uid_t user) : left_(parts_of(path)), user_(user) {}

  std::optional<std::string> run() {
    while (!left_.empty()) {
      const std::string name = left_.front();
      left_.pop_front();
      if (auto fault = step(name)) return fault;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> step(const std::string& name) {
    if (name.empty() || name == ".") return std::nullopt;
    if (name == "/") here_ = "/";
    else if (name == "..") here_ = std::filesystem::path(here_).parent_path();
    else return enter((std::filesystem::path(here_) / name).string());
    return look(here_);
  }

  std::optional<std::string> enter(const std::string& path) {
    struct stat status;
    if (::lstat(path.c_str(), &status) != 0) return unreadable(path);
    if (!S_ISLNK(status.st_mode)) {
      here_ = path;
      return look(path);
    }
    if (auto fault = fault_of(path, status, user_, Place::kOnTheWay)) return fault;
    char target[PATH_MAX];
    const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    if (length < 0) return unreadable(path);
    if (++links_ > kMostLinks) return path + " leads through more than " + std::to_string(kMostLinks) + " symbolic links";
    const std::deque<std::string> parts = parts_of(std::string(target, static_cast<size_t>(length)));
    left_.insert(left_.begin(), parts.begin(), parts.end());
    return std::nullopt;
  }

  std::optional<std::string> look(const std::string& path) const {
    struct stat status;
    if (::lstat(path.c_str(), &status) != 0) return unreadable(path);
    return fault_of(path, status, user_, left_.empty() ? Place::kAtTheEnd : Place::kOnTheWay);
  }

  std::deque<std::string> left_;
  uid_t user_;
  std::string here_;
  int links_ = 0;
};

}  // namespace

std::optional<std::string> way_in_for_others(const std::string& path, uid_t user) {
  std::error_code failed;
  const std::filesystem::path whole = std::filesystem::absolute(path, failed);
  if (failed) return "cannot look at " + path + ": " + failed.message();
  return Walk(whole.string(), user).run();
}

std::optional<std::string> own_way_in_for_others(const std::string& file, uid_t user) {
  struct stat status;
  if (::lstat(file.c_str(), &status) != 0) return unreadable(file);
  return fault_of(file, status, user, Place::kAtTheEnd);
}

}  // namespace heddle
