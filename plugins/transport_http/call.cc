#include "call.h"

#include <utility>

namespace transport_http {

void Call::begin(std::shared_ptr<Bell> bell) {
  std::lock_guard lock(mutex_);
  bell_ = std::move(bell);
}

void Call::give_up() {
  given_up_ = true;
  std::lock_guard lock(mutex_);
  if (bell_) bell_->ring();
}

void Call::grant(uint32_t parts) {
  std::lock_guard lock(mutex_);
  credit_ += parts;
  if (std::exchange(waits_for_credit_, false)) bell_->ring();
}

bool Call::take_credit() {
  std::lock_guard lock(mutex_);
  waits_for_credit_ = credit_ == 0;
  if (credit_ > 0) --credit_;
  return !waits_for_credit_;
}

}  // namespace transport_http
