#include "file_error.h"

#include <cerrno>
#include <system_error>

namespace node_file {
namespace {

heddle_status status_of(int number) {
  switch (number) {
    case ENOENT:
      return HEDDLE_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
      return HEDDLE_DENIED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return HEDDLE_EXHAUSTED;
    case EISDIR:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
      return HEDDLE_INVALID;
    default:
      return HEDDLE_IO;
  }
}

}  // namespace

heddle::sdk::Error file_error(std::string_view verb, std::string_view path, int number) {
  std::string why = "cannot " + std::string(verb) + " \"" + std::string(path) + "\": " + std::generic_category().message(number);
  return heddle::sdk::Error(status_of(number), std::move(why));
}

}  // namespace node_file
