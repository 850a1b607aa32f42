// Site: under which names a listener may be spoken to, so that no web page speaks to it through the browser of somebody who has access: by a name of its own that leads here (DNS
// rebinding), or from another origin.
#pragma once
#include <httplib.h>

#include <string>
#include <vector>

namespace transport_http {

// Immutable.
class Site {
 public:
  Site() = default;
  // `host`: of the endpoint, as it was written; `more`: further names.
  Site(bool is_loopback, bool has_tls, std::string host, std::vector<std::string> more);

  // Why the request is refused; empty: it is not.
  std::string objection(const httplib::Request& request) const;

 private:
  bool is_named(const std::string& host) const;
  bool is_loopback_ = false, has_tls_ = false;
  std::vector<std::string> names_;
  bool has_more_ = false;
};

}  // namespace transport_http
