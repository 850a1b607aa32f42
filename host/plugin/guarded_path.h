// Whether somebody else could put another file in a file's place.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace heddle {

// What lets others than root and `user` exchange what is at `path` (a file or a directory), in words and with what to do about it; nothing:
// nobody else can. Every directory on the way is looked at, and what symbolic links lead to: each must belong to root or to `user`, and no
// group and nobody else may write there. A sticky directory, as /tmp, may be on the way, for what others own in it they cannot exchange; it
// may not be at the end. The private group of the owner, which has no other member, is the owner.
std::optional<std::string> way_in_for_others(const std::string& path, uid_t user);

// The same of the file alone, which is no symbolic link, in a directory that has been looked at.
std::optional<std::string> own_way_in_for_others(const std::string& file, uid_t user);

}  // namespace heddle
