// Files that are nobody's business but ours.
#pragma once
#include <string>

#include "secret_bytes.h"

namespace chain_evm {

// What is in it, up to `most` bytes. It must be a regular file, ours, and of mode 0600 or 0400. Blocks. Throws std::invalid_argument, which
// says what is wrong with the file, and nothing that is in it.
SecretBytes read_private_file(const std::string& path, size_t most);

// The same of a credential of systemd. Such a file may belong to root, and be open to us by an access list: then its mode shows the bit of
// the group (0440).
SecretBytes read_credential(const std::string& name, size_t most);

// All that comes out of an open file descriptor, which is closed then: once in the life of the process. Waits for its end, at most 30
// seconds. Throws as above.
SecretBytes read_descriptor(int fd, size_t most);

}  // namespace chain_evm
