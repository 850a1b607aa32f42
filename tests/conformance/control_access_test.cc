// Every operation of the control asks for its token, and so does what is no operation.
#include <gtest/gtest.h>

#include <set>

#include "controlled.h"
#include "serve/route.h"

namespace heddle {
namespace {

// A request that reaches the operation; what it answers then does not matter here.
std::string target_of(const Route& route) {
  std::string path(route.path);
  for (size_t open; (open = path.find('{')) != path.npos;) path.replace(open, path.find('}') - open + 1, "1");
  return std::string(route.method) + " " + path;
}
std::string bearer(std::string_view token) { return "Authorization: Bearer " + std::string(token) + "\r\n"; }

TEST(ControlAccess, EveryRouteAsksForItsToken) {
  Controlled host(kTokens);
  ASSERT_GT(routes().size(), 20u);
  for (const Route& route : routes()) {
    const std::string target = target_of(route);
    const std::string body = route.body_schema.empty() ? "" : "{}";
    Answer answer = host.ask(target, body);
    EXPECT_EQ(answer.status, 401) << target;
    EXPECT_EQ(answer.code(), "unauthenticated") << target;
    for (const char* wrong : {"", "x", "admin-toke", "admin-tokenx", "Admin-token"}) EXPECT_EQ(host.ask(target, body, bearer(wrong)).status, 401) << target << " " << wrong;
    for (const Scope scope : {Scope::kRead, Scope::kSubmit, Scope::kAdmin}) {
      if (scope == route.scope) continue;
      answer = host.ask(target, body, bearer(token_of(scope)));
      EXPECT_EQ(answer.status, 403) << target << " with " << name_of(scope);
      EXPECT_EQ(answer.code(), "denied");
    }
  }
  EXPECT_EQ(host.reloads, 0);
  EXPECT_TRUE(host.jobs.list({}).empty());
  for (const Route& route : routes()) {
    if (route.stream) continue;
    const int status = host.ask(target_of(route), route.body_schema.empty() ? "" : "{}", bearer(token_of(route.scope))).status;
    EXPECT_TRUE(status != 401 && status != 403 && status != 0 && status != 500) << target_of(route) << ": " << status;
  }
  EXPECT_TRUE(host.served->faults.empty());
}

TEST(ControlAccess, WhatIsNotThereAsksForATokenToo) {
  Controlled host(kTokens);
  for (const char* target : {"GET /", "GET /v1/jobz", "POST /v1/secret", "DELETE /v1/jobs", "OPTIONS /v1/jobs", "OPTIONS /nothing"}) {
    EXPECT_EQ(host.ask(target).status, 401) << target;
    EXPECT_EQ(host.ask(target, "", bearer("nonsense")).status, 401) << target;
  }
  Answer answer = host.ask("GET /v1/jobz", "", bearer("read-token"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.message(), "there is nothing at /v1/jobz; did you mean \"/v1/jobs\"?");
  Peer peer(host.served->port);
  peer.ask("DELETE /v1/jobs", bearer("submit-token"));
  const Reply reply = peer.reply();
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("allow"), "POST, GET, HEAD");
}

TEST(ControlAccess, AnOperationMayBeOpen) {
  Controlled host(kTokens, {"health", "metrics"});
  EXPECT_EQ(host.ask("GET /health").status, 200);
  EXPECT_EQ(host.ask("GET /metrics").status, 200);
  EXPECT_EQ(host.ask("GET /ready").status, 401);
}

TEST(ControlAccess, NewTokensCountAtOnce) {
  Controlled host(kTokens);
  EXPECT_EQ(host.ask("GET /v1/jobs", "", bearer("read-token")).status, 200);
  host.control.set_access(std::make_shared<Access>(std::vector<TokenSettings>{{"other", "other-token", {Scope::kRead}}}));
  EXPECT_EQ(host.ask("GET /v1/jobs", "", bearer("read-token")).status, 401);
  EXPECT_EQ(host.ask("GET /v1/jobs", "", bearer("other-token")).status, 200);
}

TEST(ControlAccess, WebPagesOfOthersAreRefusedWhateverTheySend) {
  Controlled host;
  const auto status = [&](const std::string& name, const std::string& headers, const std::string& method = "POST") {
    Peer peer(host.served->port);
    const std::string body = R"({"type":"echo"})";
    peer.say(method + " /v1/jobs HTTP/1.1\r\nHost: " + name + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return peer.reply().status;
  };
  EXPECT_EQ(status("localhost", ""), 202);
  EXPECT_EQ(status("127.0.0.1:8080", ""), 202);
  EXPECT_EQ(status("[::1]:8080", ""), 202);
  EXPECT_EQ(status("LocalHost:1", "Origin: http://localhost:1\r\n"), 202);
  EXPECT_EQ(status("evil.example", ""), 403);
  EXPECT_EQ(status("localhost.evil.example:80", ""), 403);
  EXPECT_EQ(status("10.0.0.1", ""), 403);
  EXPECT_EQ(status("localhost", "Origin: http://evil.example\r\n"), 403);
  EXPECT_EQ(status("localhost:1", "Origin: http://localhost:2\r\n"), 403);
  EXPECT_EQ(status("localhost", "Origin: null\r\n"), 403);
  EXPECT_EQ(status("localhost", "Origin: http://localhost\r\nOrigin: http://localhost\r\n"), 403);
  EXPECT_EQ(status("localhost", "Content-Type: text/plain\r\n"), 415);
  EXPECT_EQ(host.jobs.list({}).size(), 4u);
}

}  // namespace
}  // namespace heddle
