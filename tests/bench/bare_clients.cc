#include "bare_clients.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "bench_host.h"
#include "clock.h"

namespace heddle {
namespace {

int dial(const std::string& endpoint) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) give_up("nobody is at " + endpoint);
  return fd;
}

void ask(int fd) {
  static constexpr char kRequest[] =
      "POST /v1/pipelines/double/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 3\r\n\r\n21\n";
  if (::send(fd, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof kRequest - 1)) give_up("the host does not listen any more");
}

// One unary call of gRPC.
struct Unary {
  grpc::ClientContext context;
  grpc::ByteBuffer reply;
  grpc::Status status;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  uint64_t begun_ns = now_ns();
};

}  // namespace

Rates rates_of(std::vector<uint64_t> took_ns, uint64_t all_ns) {
  if (took_ns.empty()) give_up("nothing was answered");
  const auto middle = took_ns.begin() + static_cast<long>(took_ns.size() / 2);
  std::nth_element(took_ns.begin(), middle, took_ns.end());
  return {static_cast<double>(took_ns.size()) * 1e9 / static_cast<double>(all_ns), static_cast<double>(*middle) / 1e3};
}

Rates bare_http(const std::string& endpoint, int in_flight, uint64_t for_ns) {
  std::vector<pollfd> peers;
  std::vector<std::string> heard(static_cast<size_t>(in_flight));
  std::vector<uint64_t> begun, took;
  const uint64_t begin = now_ns();
  for (int i = 0; i < in_flight; ++i) {
    peers.push_back({dial(endpoint), POLLIN, 0});
    begun.push_back(now_ns());
    ask(peers.back().fd);
  }
  char buffer[4096];
  while (now_ns() < begin + for_ns && ::poll(peers.data(), peers.size(), -1) > 0) {
    for (size_t i = 0; i < peers.size(); ++i) {
      if (peers[i].revents == 0) continue;
      const ssize_t got = ::recv(peers[i].fd, buffer, sizeof buffer, 0);
      if (got <= 0) give_up("the host has hung up");
      heard[i].append(buffer, static_cast<size_t>(got));
      if (!heard[i].ends_with("0\r\n\r\n")) continue;
      if (heard[i].find(R"({"output":42})") == std::string::npos) give_up("the host says: " + heard[i]);
      heard[i].clear();
      took.push_back(now_ns() - std::exchange(begun[i], now_ns()));
      ask(peers[i].fd);
    }
  }
  const uint64_t all_ns = now_ns() - begin;
  for (const pollfd& peer : peers) ::close(peer.fd);
  return rates_of(std::move(took), all_ns);
}

Rates bare_grpc(const std::string& endpoint, int in_flight, uint64_t for_ns) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const grpc::Slice text("\x0a\x06" "double" "\x12\x02" "21");  // ExecuteRequest{pipeline: "double", input: "21"}
  const grpc::ByteBuffer request(&text, 1);
  const auto begin_call = [&] {
    auto* call = new Unary;
    call->reader = stub.PrepareUnaryCall(&call->context, "/heddle.v1.Host/Execute", request, &queue);
    call->reader->StartCall();
    call->reader->Finish(&call->reply, &call->status, call);
  };
  std::vector<uint64_t> took;
  const uint64_t begin = now_ns();
  for (int i = 0; i < in_flight; ++i) begin_call();
  uint64_t all_ns = 0;
  void* tag = nullptr;
  bool ok = false;
  for (int left = in_flight; left > 0 && queue.Next(&tag, &ok);) {
    const std::unique_ptr<Unary> call(static_cast<Unary*>(tag));
    if (!call->status.ok()) give_up("gRPC: " + call->status.error_message());
    const uint64_t now = now_ns();
    if (now < begin + for_ns) {
      took.push_back(now - call->begun_ns);
      begin_call();
      continue;
    }
    if (all_ns == 0) all_ns = now - begin;
    --left;
  }
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) continue;
  return rates_of(std::move(took), all_ns);
}

}  // namespace heddle
