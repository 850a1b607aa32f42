// Place: where the objects are: the store's endpoint, and which bucket and key an object's name means.
#pragma once
#include <string>
#include <string_view>

namespace broker_s3 {

struct PlaceParams {
  std::string endpoint, bucket = {}, prefix = {}, style = "path";
  bool insecure = false;  // plain HTTP beyond loopback
};

struct Address {
  std::string host, path;  // as in the URL; the path is encoded
};

// Immutable.
class Place {
 public:
  // Throws heddle::sdk::Error.
  explicit Place(PlaceParams params);

  // "s3://bucket/key", or a key below the prefix in the configured bucket. Throws std::invalid_argument: that is none of its objects, and why.
  Address find(std::string_view object) const;
  const std::string& scheme() const { return scheme_; }

 private:
  const std::string bucket_;
  const bool is_virtual_;
  std::string prefix_, scheme_, host_;  // the prefix is empty, or ends in a slash
};

}  // namespace broker_s3
