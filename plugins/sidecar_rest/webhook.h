// Webhook: where workers post completions: POST /tasks/{id}/complete. Plain text; a few threads, one request for each connection.
#pragma once
#include <heddle/sdk/config.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "worker.h"

namespace sidecar_rest {

struct WebhookParams {
  std::string listen;       // "127.0.0.1:0"
  std::string token = {};   // empty: none is asked for
  bool is_insecure = false; // may listen where others could read along
};

class Webhook {
 public:
  static constexpr size_t kThreads = 4;
  static constexpr size_t kMostHead = size_t{64} << 10, kMostBody = size_t{96} << 20;
  static constexpr int kMostMs = 60'000;  // from its first byte to the last one of the answer

  // `completed`: any of its threads. Throws heddle::sdk::Error.
  Webhook(WebhookParams params, heddle::sdk::Log log, std::function<Taken(const std::string& activity, const Said& said)> completed);
  ~Webhook();  // breaks off what is open
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  const std::string& endpoint() const { return endpoint_; }  // with the port in use

 private:
  class Server;
  class Wire;
  void serve_all();
  void listen_on(const std::string& endpoint);

  const WebhookParams params_;
  const heddle::sdk::Log log_;
  int socket_ = -1, bell_ = -1;  // the bell rings once: at the end
  std::string endpoint_;
  std::unique_ptr<Server> server_;
  std::vector<std::thread> threads_;
};

}  // namespace sidecar_rest
