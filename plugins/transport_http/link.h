// Link: one kept connection to a peer, as cpp-httplib reads and writes it for a client.
#pragma once
#include <httplib.h>

#include <optional>
#include <string>

#include "head_rules.h"
#include "patience.h"
#include "socket.h"

namespace transport_http {

// Why nothing can be read or written any more.
enum class Broken { kNo, kLate, kGivenUp, kLost, kNotHttp, kHeadTooLarge, kTooMuch };

// One thread at a time.
class Link final : public httplib::Stream {
 public:
  explicit Link(Socket socket);

  // Sends `request` and reads its answer; all of it within `patience`. The answer's head goes to request.response_handler, its body to
  // request.content_receiver. True: both came to their end; false: see broken(), or a handler said no.
  bool speak(httplib::Request& request, httplib::Response& response, const Patience& patience);
  // The head was read.
  void end_head() { in_head_ = false; }
  // A piece of the body has been taken.
  void taken() { untaken_ = 0; }

  Broken broken() const { return broken_; }
  bool has_heard() const { return heard_ > 0; }        // a byte of this answer
  bool has_sent() const { return sent_; }              // a byte of this request
  const std::string& begin() const { return begin_; }  // the first bytes of this answer
  const std::string& tls_fault() const { return socket_.fault(); }
  // After an answer that came to its end: good for another request.
  bool is_whole() const { return broken_ == Broken::kNo && !unsendable_ && at_ == end_; }
  // Nothing came meanwhile, not even its end.
  bool is_alive() { return socket_.peek().wait != 0; }

  bool is_readable() const override { return broken_ == Broken::kNo; }
  bool is_writable() const override { return broken_ == Broken::kNo; }
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_.get(); }

 private:
  // The library's client for its reading and writing alone: its own socket is not used.
  class Dialect : public httplib::ClientImpl {
   public:
    Dialect();
    bool speak(httplib::Stream& stream, httplib::Request& request, httplib::Response& response);
  };
  ssize_t fill();
  bool flush();
  bool judge(size_t n);
  bool wait(short events);

  Socket socket_;
  Dialect dialect_;
  std::optional<Patience> patience_;
  std::string out_, begin_;
  char in_[16 << 10];
  size_t at_ = 0, end_ = 0;  // of what is unread in in_
  HeadRules rules_;
  size_t heard_ = 0, untaken_ = 0;
  Broken broken_ = Broken::kNo;
  bool in_head_ = false, sent_ = false;
  bool unsendable_ = false;  // the peer takes no more of the request: what it answers may say why
};

}  // namespace transport_http
