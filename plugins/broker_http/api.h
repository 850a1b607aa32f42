// Api: how the API is asked: one thread with a few connections that are kept.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace broker_http {

struct ApiParams {
  std::string url, ca = {};  // ca: a PEM file; empty: the authorities of the system
  uint64_t connect_ms = 5'000, answer_ms = 10'000;
};

struct Reply {
  int status = 0;  // of HTTP; 0: there was no whole answer, and `why` says why
  std::string body = {}, why = {};
  bool is_cancelled = false;
};

class Api {
 public:
  using Answered = std::function<void(Reply reply)>;
  static constexpr size_t kAtATime = 8, kMostWaiting = 256, kMostBody = size_t{64} << 10;

  // Throws heddle::sdk::Error.
  explicit Api(ApiParams params);
  // What is open is answered, as cancelled, before it returns. Not from within `answered`.
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // [any] POSTs the JSON text. `answered`: once, on the thread of this object; it may ask again. False: too many wait, and nothing is answered.
  bool ask(std::string token, std::string body, Answered answered);

 private:
  struct Asked {
    std::string token, body;
    Answered answered;
  };
  class Transfer;
  struct EndsMulti {
    void operator()(void* multi) const;
  };

  void work();
  void begin(Asked asked);
  void end_finished();
  void end_all();

  const ApiParams params_;
  const std::unique_ptr<void, EndsMulti> multi_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Asked> waiting_;
  bool stopping_ = false;

  std::vector<std::unique_ptr<Transfer>> under_way_;  // the thread's
  std::thread thread_;
};

}  // namespace broker_http
