// How a failed system call on a file becomes the answer of a node.
#pragma once
#include <heddle/sdk/error.h>

#include <string>
#include <string_view>

namespace node_file {

// "cannot <verb> \"<path>\": <errno text>", with the status that the number means.
heddle::sdk::Error file_error(std::string_view verb, std::string_view path, int number);

}  // namespace node_file
