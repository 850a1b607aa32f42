// What the metadata of a request say, as heddle has it: token, trace, and the fields "heddle-NAME". The rules stand in heddle/transport.h.
#pragma once
#include <heddle/transport.h>
#include <heddle/sdk/value.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "failure.h"

namespace transport_grpc {

using Texts = std::vector<std::pair<std::string, std::string>>;

// A MAP of STRING.
heddle::sdk::Value map_of(const Texts& texts);

struct Metadata {
  std::string token = {};  // anything but a bearer token is none
  std::string trace = {};  // as it came, if it came once
  std::string trace_state = {};
  Texts texts = {};
};
struct MetadataOrRefusal {
  Metadata metadata = {};
  std::optional<Failure> refused = {};
};
MetadataOrRefusal read_metadata(const Fields& fields);

// The fields of a call: its token, its trace, its metadata, and `headers` of its channel, of which the token goes before an "authorization".
// Throws heddle::sdk::Error for a text that no field takes.
Texts fields_of(const heddle_request& r, const Texts& headers);
// The "headers" of a channel, names in lower case. Throws heddle::sdk::Error for those that are none, or the transport's own.
Texts read_headers(heddle::sdk::ValueRef headers);

bool is_printable(std::string_view text);

}  // namespace transport_grpc
