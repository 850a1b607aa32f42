#include "dialect.h"

#include <signal.h>

#include <limits>

namespace transport_http {
namespace {

// The library's callbacks do not say which connection they are for.
thread_local Speaker* t_speaker = nullptr;

// The constructor of httplib::Server ignores SIGPIPE for the whole process; our threads block it, and the host's disposition is its own.
struct KeepSigpipe {
  KeepSigpipe() { ::sigaction(SIGPIPE, nullptr, &before); }
  ~KeepSigpipe() { ::sigaction(SIGPIPE, &before, nullptr); }
  struct sigaction before {};
};

}  // namespace

Dialect::Dialect(int listening) {
  svr_sock_ = listening;  // the library ends streams of a server without one
  set_payload_max_length(std::numeric_limits<size_t>::max());  // the speaker counts
  set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    return t_speaker->on_request(request, response) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
  });
  const auto body = [](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) {
    t_speaker->on_body(request, response, reader);
  };
  Post("/", body);  // on_head has made every path "/"
  Put("/", body);
  Patch("/", body);
  Delete("/", body);
  set_expect_100_continue_handler([](const httplib::Request&, httplib::Response& response) { return t_speaker->on_expect(response); });
  set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& response) {
    t_speaker->on_failure(response);
    return HandlerResponse::Handled;
  }));
  set_post_routing_handler([](const httplib::Request&, httplib::Response& response) { t_speaker->on_headers(response); });
  set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) { response.status = 500; });
}

bool Dialect::speak(httplib::Stream& wire, Speaker& speaker, bool close, bool& closed) {
  t_speaker = &speaker;
  const bool fine = process_request(wire, close, closed, [&](httplib::Request& request) { speaker.on_head(request); });
  t_speaker = nullptr;
  return fine;
}

std::unique_ptr<Dialect> make_dialect(int listening) {
  const KeepSigpipe keep;
  return std::make_unique<Dialect>(listening);
}

}  // namespace transport_http
