// AWS Signature Version 4 in the query of a URL ("presigned"), for the service s3.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace broker_s3 {

struct Credentials {
  std::string access_key, secret_key, session_token = {};  // the last one may be empty
};

// What is signed. `path` is encoded, and begins with a slash; `host` is what the client's Host field will say.
struct Request {
  std::string_view method, scheme, host, path, region;
};

// Every byte but A-Z a-z 0-9 - . _ ~ as %XX, and the slash, too, unless it is kept.
std::string encoded(std::string_view text, bool keeps_slash);

// The key that a day's requests to one service are signed with: 32 bytes. `day`: YYYYMMDD. Throws heddle::sdk::Error.
std::string signing_key(std::string_view secret_key, std::string_view day, std::string_view region, std::string_view service);

// The URL, good for `lifetime_s` from the second `now_unix` on. Throws heddle::sdk::Error.
std::string presigned(const Request& request, const Credentials& credentials, int64_t now_unix, uint64_t lifetime_s);

}  // namespace broker_s3
