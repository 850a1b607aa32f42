// Resolver: the addresses of one host, asked of the system on a thread of its own: that cannot be given up, but who waits for it can.
#pragma once
#include <netdb.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "patience.h"

namespace transport_http {

class Resolver {
 public:
  Resolver(std::string host, std::string port) : host_(std::move(host)), port_(std::move(port)) {}
  ~Resolver();  // waits for the system

  struct FreeAddresses {
    void operator()(addrinfo* a) const { ::freeaddrinfo(a); }
  };
  // What one question gave. Shared by all who asked while it ran.
  struct Answer {
    std::unique_ptr<addrinfo, FreeAddresses> addresses;
    std::string why;  // there are none
  };
  // Any thread. Null: `patience` has come to an end, see `news`.
  std::shared_ptr<const Answer> resolve(const Patience& patience, Patience::News& news);

 private:
  struct Question {
    std::vector<Bell*> bells;
    std::shared_ptr<const Answer> answer;  // null: not yet
  };
  std::shared_ptr<const Answer> look_up(int flags) const;
  void work();

  const std::string host_, port_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<Question> waiting_;
  bool stopping_ = false;
  std::condition_variable asked_;
  std::thread thread_;  // begins with the first question
};

}  // namespace transport_http
