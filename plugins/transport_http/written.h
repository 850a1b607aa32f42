// How values are written in answers, by content type: see heddle/transport.h.
#pragma once
#include <heddle/sdk/value.h>

#include <string>
#include <string_view>

namespace transport_http {

void append_written(std::string_view content_type, heddle::sdk::ValueRef value, std::string& out);

}  // namespace transport_http
