// MyType without heddle: one host of the SDK's serves over it, another one calls, in this process.
#include <arpa/inet.h>
#include <heddle/sdk/fake_transport.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

namespace sdk = heddle::sdk;
using sdk::FakeTransport;

namespace {

constexpr const char* kOperations = R"([{"name":"double","answer":"value"},{"name":"count","answer":"stream"}])";

int failures = 0;

void expect(bool as_promised, const char* promise) {
  if (as_promised) return;
  std::fprintf(stderr, "not kept: %s\n", promise);
  ++failures;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

uint64_t in_ms(uint64_t ms) { return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) + ms * 1'000'000; }

// Both sides of it.
struct Pair {
  explicit Pair(sdk::FakeHost& host, const std::map<std::string, uint64_t>& limits = {}, uint64_t most_bytes = 1 << 20)
      : server(host, "MyType"), client(host, "MyType"), listening(server.listen("127.0.0.1:0", kOperations, limits)), channel(client.connect(listening.endpoint, kOperations, most_bytes)) {}
  FakeTransport server, client;
  FakeTransport::Listening listening;
  heddle_id channel;
};

void calls(sdk::FakeHost& host) {
  Pair pair(host);
  const auto call = pair.client.call(pair.channel, {.operation = "double", .body = "21", .parameters = R"({"unit":"mm"})", .metadata = R"({"run":"r 7"})", .token = "secret", .deadline_ns = in_ms(60'000)});
  const auto request = pair.server.next_request();
  expect(request.operation == "double" && request.body == "21" && request.content_type == "application/json", "a request comes as it was sent");
  expect(request.parameters == R"({"unit":"mm"})" && request.metadata == R"({"run":"r 7"})" && request.token == "secret", "and what goes along with it");
  expect(request.deadline_ns != 0 && request.peer.starts_with("127.0.0.1:"), "the host learns who waits, and how long");
  pair.server.answer(request.id, {.body = "42"});
  const auto answered = pair.client.wait_over(call);
  expect(answered.status == HEDDLE_OK && answered.answer == "42" && !answered.more && answered.over_status == HEDDLE_OK, "the answer comes back");
  expect(pair.server.wait_over(request.id).over_status == HEDDLE_OK, "and the host that gave it hears that it has left");

  const auto failed = pair.client.call(pair.channel, {.operation = "double", .body = "\"x\""});
  pair.server.answer(pair.server.next_request().id, {.status = HEDDLE_CONFLICT, .body = R"({"code":"taken","class":"permanent","message":"it is taken"})"});
  const auto failure = pair.client.wait_over(failed);
  expect(failure.status == HEDDLE_CONFLICT && failure.answer == R"({"code":"taken","class":"permanent","message":"it is taken"})" && !failure.unsent, "a failure comes as it was given");
  expect(pair.client.probe(pair.channel).empty(), "a peer that listens is well");
}

void streams(sdk::FakeHost& host) {
  Pair pair(host);
  const auto call = pair.client.call(pair.channel, {.operation = "count", .credit = 2});
  const auto request = pair.server.next_request();
  pair.server.answer(request.id, {.more = true, .content_type = "application/x-ndjson"});
  for (int i = 0; i < 100; ++i) pair.server.part(request.id, std::to_string(i));
  pair.server.end(request.id);
  expect(pair.client.wait_parts(call, 2).parts == std::vector<std::string>{"0", "1"}, "parts come as far as there is credit");
  pair.client.grant(call, 98);
  const auto streamed = pair.client.wait_over(call);
  expect(streamed.parts.size() == 100 && streamed.parts[99] == "99" && streamed.ended && streamed.end_status == HEDDLE_OK, "and then the others, in order, and the end");
  expect(streamed.answer_type == "application/x-ndjson", "with what they are");

  const auto whole = pair.client.call(pair.channel, {.operation = "count"});
  pair.server.answer(pair.server.next_request().id, {.body = "[0,1]", .content_type = "application/x-ndjson"});
  const auto only = pair.client.wait_over(whole);
  expect(only.more && only.parts == std::vector<std::string>{"[0,1]"} && only.ended, "what answers a stream as a whole is its only part");

  const auto broken = pair.client.call(pair.channel, {.operation = "count"});
  const auto breaks = pair.server.next_request();
  pair.server.answer(breaks.id, {.more = true, .content_type = "text/event-stream"});
  pair.server.part(breaks.id, R"({"event":"tick","data":{"n":1}})");
  pair.server.end(breaks.id, HEDDLE_UNAVAILABLE, "the source has gone");
  const auto broke = pair.client.wait_over(broken);
  expect(broke.parts == std::vector<std::string>{R"({"event":"tick","data":"{\"n\":1}"})"}, "an event's data is a text");
  expect(broke.end_status == HEDDLE_UNAVAILABLE && broke.end_why == "the source has gone", "a stream that breaks off says why");
}

void deadlines_and_cancels(sdk::FakeHost& host) {
  Pair pair(host);
  const auto late = pair.client.call(pair.channel, {.operation = "double", .deadline_ns = in_ms(50)});
  const auto waiting = pair.server.next_request();
  expect(has(pair.client.wait_over(late).answer, R"("code":"deadline")"), "a call ends with its deadline");
  expect(pair.server.wait_over(waiting.id).over_status != HEDDLE_OK, "and the peer hears that nobody waits");
  pair.server.answer(waiting.id, {.body = "42"});  // too late: it is ignored

  const auto cancelled = pair.client.call(pair.channel, {.operation = "count"});
  const auto given_up = pair.server.next_request();
  pair.server.answer(given_up.id, {.more = true});
  pair.client.wait_answer(cancelled);
  pair.client.cancel(cancelled);
  expect(pair.client.wait_over(cancelled).over_status == HEDDLE_CANCELLED, "a call that is given up is over");
  expect(pair.server.wait_over(given_up.id).over_status == HEDDLE_CANCELLED, "and the peer is told");

  const auto cut = pair.client.call(pair.channel, {.operation = "double"});
  pair.server.cancel(pair.server.next_request().id);
  expect(has(pair.client.wait_over(cut).answer, R"("code":"connection-lost")"), "what the serving host gives up is lost");
}

void refusals(sdk::FakeHost& host) {
  Pair pair(host, {{"body_bytes", 100}}, 100);
  const std::string large = "\"" + std::string(200, 'x') + "\"";
  const auto refused = [&](const FakeTransport::Asked& asked, const char* code) { return has(pair.client.wait_over(pair.client.call(pair.channel, asked)).answer, std::string("\"code\":\"") + code + "\""); };
  expect(refused({.operation = "halve"}, "invalid"), "an operation that was not offered is refused");
  expect(refused({.operation = "double", .more = true}, "unsupported"), "as is a request in parts");
  expect(refused({.operation = "double", .body = large}, "too-large"), "and a body that the host does not take");
  const auto call = pair.client.call(pair.channel, {.operation = "double"});
  pair.server.answer(pair.server.next_request().id, {.body = large});
  expect(has(pair.client.wait_over(call).answer, R"("code":"too-large")"), "an answer that is too large is a failure");

  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(pair.listening.endpoint.substr(pair.listening.endpoint.rfind(':') + 1))));
  const int stranger = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char block[4096];
  size_t said = 0;
  if (::connect(stranger, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 && ::send(stranger, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL) == 18) {
    ::shutdown(stranger, SHUT_WR);
    for (ssize_t n; (n = ::recv(stranger, block, sizeof block, 0)) > 0;) said += static_cast<size_t>(n);
  }
  ::close(stranger);
  expect(said > 0, "a stranger who speaks something else is answered, and let go");
  expect(pair.client.probe(pair.channel).empty(), "and harms nobody");
}

void closing(sdk::FakeHost& host) {
  Pair pair(host);
  const auto call = pair.client.call(pair.channel, {.operation = "double"});
  const auto request = pair.server.next_request();
  const auto& closed = pair.server.begin_close(pair.listening.id, in_ms(600'000));
  while (pair.client.probe(pair.channel).empty()) continue;  // until it is no longer well
  const auto nobody = pair.client.wait_over(pair.client.call(pair.channel, {.operation = "double"}));
  expect(has(nobody.answer, R"("code":"unreachable")") && nobody.unsent, "a listener that is closed takes nothing new");
  expect(!closed.done(), "it waits for what runs");
  pair.server.answer(request.id, {.body = "42"});
  expect(pair.client.wait_over(call).answer == "42", "which is answered");
  host.wait(closed);

  const auto again = pair.server.listen("127.0.0.1:0", kOperations);
  const auto channel = pair.client.connect(again.endpoint, kOperations);
  const auto cut = pair.client.call(channel, {.operation = "double"});
  pair.server.next_request();
  pair.server.close(again.id, 0);
  expect(has(pair.client.wait_over(cut).answer, R"("code":"connection-lost")"), "what runs too long is cut off");

  const auto last = pair.server.listen("127.0.0.1:0", kOperations);
  const auto leaving = pair.client.connect(last.endpoint, kOperations);
  const auto left = pair.client.call(leaving, {.operation = "double"});
  pair.server.next_request();
  pair.client.disconnect(leaving);
  expect(pair.client.wait_over(left).over_status == HEDDLE_CANCELLED, "a channel that is disconnected gives its calls up");
  pair.client.call(pair.client.connect(last.endpoint, kOperations), {.operation = "double"});
  pair.server.next_request();  // and both are deactivated with that one in flight
}

}  // namespace

int main() {
  {
    sdk::FakeHost host;
    for (const auto test : {calls, streams, deadlines_and_cancels, refusals, closing}) {
      try {
        test(host);
      } catch (const sdk::Error& e) {
        expect(false, e.what());
      }
    }
    for (const std::string& fault : host.faults()) expect(false, fault.c_str());
  }
  expect(sdk::FakeHost::live_values() == 0, "every value is released");
  return failures == 0 ? 0 : 1;
}
