#include "serve/state_line.h"

#include <algorithm>
#include <utility>

namespace heddle {

std::unique_ptr<StateLine::Place> StateLine::join(const std::string& name, size_t most) {
  std::lock_guard lock(mutex_);
  auto& line = lines_[name];
  if (line.size() >= most) return nullptr;
  auto place = std::make_unique<Place>(shared_from_this(), name);
  line.push_back(place.get());
  return place;
}

// What the first of a line waits with, if it does.
std::function<void()> StateLine::next_locked(const std::string& name) {
  const auto line = lines_.find(name);
  if (line == lines_.end()) return nullptr;
  Place& first = *line->second.front();
  if (first.begin_) first.is_settled_ = true;
  return std::exchange(first.begin_, nullptr);
}

std::function<void()> StateLine::leave_locked(Place& place) {
  const auto line = lines_.find(place.name_);
  if (line == lines_.end()) return nullptr;
  std::erase(line->second, &place);
  if (line->second.empty()) lines_.erase(line);
  return next_locked(place.name_);
}

void StateLine::Place::on_turn(std::function<void()> begin) {
  std::function<void()> now;
  {
    std::lock_guard lock(line_->mutex_);
    begin_ = std::move(begin);
    now = line_->next_locked(name_);
  }
  if (now) now();
}

bool StateLine::Place::give_up() {
  std::function<void()> next;
  {
    std::lock_guard lock(line_->mutex_);
    if (std::exchange(is_settled_, true)) return false;
    next = line_->leave_locked(*this);
  }
  if (next) next();
  return true;
}

StateLine::Place::~Place() { leave(); }

void StateLine::Place::leave() {
  std::function<void()> next;
  {
    std::lock_guard lock(line_->mutex_);
    next = line_->leave_locked(*this);
  }
  if (next) next();
}

}  // namespace heddle
