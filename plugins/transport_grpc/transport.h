// GrpcTransport: the object behind one heddle_transport: its params, its listeners and channels, its exchanges and calls.
#pragma once
#include <heddle/sdk/config.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "calls.h"
#include "channel.h"
#include "exchanges.h"
#include "listener.h"

namespace transport_grpc {

// gRPC's own threads, which are there as long as one of these.
class Library {
 public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

class GrpcTransport {
 public:
  explicit GrpcTransport(const heddle::sdk::Config& config);  // throws heddle::sdk::Error

  // The endpoint, with the port in use. Throws heddle::sdk::Error.
  std::string listen(heddle_id id, heddle::sdk::ValueRef offer);
  // False: there is no such listener, or it closes already.
  bool close(heddle_id id, uint64_t until_ns, std::function<void()> done);
  Exchanges& exchanges() { return exchanges_; }

  void connect(heddle_id id, heddle::sdk::ValueRef options);  // throws heddle::sdk::Error
  void call(heddle_id channel, const heddle_request& r);
  // False: there is no such channel, or it is disconnected already.
  bool probe(heddle_id channel, heddle_op* op);
  bool disconnect(heddle_id channel, std::function<void()> done);
  Calls& calls() { return calls_; }

 private:
  std::shared_ptr<Channel> find(heddle_id channel);

  Library library_;  // goes last
  ListenerParams params_;
  Exchanges exchanges_;
  Calls calls_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::map<heddle_id, std::unique_ptr<Listener>> listeners_;  // closed ones stay: their thread is waited for in our destructor
  std::map<heddle_id, std::shared_ptr<Channel>> channels_;    // those that are gone go with the next connect
};

}  // namespace transport_grpc
