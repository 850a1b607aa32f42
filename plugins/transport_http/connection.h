// Connection: one peer, from its first request to its last, on a thread of its own.
#pragma once
#include <atomic>
#include <memory>
#include <optional>

#include "dialect.h"
#include "exchanges.h"
#include "head.h"
#include "offer.h"
#include "wire.h"

namespace transport_http {

// What the connections of a listener share.
struct Shared {
  Exchanges& exchanges;
  const heddle_id listener;
  const Offer offer;
  const TlsContext& tls;  // null: plain
  Site site = {};         // set before the first connection
  std::atomic<bool> closing{false};
  std::atomic<uint64_t> requests{0};  // being answered
};

class Connection final : private Speaker {
 public:
  // A bell that cannot be had (too many descriptors) ends it before it begins.
  Connection(Shared& shared, Dialect& dialect, Descriptor socket, std::string peer);
  void serve();  // its thread
  // [any] The listener closes: ends now if no request is under way, else after it.
  void leave();
  // [any] Ends whatever is under way.
  void cut();

 private:
  void on_head(httplib::Request& request) override;
  int on_expect(httplib::Response& response) override;
  bool on_request(const httplib::Request& request, httplib::Response& response) override;
  void on_body(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) override;
  void on_failure(httplib::Response& response) override;
  void on_headers(httplib::Response& response) override;

  bool serve_one();
  void ask(const httplib::Request& request, httplib::Response& response, std::string body);
  void give_request(const std::string& body);
  void wait_for_answer(const httplib::Request& request, httplib::Response& response);
  void give_answer(const httplib::Request& request, httplib::Response& response, Answer answer);
  void begin_stream(const httplib::Request& request, httplib::Response& response, std::string content_type);
  bool stream_parts(httplib::DataSink& sink);
  bool grant_taken(uint32_t& taken);
  void fail(httplib::Response& response, const Failure& failure);
  void say_unsaid();
  void break_off(heddle_status status, std::string why);
  void finish(bool fine);

  Shared& shared_;
  Dialect& dialect_;
  Wire wire_;
  const std::shared_ptr<Bell> bell_;
  std::atomic<bool> cut_{false};

  // Of the request at hand:
  Head head_;
  bool heard_ = false;       // its head was read
  bool must_close_ = false;  // what the peer sent was not read to its end
  bool counted_ = false;     // in shared_.requests
  bool streaming_ = false;
  std::shared_ptr<Exchange> exchange_;
  heddle_status outcome_ = HEDDLE_OK;
  std::string why_;
};

}  // namespace transport_http
