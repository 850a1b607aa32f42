// Dialect: HTTP/1.1 as cpp-httplib reads and writes it, with all decisions handed to the connection that is served.
#pragma once
#include <httplib.h>

#include <memory>

namespace transport_http {

// What a connection decides, in this order; each on the connection's thread.
class Speaker {
 public:
  virtual ~Speaker() = default;
  virtual void on_head(httplib::Request& request) = 0;
  // The peer waits for "100 Continue": 100, or the status that it is refused with.
  virtual int on_expect(httplib::Response& response) = 0;
  // Everything but a body was read. False: the body is wanted first.
  virtual bool on_request(const httplib::Request& request, httplib::Response& response) = 0;
  virtual void on_body(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) = 0;
  // The library refuses by itself, or what was said above is about to be sent.
  virtual void on_failure(httplib::Response& response) = 0;
  virtual void on_headers(httplib::Response& response) = 0;
};

// One for all connections of a listener. The library's own sockets and threads are not used.
class Dialect : public httplib::Server {
 public:
  explicit Dialect(int listening);  // see make_dialect
  // False: the connection cannot be used any more. `closed` as the peer or `close` wants it.
  bool speak(httplib::Stream& wire, Speaker& speaker, bool close, bool& closed);
};

// The process's disposition of SIGPIPE, which the library changes, is put back.
std::unique_ptr<Dialect> make_dialect(int listening);

}  // namespace transport_http
