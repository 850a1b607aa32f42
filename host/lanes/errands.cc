#include "lanes/errands.h"

#include <utility>
#include <vector>

namespace heddle {

struct Errands::Errand : Job {
  Errands* owner = nullptr;
  Id id = 0;
  TimerId timer = 0;
  std::function<void()> function;
};

Errands::Errands(Lanes& lanes, LaneId lane) : lanes_(lanes), lane_(lane) {}

Errands::~Errands() {
  std::vector<std::unique_ptr<Errand>> dropped;  // after the lock: what a function holds may call us
  std::unique_lock lock(mutex_);
  closed_ = true;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    if (take_back(*at->second)) {
      dropped.push_back(std::move(at->second));
      at = waiting_.erase(at);
    } else {
      ++at;
    }
  }
  fewer_.wait(lock, [this] { return waiting_.empty() && running_ == 0; });
}

Errands::Id Errands::add(uint64_t when_ns, std::function<void()> function) {
  auto made = std::make_unique<Errand>();
  Errand* const errand = made.get();
  errand->run = &Errands::start;
  errand->owner = this;
  errand->function = std::move(function);
  std::lock_guard lock(mutex_);
  if (closed_) return 0;
  errand->id = ++last_;
  waiting_.emplace(errand->id, std::move(made));
  if (when_ns == 0) lanes_.post(lane_, errand);
  else errand->timer = lanes_.at(when_ns, lane_, errand);
  return errand->id;
}

void Errands::start(Job* job) noexcept {
  Errands& all = *static_cast<Errand*>(job)->owner;
  std::unique_ptr<Errand> errand;
  bool is_wanted;
  {
    std::lock_guard lock(all.mutex_);
    const auto found = all.waiting_.find(static_cast<Errand*>(job)->id);
    errand = std::move(found->second);
    all.waiting_.erase(found);
    ++all.running_;
    is_wanted = !all.closed_;
  }
  if (is_wanted) errand->function();
  errand.reset();
  std::lock_guard lock(all.mutex_);
  --all.running_;
  all.fewer_.notify_all();  // under the lock: after it, nothing of `all` may be left
}

// [mutex_ held]
bool Errands::take_back(Errand& errand) { return (errand.timer != 0 && lanes_.cancel(errand.timer)) || lanes_.cancel(&errand); }

bool Errands::take_back(Id id) {
  std::unique_ptr<Errand> dropped;  // after the lock, as above
  std::lock_guard lock(mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || !take_back(*found->second)) return false;
  dropped = std::move(found->second);
  waiting_.erase(found);
  return true;
}

}  // namespace heddle
