// For tests of the transport "grpc": a client that is none of ours and has no library. It says one request in the bytes of HTTP/2, and hears those of the answer.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "served.h"

namespace heddle {

// A field of a protobuf message: up to 127 bytes, and a number up to 127.
inline std::string field(char number, std::string_view bytes) { return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())}.append(bytes); }
inline std::string field(char number, char n) { return {static_cast<char>(number << 3), n}; }

class BareGrpc {
 public:
  struct Said {
    std::vector<std::string> messages = {};
    std::string trailers = {};  // as HPACK has them on a new connection: texts as they are, a length before each
    std::string status() const { return text_after("grpc-status"); }
    std::string message() const { return text_after("grpc-message"); }
    std::string code() const { return text_after("heddle-code"); }

   private:
    std::string text_after(std::string_view name) const {
      const size_t at = trailers.find(name);
      if (at == trailers.npos || at + name.size() == trailers.size()) return "";
      return trailers.substr(at + name.size() + 1, static_cast<unsigned char>(trailers[at + name.size()]));
    }
  };

  // Over a connection of its own.
  static Said ask(int port, const std::string& method, const std::string& message) {
    const std::string length = big_endian(message.size(), 4);
    Peer peer(port);
    peer.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, "") +
             frame(kHeaders, kEndHeaders, 1,
                   header(":method", "POST") + header(":scheme", "http") + header(":path", "/heddle.v1.Host/" + method) + header(":authority", "localhost") +
                       header("te", "trailers") + header("content-type", "application/grpc")) +
             frame(kData, kEnd, 1, std::string(1, '\0') + length + message));
    Said said;
    std::string data;
    for (;;) {
      const std::string head = peer.hear_bytes(9);
      if (head.size() < 9) break;
      const std::string payload = peer.hear_bytes(number(head.substr(0, 3)));
      const auto type = static_cast<uint8_t>(head[3]), flags = static_cast<uint8_t>(head[4]);
      if ((type == kSettings || type == kPing) && (flags & kAck) == 0) peer.say(frame(type, kAck, 0, type == kPing ? payload : ""));
      if (type == kData) data += payload;
      if (type == kHeaders && (flags & kEnd) != 0) said.trailers = payload;
      if (type == kGoAway || type == kReset || ((flags & kEnd) != 0 && (type == kData || type == kHeaders))) break;
    }
    while (data.size() >= 5) {
      const size_t size = number(data.substr(1, 4));
      said.messages.push_back(data.substr(5, size));
      data.erase(0, 5 + size);
    }
    return said;
  }

 private:
  static constexpr uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7;  // types of frames
  static constexpr uint8_t kEnd = 1, kAck = 1, kEndHeaders = 4;                                         // their flags
  static std::string big_endian(size_t n, int bytes) {
    std::string text;
    while (bytes-- > 0) text += static_cast<char>(n >> (8 * bytes));
    return text;
  }
  static size_t number(std::string_view big_endian) {
    size_t n = 0;
    for (const char c : big_endian) n = n << 8 | static_cast<uint8_t>(c);
    return n;
  }
  static std::string frame(uint8_t type, uint8_t flags, size_t stream, const std::string& payload) {
    return big_endian(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) + big_endian(stream, 4) + payload;
  }
  static std::string header(std::string_view name, std::string_view text) {
    return std::string(1, '\0') + static_cast<char>(name.size()) + std::string(name) + static_cast<char>(text.size()) + std::string(text);
  }
};

}  // namespace heddle
