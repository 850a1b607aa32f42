// Url: where a node is. Its path may have a token in it, so no message shows more than the origin.
#pragma once
#include <string>
#include <string_view>

namespace chain_evm {

struct Url {
  bool has_tls = false, is_websocket = false;
  std::string host;      // without the brackets of an IPv6 address
  std::string port;
  std::string target;    // path and query: "/v3/…"
  std::string origin;    // "https://node.example:8545", for messages

  bool is_loopback() const;
  // The text without what may be a token: whatever is eight characters or longer of the path and of the values behind it, and `token`, are "***".
  std::string hide(std::string_view text, std::string_view token = {}) const;
  // http, https, ws or wss, without user and password. Throws heddle::sdk::Error (INVALID), which repeats nothing of what is wrong.
  static Url parse(std::string_view text);
};

}  // namespace chain_evm
