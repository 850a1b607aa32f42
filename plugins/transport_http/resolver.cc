#include "resolver.h"

#include <heddle/sdk/quiet.h>
#include <sys/socket.h>


namespace transport_http {

Resolver::~Resolver() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const Resolver::Answer> Resolver::look_up(int flags) const {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host_.c_str(), port_.c_str(), &wanted, &list);
  auto answer = std::make_shared<Answer>();
  if (failed) answer->why = ::gai_strerror(failed);
  else answer->addresses.reset(list);
  return answer;
}

std::shared_ptr<const Resolver::Answer> Resolver::resolve(const Patience& patience, Patience::News& news) {
  news = Patience::News::kReady;
  if (auto numeric = look_up(AI_NUMERICHOST | AI_NUMERICSERV); numeric->addresses) return numeric;
  std::shared_ptr<Question> question;
  {
    std::lock_guard lock(mutex_);
    if (!waiting_) waiting_ = std::make_shared<Question>();
    question = waiting_;
    question->bells.push_back(&patience.bell);
    if (!thread_.joinable()) thread_ = heddle::sdk::quiet_thread([this] { work(); });
  }
  asked_.notify_one();
  std::shared_ptr<const Answer> answer;
  news = patience.wait_for([&] {
    std::lock_guard lock(mutex_);
    answer = question->answer;
    return answer != nullptr;
  });
  if (!answer) {
    std::lock_guard lock(mutex_);
    std::erase(question->bells, &patience.bell);
  }
  return answer;
}

void Resolver::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_.wait(lock, [this] { return stopping_ || waiting_; });
    if (stopping_) return;
    const auto question = waiting_;
    lock.unlock();
    auto answer = look_up(AI_NUMERICSERV);
    lock.lock();
    question->answer = std::move(answer);
    waiting_.reset();
    for (Bell* bell : question->bells) bell->ring();
    question->bells.clear();
  }
}

}  // namespace transport_http
