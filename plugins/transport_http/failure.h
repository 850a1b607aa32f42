// Failures as HTTP tells them: the one table between status and code and an HTTP status, in both directions, and the body of the answer.
#pragma once
#include <heddle/sdk/value.h>

#include <string>
#include <string_view>

namespace transport_http {

// `status`: of the ABI; `code`: heddle's, which decides first where the table knows it ("unauthenticated": 401).
int http_status(heddle_status status, std::string_view code);

struct Failure {
  heddle_status status = HEDDLE_INTERNAL;
  std::string code = "internal";
  std::string error_class = "permanent";
  std::string message;
  uint32_t retry_after_ms = 0;
  int http = 500;
};

// What a request is answered with before the host has heard of it. Known statuses: 400, 403, 404, 405, 408, 411, 413, 414, 415, 431, 501, 503, 504.
Failure refusal(int http, std::string message);
// Why a call of the host has no answer of its peer; `code` is one of those in heddle/transport.h.
Failure trouble(std::string_view code, std::string message);
// What a peer's answer with a status that is no success says; `body` is as it came, perhaps cut off.
Failure failure_said(int http, const std::string& reason, std::string_view body);

// What the host answered: `body` is a MAP of "code", "class" and "message".
Failure failure_of(heddle_status status, heddle::sdk::ValueRef body, uint32_t retry_after_ms);

// A MAP of "code", "class" and "message".
heddle::sdk::Value details_of(const Failure& failure);
// {"error":{"code":…,"class":…,"message":…}}
std::string body_of(const Failure& failure);

// The whole answer, after which the connection is closed: for where no request was read.
std::string whole_answer(const Failure& failure);

// Whole seconds, at least 1: the value of Retry-After.
std::string seconds_of(uint32_t retry_after_ms);

}  // namespace transport_http
