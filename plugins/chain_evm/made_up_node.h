// MadeUpNode: for tests: a node of a chain that is wholly made up, over HTTP on a port of its own.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace chain_evm {

struct MadeUpChain {
  uint64_t head = 100;
  char branch = 'a';        // a hex digit; below the block where it begins the branch is 'a'
  uint64_t begins = 0;
  uint64_t oldest = 0;            // it has no blocks before
  uint64_t failing = 0;           // of the blocks before it says an error
  uint64_t finalized = UINT64_MAX;  // the block that it calls so; its number may be any
  std::string topic = {};   // of the one event there is, 0x…
  std::set<uint64_t> events = {};  // the blocks that have one
  bool are_hashes_wrong = false;   // of the events
  size_t most_batch = SIZE_MAX;    // questions in one request
  std::map<std::string, std::string> instead = {};  // by method: the member of the answer, such as "error":{…}
  std::map<std::string, std::string> calls = {};    // of eth_call, by what is in its params

  std::string hash(uint64_t number) const {
    char text[67];
    std::snprintf(text, sizeof text, "0x%c%063llx", number < begins ? 'a' : branch, static_cast<unsigned long long>(number));
    return text;
  }
  static std::string quantity(uint64_t number) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
    return text;
  }
  std::string block(uint64_t number) const {
    if (number > head || number < oldest) return "null";
    const auto unix = static_cast<uint64_t>(std::time(nullptr)) - (head - number);
    return R"({"number":")" + quantity(number) + R"(","hash":")" + hash(number) + R"(","parentHash":")" + (number == 0 ? "0x" + std::string(64, '0') : hash(number - 1)) + R"(","timestamp":")" +
           quantity(unix) + "\"}";
  }
  static uint64_t number_behind(const std::string& text, const std::string& words) { return std::strtoull(text.c_str() + text.find(words) + words.size(), nullptr, 16); }
  // The member "result" or "error".
  std::string answer(const std::string& method, const std::string& params) const {
    for (const auto& [words, said] : calls)
      if (method == "eth_call" && params.find(words) != params.npos) return said;
    if (const auto found = instead.find(method); found != instead.end()) return found->second;
    const auto result = [](const std::string& json) { return "\"result\":" + json; };
    if (params.find("finalized") != params.npos) return result(finalized == UINT64_MAX ? "null" : finalized > head ? MadeUpChain{.head = finalized}.block(finalized) : block(finalized));
    if (method == "eth_getBlockByNumber") {
      const uint64_t number = params.find("latest") != params.npos ? head : number_behind(params, "[\"");
      return number < failing ? R"("error":{"code":1,"message":"not today"})" : result(block(number));
    }
    if (method == "eth_feeHistory") return result(R"({"oldestBlock":"0x1","baseFeePerGas":["0x1","0x1"],"gasUsedRatio":[0.5],"reward":[["0x1"]]})");
    if (method != "eth_getLogs") return result("\"0x1\"");  // chain, balance, count
    std::string logs;
    for (uint64_t n = number_behind(params, R"("fromBlock":")"); n <= head && n <= number_behind(params, R"("toBlock":")"); ++n)
      if (events.contains(n))
        logs += (logs.empty() ? "" : ",") + (R"({"address":"0x0000000000000000000000000000000000000001","topics":[")" + topic) + R"("],"data":"0x","blockNumber":")" + quantity(n) + R"(","blockHash":")" +
                (are_hashes_wrong ? "0x" + std::string(64, 'f') : hash(n)) + R"(","transactionHash":")" + hash(n) + R"(","logIndex":"0x0"})";
    return result("[" + logs + "]");
  }
};

class MadeUpNode {
 public:
  MadeUpNode() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0) std::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  MadeUpNode(const MadeUpNode&) = delete;
  ~MadeUpNode() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  template <class Change>
  void change(Change change) {
    std::lock_guard lock(mutex_);
    change(chain_);
  }

 private:
  void run() {
    for (int one; (one = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(one)) {
      std::string text;
      char piece[4096];
      for (size_t body = text.npos;;) {
        if (body == text.npos && (body = text.find("\r\n\r\n")) != text.npos) body += 4;
        if (body != text.npos && text.size() - body >= std::strtoull(text.c_str() + text.find("Content-Length:") + 15, nullptr, 10)) break;
        const ssize_t got = ::recv(one, piece, sizeof piece, 0);
        if (got <= 0) break;
        text.append(piece, static_cast<size_t>(got));
      }
      const std::string answers = answer(text);
      const std::string reply = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(answers.size()) + "\r\n\r\n" + answers;
      for (size_t sent = 0; sent < reply.size();) {
        const ssize_t now = ::send(one, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) break;
        sent += static_cast<size_t>(now);
      }
    }
  }
  // The questions as Rpc writes them.
  std::string answer(const std::string& text) {
    std::lock_guard lock(mutex_);
    std::string all;
    bool is_list = false;
    size_t count = 0;
    for (size_t at = 0; (at = text.find(R"("method":")", at)) != text.npos;) {
      is_list = is_list || text.find("\r\n\r\n[{") != text.npos;
      const size_t name = at + 10, name_end = text.find('"', name), params = name_end + 11, params_end = text.find(R"(,"id":)", params), id = params_end + 6;
      const std::string said = chain_.answer(text.substr(name, name_end - name), text.substr(params, params_end - params));
      all += (all.empty() ? "" : ",") + (R"({"jsonrpc":"2.0","id":)" + std::to_string(std::strtoull(text.c_str() + id, nullptr, 10))) + "," + said + "}";
      at = id;
      ++count;
    }
    if (count > chain_.most_batch) return R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch limit exceeded"}})";
    return is_list ? "[" + all + "]" : all;
  }

  const int listener_;
  int port_ = 0;
  std::mutex mutex_;
  MadeUpChain chain_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace chain_evm
