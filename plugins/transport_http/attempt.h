// Attempt: one call, carried once over one link.
#pragma once
#include <httplib.h>

#include <optional>
#include <string>

#include "calls.h"
#include "failure.h"
#include "link.h"
#include "parts.h"
#include "peer.h"

namespace transport_http {

// One thread.
class Attempt {
 public:
  Attempt(Calls& calls, Call& call, const Peer& peer, Link& link, const Patience& patience);

  // Sends the request and reads the answer; only the head of a stream and its parts are handed on meanwhile.
  void run();
  // What is left to say: the answer, or why not. Without the link.
  void report();
  // Instead of what run() has found.
  void refuse(Failure failure) { failure_ = std::move(failure); }

  // After run():
  bool keeps_link() const { return keeps_link_; }
  // The peer has ended the connection and said nothing.
  bool is_unheard() const { return failure_ && failure_->code == "connection-lost" && !link_heard_; }
  bool is_unsent() const { return failure_ && !link_sent_; }

 private:
  httplib::Request request();
  bool on_head(const httplib::Response& response);
  bool on_body(const char* data, size_t size);
  bool deliver(heddle::sdk::Value part);
  bool stop(Failure failure);
  void give_answer(bool more);
  Failure why_broken() const;

  Calls& calls_;
  Call& call_;
  const Peer& peer_;
  Link& link_;
  const Patience& patience_;
  std::string content_type_, body_;  // of the answer
  std::optional<Parts> parts_;
  bool is_failure_ = false;          // the answer says why not
  bool is_accepted_ = false;
  bool answered_ = false;            // its head was handed on
  std::optional<Failure> failure_;
  bool keeps_link_ = false, link_heard_ = false, link_sent_ = false;
};

}  // namespace transport_http
