// The messages of heddle.v1.Host/Stream, both ways.
#pragma once
#include <grpcpp/support/byte_buffer.h>
#include <heddle/sdk/value.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace transport_grpc {

struct StreamRequestSaid {
  enum Kind { kNothing, kOpen, kItem, kCredit, kEnd };
  Kind kind = kNothing;
  std::string text = {};  // of kOpen the pipeline, or the manifest that was `sent`; of kItem JSON
  uint32_t credit = 0;    // of kOpen and kCredit
  bool sent = false;
};
struct StreamReplySaid {
  enum Kind { kNothing, kPart, kCredit };
  Kind kind = kNothing;
  heddle::sdk::Value part = {};  // {"output": …} or {"failed": …}
  uint32_t credit = 0;
};

// Readers throw heddle::sdk::Error for what is no such message.
StreamRequestSaid read_stream_request(const grpc::ByteBuffer& message);
StreamReplySaid read_stream_reply(const grpc::ByteBuffer& message);

grpc::ByteBuffer write_open(std::string_view pipeline, uint32_t credit);
grpc::ByteBuffer write_open_with(std::string_view manifest, uint32_t credit);
grpc::ByteBuffer write_item(std::string_view json);
grpc::ByteBuffer write_request_credit(uint32_t credit);
grpc::ByteBuffer write_end();

// A part of a host's answer: {"output": …} or {"failed": …}. Throws heddle::sdk::Error for any other.
grpc::ByteBuffer write_part(heddle::sdk::ValueRef part);
grpc::ByteBuffer write_reply_credit(uint32_t credit);

}  // namespace transport_grpc
