#include "connection.h"

#include <algorithm>

#include "clock.h"
#include "metadata.h"
#include "written.h"

namespace transport_http {

using heddle::sdk::Value;
using heddle::sdk::detail::to_str;

Connection::Connection(Shared& shared, Dialect& dialect, Descriptor socket, std::string peer)
    : shared_(shared), dialect_(dialect), wire_(std::move(socket), std::move(peer), shared.offer.wire), bell_(std::make_shared<Bell>()) {}

void Connection::serve() {
  if (!*bell_ || shared_.closing || (shared_.tls && !wire_.secure(shared_.tls.get()))) return;
  while (wire_.await_request(*bell_, shared_.closing, in_ms(shared_.offer.idle_ms)) && serve_one()) continue;
}

// False: it was the last.
bool Connection::serve_one() {
  head_ = {};
  heard_ = must_close_ = counted_ = streaming_ = false;
  outcome_ = HEDDLE_OK;
  why_.clear();
  bool closed = false;
  bool fine = dialect_.speak(wire_, *this, shared_.closing, closed);
  if (!fine && !wire_.has_written()) say_unsaid();
  fine = wire_.flush() && fine;
  finish(fine);
  const bool last = must_close_ || !heard_ || closed || shared_.closing;
  if (fine && last && (must_close_ || !heard_ || wire_.has_unread())) wire_.hang_up();
  return fine && !last;
}

void Connection::leave() { bell_->ring(); }

void Connection::cut() {
  cut_ = true;
  bell_->ring();
  wire_.cut();
}

void Connection::on_head(httplib::Request& request) {
  wire_.end_head();
  heard_ = true;
  head_ = judge(request, shared_.offer, shared_.site);
  request.path = "/";
  request.ranges.clear();                    // answers are whole
  request.headers.erase("Accept-Encoding");  // and as they are
}

int Connection::on_expect(httplib::Response& response) {
  if (!head_.refused) return 100;
  head_.close = true;  // the body may or may not come
  fail(response, *head_.refused);
  return response.status;
}

bool Connection::on_request(const httplib::Request& request, httplib::Response& response) {
  if (head_.refused) {
    fail(response, *head_.refused);
  } else if (head_.options) {
    response.status = 204;
    response.set_header("Allow", head_.allow);
  } else if (head_.has_body) {
    return false;
  } else {
    ask(request, response, {});
  }
  return true;
}

void Connection::on_body(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) {
  std::string body;
  bool too_large = false;
  const bool read = reader([&](const char* data, size_t size) {
    too_large = body.size() + size > shared_.offer.body_bytes;
    if (!too_large) body.append(data, size);
    return !too_large;
  });
  if (read) return ask(request, response, std::move(body));
  head_.close = true;
  if (too_large) fail(response, refusal(413, "at most " + std::to_string(shared_.offer.body_bytes) + " bytes of a body are taken"));
  else if (wire_.fault() != 0) fail(response, refusal(wire_.fault(), "the request did not come to its end in time"));
  else fail(response, refusal(400, "the body is cut short, or not well-formed"));
}

void Connection::ask(const httplib::Request& request, httplib::Response& response, std::string body) {
  // One that is refused takes nobody's place.
  for (uint64_t open = shared_.requests;;) {
    if (open >= shared_.offer.requests) return fail(response, refusal(503, "too many requests are being answered"));
    if (shared_.requests.compare_exchange_weak(open, open + 1)) break;
  }
  counted_ = true;
  give_request(body);
  wait_for_answer(request, response);
}

void Connection::give_request(const std::string& body) {
  const Value parameters = map_of(head_.parameters);
  const Value metadata = head_.metadata.empty() ? Value() : map_of(head_.metadata);
  heddle_request r{};
  r.struct_size = sizeof r;
  r.operation = to_str(head_.operation);
  r.peer = to_str(wire_.peer());
  r.identity = to_str(wire_.identity());
  r.token = to_str(head_.token);
  r.content_type = to_str(head_.content_type);
  r.trace = to_str(head_.trace);
  r.trace_state = to_str(head_.trace_state);
  r.accept = to_str(head_.accept);
  r.deadline_ns = head_.deadline_ns;
  r.credit = Exchange::kWindow;
  r.parameters = parameters.get();
  r.metadata = metadata.get();
  if (head_.has_body) r.body = Value::bytes(std::as_bytes(std::span(body))).release();
  exchange_ = shared_.exchanges.ask(shared_.listener, r, bell_);
}

void Connection::wait_for_answer(const httplib::Request& request, httplib::Response& response) {
  const uint64_t until = head_.deadline_ns ? head_.deadline_ns : kNever;
  for (;;) {
    Answer answer;
    switch (cut_ ? Exchange::State::kCancelled : exchange_->take_answer(answer)) {
      case Exchange::State::kAnswered:
        return give_answer(request, response, std::move(answer));
      case Exchange::State::kCancelled:
        break_off(HEDDLE_CANCELLED, cut_ ? "the listener is closed" : "given up by the host");
        head_.close = true;
        return fail(response, refusal(503, "the request was given up"));
      case Exchange::State::kWaiting:
        break;
    }
    const Wire::News news = wire_.await(*bell_, until);
    if (news == Wire::News::kGone) {
      break_off(HEDDLE_CANCELLED, "the peer has gone");
      return fail(response, refusal(400, "nobody reads this"));
    }
    if (news == Wire::News::kLate) {
      break_off(HEDDLE_DEADLINE, "the caller's deadline has passed");
      return fail(response, refusal(504, "there was no answer within Heddle-Timeout-Ms"));
    }
  }
}

void Connection::give_answer(const httplib::Request& request, httplib::Response& response, Answer answer) {
  if (answer.status < 0) return fail(response, failure_of(answer.status, answer.body, answer.retry_after_ms));
  response.status = answer.accepted ? 202 : 200;
  if (answer.more) return begin_stream(request, response, std::move(answer.content_type));
  append_written(answer.content_type, answer.body, response.body);
  response.set_header("Content-Type", answer.content_type);
}

void Connection::begin_stream(const httplib::Request& request, httplib::Response& response, std::string content_type) {
  if (request.method == "HEAD") {
    response.set_header("Content-Type", content_type);
    return break_off(HEDDLE_CANCELLED, "the peer wanted the head only");
  }
  streaming_ = true;
  response.set_header("Cache-Control", "no-store");
  head_.content_type = content_type;  // from here on that of the answer
  const auto provide = [this](size_t, httplib::DataSink& sink) { return stream_parts(sink); };
  if (request.version == "HTTP/1.0") {
    head_.close = true;  // the end of the connection is the end of the answer
    response.set_content_provider(content_type, provide);
  } else {
    response.set_chunked_content_provider(content_type, provide);
  }
}

bool Connection::grant_taken(uint32_t& taken) {
  if (!wire_.flush()) return false;
  if (taken > 0) shared_.exchanges.grant(*exchange_, std::exchange(taken, 0));
  return true;
}

// Everything until the end of the stream. What is there is written together; credit comes back when the network has it.
bool Connection::stream_parts(httplib::DataSink& sink) {
  uint32_t taken = 0;
  std::string text;
  const auto broken = [&](heddle_status status, std::string why) {
    break_off(status, std::move(why));
    return false;
  };
  const auto unread = [&] { return broken(HEDDLE_CANCELLED, "the peer has gone, or does not read"); };
  for (;;) {
    Step step = cut_ ? Step{Step::kBreak, {}, "the listener is closed"} : exchange_->take_step();
    switch (step.kind) {
      case Step::kPart:
        text.clear();
        append_written(head_.content_type, step.part, text);
        if (!text.empty() && !sink.write(text.data(), text.size())) return unread();
        if (++taken >= Exchange::kWindow / 2 && !grant_taken(taken)) return unread();
        break;
      case Step::kEnd:
        sink.done();
        return true;
      case Step::kBreak:
        return broken(HEDDLE_CANCELLED, std::move(step.why));
      case Step::kNothing: {
        if (!grant_taken(taken)) return unread();
        const Wire::News news = wire_.await(*bell_, head_.deadline_ns ? head_.deadline_ns : kNever);
        if (news == Wire::News::kGone) return unread();
        if (news == Wire::News::kLate) return broken(HEDDLE_DEADLINE, "the caller's deadline has passed");
      }
    }
  }
}

void Connection::fail(httplib::Response& response, const Failure& failure) {
  response.status = failure.http;
  response.body = body_of(failure);
  response.set_header("Content-Type", "application/json");
  if (failure.http == 401) response.set_header("WWW-Authenticate", "Bearer");
  if (failure.http == 405) response.set_header("Allow", head_.allow);
  if (failure.retry_after_ms > 0) response.set_header("Retry-After", seconds_of(failure.retry_after_ms));
}

// Called for every status from 400 on, also for those that were decided above.
void Connection::on_failure(httplib::Response& response) {
  if (!response.body.empty()) return;
  const int fault = wire_.fault();
  if (fault == 408) fail(response, refusal(408, "the request did not come to its end in time"));
  else if (fault == 431) fail(response, refusal(431, "the head of the request is too large"));
  else if (fault == 414 || response.status == 414) fail(response, refusal(414, "the request's target is too long"));
  else if (response.status == 500) fail(response, refusal(500, "the request could not be answered"));
  else fail(response, refusal(400, "this is no request in HTTP/1.1"));
  if (!heard_) head_.close = true;
}

void Connection::on_headers(httplib::Response& response) {
  response.headers.erase("Keep-Alive");
  response.headers.erase("Accept-Ranges");
  response.headers.erase("EXCEPTION_WHAT");
  if (response.status == 204) response.headers.erase("Content-Length");
  must_close_ = must_close_ || head_.close;
  if ((must_close_ || shared_.closing) && !response.has_header("Connection")) response.set_header("Connection", "close");
}

// The library says nothing where not even the first line came to its end.
void Connection::say_unsaid() {
  if (wire_.fault() == 0) return;
  const bool late = wire_.fault() == 408;
  const std::string text = whole_answer(refusal(wire_.fault(), late ? "the request did not come to its end in time" : "the first line is too long"));
  wire_.write(text.data(), text.size());
}

// The first reason counts.
void Connection::break_off(heddle_status status, std::string why) {
  if (outcome_ != HEDDLE_OK) return;
  outcome_ = status;
  why_ = std::move(why);
}

void Connection::finish(bool fine) {
  if (exchange_) {
    if (!fine) break_off(HEDDLE_CANCELLED, "the peer has gone, or does not read");
    shared_.exchanges.over(*exchange_, outcome_, why_);
    exchange_.reset();
  }
  if (std::exchange(counted_, false)) --shared_.requests;  // after the host knows: it counts, too
}

}  // namespace transport_http
