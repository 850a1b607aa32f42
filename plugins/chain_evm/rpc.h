// Rpc: JSON-RPC 2.0 to the nodes of one chain. What is asked while the connections are busy goes out together, as one batch; an answer finds its question by id.
#pragma once
#include <heddle/draft/endpoints.h>
#include <heddle/sdk.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "errors.h"
#include "network.h"

namespace chain_evm {

// Answer: a result, or an error of the node, or neither: no node has answered, and `why` says why.
struct Answer {
  heddle::sdk::Value result = {};
  std::optional<NodeError> error = {};
  std::string why = {};
  size_t endpoint = 0;

  bool is_good() const { return static_cast<bool>(result); }
  bool is_silent() const { return !result && !error; }
  // In a sentence; of one that is not good.
  std::string text() const { return error ? error->message : why; }
};

struct Call {
  std::string_view method;  // a literal
  std::string params;       // JSON, a list
};

struct RpcParams {
  size_t most_batch = 200;                      // questions; fewer to who refuses so many
  size_t most_batch_bytes = size_t{2} << 20;
  size_t most_waiting = 50'000;                 // questions
  size_t most_at_a_time = 8;                    // batches, to one endpoint
  int tries = 3;                                // of what any node may answer
};

// The network's thread only.
class Rpc {
 public:
  using Answered = std::function<void(Answer)>;
  static constexpr size_t kAny = SIZE_MAX;

  // `pool`: of heddle.endpoints/1; the order of its endpoints is that of the sites.
  Rpc(const heddle_host* host, const heddle_endpoints_service* endpoints, heddle_id pool, Network& network, std::vector<std::string> origins, RpcParams params);

  // `params`: JSON, a list. At `endpoint`, or at any that is well. `answered`: once, never from within.
  void ask(std::string_view method, std::string_view params, Answered answered, size_t endpoint = kAny);
  // Several at once; `answered`: when all have been, in the order of the calls. Two at least.
  void ask_together(std::vector<Call> calls, std::function<void(std::vector<Answer>)> answered, size_t endpoint = kAny);
  // The same to one endpoint, one batch at a time: a node gets them in the order of the calls.
  void send(std::string_view method, std::string_view params, Answered answered, size_t endpoint);
  void set_well(size_t endpoint, bool well);

  size_t size() const { return origins_.size(); }
  size_t backlog(size_t endpoint) const { return ordered_[endpoint].size(); }
  const std::string& origin(size_t endpoint) const { return origins_[endpoint]; }

 private:
  struct Question {
    std::string body;  // without the id and the last brace
    Answered answered;
    int tries = 0;
  };
  using Queue = std::deque<Question>;
  struct Batch {
    std::vector<Question> questions;
    size_t endpoint = 0;
    heddle_id call = 0;  // of the pool; 0: it was not picked
    bool is_any = false, is_ordered = false;
  };

  void add(Queue& queue, std::string_view method, std::string_view params, Answered answered);
  void wake();
  void pump();
  bool pump_any();
  void post(Queue& queue, Batch batch);
  void replied(const std::shared_ptr<Batch>& batch, const Reply& reply);
  void match(Batch& batch, heddle::sdk::ValueRef answers);
  void ask_in_halves(Batch& batch);
  void fail(Batch& batch, const std::string& why);
  void answer(Batch& batch, Question& question, Answer answer);

  const heddle_host* const host_;
  const heddle_endpoints_service* const endpoints_;
  const heddle_id pool_;
  Network& network_;
  const std::vector<std::string> origins_;
  const RpcParams params_;
  Queue any_;
  std::vector<Queue> one_, ordered_;   // by endpoint
  std::vector<size_t> busy_;           // batches under way, by endpoint
  std::vector<bool> is_sending_;       // an ordered one
  std::vector<size_t> most_batch_;     // that an endpoint takes, as far as we know
  size_t busy_any_ = 0, waiting_ = 0;
  uint32_t avoid_ = UINT32_MAX;        // has failed last
  bool is_awake_ = false;
};

}  // namespace chain_evm
