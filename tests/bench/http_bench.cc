// Requests per second of a trivial operation: the host's transport handle with transport_http beside a bare cpp-httplib server with as many
// threads, in the same run, in turns. The load comes from wrk where it is installed, else from threads of this program. Nothing is asserted.
//
//   http_bench [connections] [seconds] [rounds]
#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "clock.h"
#include "plugin/transport_handle.h"

namespace {

constexpr char kBody[] = R"({"id":"7","state":"done"})";

struct Load {
  int connections = 8;
  int seconds = 3;
};

int dial(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::exit(1);
  return fd;
}

// One connection, one request after the other: how many until the time is over.
uint64_t ask_until(int port, uint64_t until) {
  static constexpr std::string_view kRequest = "GET /v1/jobs/7 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const int fd = dial(port);
  char answer[4096];
  uint64_t n = 0;
  for (; heddle::now_ns() < until; ++n) {
    if (::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) std::exit(1);
    std::string heard;
    while (heard.find(kBody) == heard.npos) {
      const ssize_t got = ::recv(fd, answer, sizeof answer, 0);
      if (got <= 0) {
        std::fprintf(stderr, "the server hung up\n");
        std::exit(1);
      }
      heard.append(answer, static_cast<size_t>(got));
    }
  }
  ::close(fd);
  return n;
}

double by_ourselves(int port, Load load) {
  const uint64_t begin = heddle::now_ns(), until = begin + static_cast<uint64_t>(load.seconds) * heddle::kNsPerSecond;
  std::vector<std::future<uint64_t>> peers;
  for (int i = 0; i < load.connections; ++i) peers.push_back(std::async(std::launch::async, ask_until, port, until));
  uint64_t sum = 0;
  for (auto& peer : peers) sum += peer.get();
  return static_cast<double>(sum) * 1e9 / static_cast<double>(heddle::now_ns() - begin);
}

double by_wrk(int port, Load load) {
  const std::string command = "wrk -t2 -c" + std::to_string(load.connections) + " -d" + std::to_string(load.seconds) + " http://127.0.0.1:" +
                              std::to_string(port) + "/v1/jobs/7";
  FILE* const pipe = ::popen(command.c_str(), "r");
  double rate = 0;
  char line[512];
  while (pipe && std::fgets(line, sizeof line, pipe)) std::sscanf(line, "Requests/sec: %lf", &rate);
  if (!pipe || ::pclose(pipe) != 0) std::exit(1);
  return rate;
}

// A thread that answers what others ask: the hop that a lane makes.
class Answering {
 public:
  Answering() : thread_([this] { run(); }) {}
  ~Answering() {
    add(std::nullopt);
    thread_.join();
  }
  void add(std::optional<heddle::Request> request) {
    {
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(request));
    }
    came_.notify_one();
  }

 private:
  void run() {
    const heddle::Value body = *heddle::Value::parse(kBody);
    for (;;) {
      std::unique_lock lock(mutex_);
      came_.wait(lock, [this] { return !waiting_.empty(); });
      std::optional<heddle::Request> request = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      if (!request) return;
      request->answer(body);
    }
  }
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::optional<heddle::Request>> waiting_;
  std::thread thread_;
};

class Ours {
 public:
  Ours(int connections, heddle::Receive receive) {
    const heddle::Catalog catalog = heddle::Catalog::scan({HEDDLE_BENCH_PLUGINS});
    auto made = heddle::TransportHandle::create(catalog.find("transport", "http"), "bench",
                                                *heddle::Value::parse("{\"connections\":" + std::to_string(connections) + "}"), nullptr, heddle::LaneId{0});
    if (!made) {
      std::fprintf(stderr, "%s\n", made.error().text().c_str());
      std::exit(1);
    }
    handle_ = std::move(*made);
    handle_->listen({"127.0.0.1:0", {}, {{"jobs.get", "GET", "/v1/jobs/{id}"}}}, std::move(receive), [this](heddle::Result<std::string> endpoint) {
      if (endpoint) port = std::atoi(endpoint->substr(endpoint->rfind(':') + 1).c_str());
    });
  }
  int port = 0;

 private:
  std::unique_ptr<heddle::TransportHandle> handle_;
};

class Bare {
 public:
  explicit Bare(int connections) {
    server_.new_task_queue = [connections] { return new httplib::ThreadPool(static_cast<size_t>(connections)); };
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(1u << 30);
    server_.Get(R"(/v1/jobs/([^/]+))", [](const httplib::Request&, httplib::Response& response) { response.set_content(kBody, "application/json"); });
    port = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~Bare() {
    server_.stop();
    thread_.join();
  }
  int port = 0;

 private:
  httplib::Server server_;
  std::thread thread_;
};

struct Figures {
  double rate, cpu_us;  // requests per second; processor time of this program for one
};

Figures measured(bool wrk, int port, Load load) {
  const auto used = [] {
    rusage r{};
    ::getrusage(RUSAGE_SELF, &r);
    return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 + static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
  };
  const double before = used();
  const uint64_t begin = heddle::now_ns();
  const double rate = wrk ? by_wrk(port, load) : by_ourselves(port, load);
  const double seconds = static_cast<double>(heddle::now_ns() - begin) / 1e9;
  return {rate, (used() - before) / (rate * seconds)};
}

Figures median(std::vector<Figures> all) {
  const auto middle = [&](double Figures::*one) {
    std::sort(all.begin(), all.end(), [one](const Figures& a, const Figures& b) { return a.*one < b.*one; });
    return all[all.size() / 2].*one;
  };
  return {middle(&Figures::rate), middle(&Figures::cpu_us)};
}

void print(const char* what, Figures one, Figures base) {
  std::printf("  %-34s %9.0f requests/s = %.2f x   %6.1f us of processor a request = %.2f x\n", what, one.rate, one.rate / base.rate, one.cpu_us,
              one.cpu_us / base.cpu_us);
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  if (argc > 1) load.connections = std::max(std::atoi(argv[1]), 1);
  if (argc > 2) load.seconds = std::max(std::atoi(argv[2]), 1);
  const int rounds = argc > 3 ? std::max(std::atoi(argv[3]), 1) : 3;
  const bool wrk = std::system("command -v wrk >/dev/null 2>&1") == 0;

  std::vector<Figures> bare_rates, inline_rates, hop_rates;
  Bare bare(load.connections + 1);
  Answering answering;
  const heddle::Value body = *heddle::Value::parse(kBody);
  Ours at_once(load.connections + 1, [&](heddle::Request request) { request.answer(body); });
  Ours by_thread(load.connections + 1, [&](heddle::Request request) { answering.add(std::move(request)); });
  for (int round = 0; round < rounds; ++round) {
    bare_rates.push_back(measured(wrk, bare.port, load));
    inline_rates.push_back(measured(wrk, at_once.port, load));
    hop_rates.push_back(measured(wrk, by_thread.port, load));
  }
  const Figures base = median(bare_rates);
  std::printf("GET of %zu bytes, %d connections kept alive, by %s, median of %d x %d s:\n", sizeof kBody - 1, load.connections,
              wrk ? "wrk" : "this program", rounds, load.seconds);
  print("bare cpp-httplib", base, base);
  print("handle + transport_http", median(inline_rates), base);
  print("the same, answered by a thread", median(hop_rates), base);
}
