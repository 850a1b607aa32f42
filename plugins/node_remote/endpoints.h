// The endpoints of one pool as the params name them, and whether what is said to them is safe from others on the way.
#pragma once
#include <heddle/sdk.h>

#include <string>
#include <string_view>

namespace node_remote {

// "127.0.0.1:8080", "localhost:1", "http://[::1]:80/x".
bool is_on_loopback(std::string_view endpoint);
bool asks_for_tls(std::string_view endpoint);  // "https://…"

// [{"address", "weight"}] from a list of texts and of such objects. Throws where an endpoint is not on this machine and neither it nor `has_tls` asks for TLS, unless `insecure`.
heddle::sdk::Value read_pool(heddle::sdk::ValueRef endpoints, bool has_tls, bool insecure);

// All addresses in the options of heddle.peers/1, a LIST of STRING.
heddle::sdk::Value endpoints_of(heddle::sdk::ValueRef options);

}  // namespace node_remote
