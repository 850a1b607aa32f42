#include "link.h"

#include <algorithm>
#include <cstring>

namespace transport_http {
namespace {

constexpr size_t kOutBuffer = size_t{64} << 10;
constexpr size_t kMostUntaken = size_t{64} << 10;  // of a body, with nothing in it for the call: the sizes of chunks, and what follows the last one
constexpr size_t kBegin = 60;
constexpr std::string_view kHttp = "HTTP/1.";

}  // namespace

Link::Dialect::Dialect() : ClientImpl("peer") {
  set_url_encode(false);
  set_decompress(false);
}

bool Link::Dialect::speak(httplib::Stream& stream, httplib::Request& request, httplib::Response& response) {
  httplib::Error error = httplib::Error::Success;
  return process_request(stream, request, response, false, error);
}

Link::Link(Socket socket) : socket_(std::move(socket)) {}

bool Link::speak(httplib::Request& request, httplib::Response& response, const Patience& patience) {
  patience_.emplace(patience);
  in_head_ = true;
  sent_ = false;
  heard_ = untaken_ = 0;
  begin_.clear();
  rules_ = {};
  const bool whole = dialect_.speak(*this, request, response);
  patience_.reset();
  return whole;
}

bool Link::wait(short events) {
  switch (patience_->wait(socket_.get(), events)) {
    case Patience::News::kReady:
      return true;
    case Patience::News::kLate:
      broken_ = Broken::kLate;
      return false;
    case Patience::News::kGivenUp:
      broken_ = Broken::kGivenUp;
      return false;
  }
  return false;
}

ssize_t Link::write(const char* from, size_t size) {
  out_.append(from, size);
  if (out_.size() > kOutBuffer && !flush()) return -1;
  return static_cast<ssize_t>(size);
}

bool Link::flush() {
  for (size_t done = 0; done < out_.size() && !unsendable_;) {
    const Transfer sent = socket_.send(out_.data() + done, out_.size() - done);
    if (sent.n > 0) {
      done += static_cast<size_t>(sent.n);
      sent_ = true;
      continue;
    }
    // An answer that comes before the request is whole refuses it. By TLS, other things may come.
    const bool listens = !socket_.has_tls();
    if (sent.wait == 0) unsendable_ = true;
    else if (!wait(static_cast<short>(listens ? sent.wait | POLLIN : sent.wait))) return false;
    else if (listens && socket_.peek().wait == 0) unsendable_ = true;
  }
  out_.clear();
  return true;
}

ssize_t Link::fill() {
  if (!flush()) return -1;
  for (;;) {
    const Transfer came = socket_.receive(in_, sizeof in_);
    if (came.n > 0) {
      at_ = 0;
      end_ = static_cast<size_t>(came.n);
      return came.n;
    }
    if (came.wait == 0) broken_ = Broken::kLost;
    if (came.wait == 0) return came.n;
    if (!wait(came.wait)) return -1;
  }
}

// Of the `n` bytes that come next. A head that is too large or not one at all ends it before memory does.
bool Link::judge(size_t n) {
  for (size_t i = 0; in_head_ && i < n && broken_ == Broken::kNo; ++i) {
    const char c = in_[at_ + i];
    if (begin_.size() < kBegin) begin_ += c;
    const size_t known = std::min(begin_.size(), kHttp.size());
    const int wrong = rules_.take(c);
    if (wrong != 0 && wrong != 400) broken_ = Broken::kHeadTooLarge;
    if (rules_.is_over()) rules_ = {};  // where that was "100 Continue", another head follows
    if (wrong != 400 && begin_.compare(0, known, kHttp, 0, known) == 0) continue;
    broken_ = Broken::kNotHttp;
    begin_.append(in_ + at_ + i + 1, std::min(end_ - at_ - i - 1, kBegin - std::min(begin_.size(), kBegin)));
  }
  if (broken_ == Broken::kNo && !in_head_ && (untaken_ += n) > kMostUntaken) broken_ = Broken::kTooMuch;
  return broken_ == Broken::kNo;
}

ssize_t Link::read(char* to, size_t size) {
  if (broken_ != Broken::kNo) return -1;
  if (at_ == end_) {
    if (const ssize_t came = fill(); came <= 0) return came;
  }
  const size_t n = std::min(size, end_ - at_);
  if (!judge(n)) return -1;
  std::memcpy(to, in_ + at_, n);
  at_ += n;
  heard_ += n;
  return static_cast<ssize_t>(n);
}

}  // namespace transport_http
