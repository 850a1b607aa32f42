// What is peculiar to this transport: where its bytes travel, and how requests and answers are written as bytes. Put what you have in its place.
//
// They travel over TCP, plain, one connection for each exchange: to end the connection is to give the exchange up, and what nobody reads holds back its own sender and nobody else.
// They are written as frames: the kind (1 byte), the sizes of head and body (4 bytes each, the lowest first), the head (JSON), the body (any bytes).
//   client → server   Request {"operation", "content_type", "accept", "token", "trace", "trace_state", "timeout_ms", "parameters": {}, "metadata": {}} and its body, or Probe
//   server → client   Answer {"status", "more", "accepted", "content_type", "retry_after_ms"} and its body, or {"status", "retry_after_ms", "failure": {"code", "class", "message"}};
//                     where it says "more", Part {} each with its body, and End {"status", "why"}
#pragma once
#include <heddle/sdk/transport.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plugin {

// A socket that never blocks; closed in any case.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() { reset(); }
  void reset() noexcept;
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

// Of "host:port"; may ask the system for a name, and block. Throws Error.
std::vector<Address> find_addresses(const std::string& endpoint);
std::string text_of(const Address& address);  // "127.0.0.1:8080"

// Throws Error. `endpoint` gets what is in use.
Socket listen_at(const std::string& wanted, std::string& endpoint);
enum class Accepted { kOne, kNobody, kNoRoom };
Accepted accept_from(const Socket& listener, Socket& socket, std::string& peer);
// It is under way: the socket becomes writable as soon as fault_of() knows whether it came about. None: not even that, see errno.
Socket connect_to(const Address& address);
int fault_of(const Socket& socket);  // an errno; 0: none

enum class Kind : char { kRequest = 'Q', kProbe = 'W', kAnswer = 'A', kPart = 'P', kEnd = 'E' };
struct Frame {
  Kind kind = Kind::kEnd;
  heddle::sdk::Value head;  // a MAP
  std::string body;
};
inline constexpr size_t kMostHead = 65'536;

// What has come and was not taken yet.
class Arrived {
 public:
  std::string_view view() const { return std::string_view(bytes_).substr(taken_); }
  bool empty() const { return taken_ == bytes_.size(); }
  void append(std::string_view more) { bytes_.append(more); }
  void put_first(std::string_view more) { bytes_.replace(0, std::exchange(taken_, 0), more); }
  // What is left moves to the front only where that is less than what has gone.
  void drop(size_t n) {
    taken_ += n;
    if (taken_ > bytes_.size() / 2) bytes_.erase(0, std::exchange(taken_, 0));
  }
  void clear() { drop(bytes_.size() - taken_); }

 private:
  std::string bytes_;
  size_t taken_ = 0;
};

// Takes the first frame out of `arrived`; none: more bytes are needed. Throws Error: HEDDLE_INVALID, its body is larger than that; HEDDLE_UNSUPPORTED, it is no frame.
std::optional<Frame> take_frame(Arrived& arrived, size_t most_body);
bool has_head(std::string_view bytes);
std::optional<Kind> next_kind(std::string_view bytes);  // of a frame that is there in whole

// How they are written. Throws Error for what cannot be.
std::string written(const heddle::sdk::Request& r, uint64_t now_ns);
std::string written(const heddle::sdk::Answer& a);
std::string written_probe();
std::optional<std::string> written_part(std::string_view content_type, heddle::sdk::ValueRef v);  // none: there is nothing to say
std::string written_only_part(std::string_view body);  // of a stream that was answered as a whole, as its peer would have written it
std::string written_end(heddle_status status, std::string_view why);

// How they are read: texts live as long as the frame. Throws Error where the peer does not keep to the above. Neither has an exchange.
heddle::sdk::Request request_of(const Frame& frame, uint64_t now_ns);
heddle::sdk::Answer answer_of(const Frame& frame);
heddle::sdk::Value part_of(const Frame& frame, std::string_view content_type);
std::pair<heddle_status, std::string> end_of(const Frame& frame);

}  // namespace plugin
