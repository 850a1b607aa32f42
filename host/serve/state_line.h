// StateLine: executions of pipelines that keep state, one after the other for each name that a state is kept under. What one has kept, the next one begins with.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace heddle {

class StateLine : public std::enable_shared_from_this<StateLine> {
 public:
  // A place in the line, until it goes.
  class Place {
   public:
    Place(std::shared_ptr<StateLine> line, std::string name) : line_(std::move(line)), name_(std::move(name)) {}
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // [once] Calls `begin` when all before it have gone: here, or on the thread of the last of them. It must not block.
    void on_turn(std::function<void()> begin);
    // [any] Goes before its turn. False: it has come, or gone already.
    bool give_up();
    // [any] Goes: the next one's turn comes.
    void leave();

   private:
    friend class StateLine;
    const std::shared_ptr<StateLine> line_;
    const std::string name_;
    // Guarded by the line's mutex:
    std::function<void()> begin_;
    bool is_settled_ = false;  // its turn has come, or never will
  };

  // [any] The last place of this line. Null: there are `most` (at least one) already.
  std::unique_ptr<Place> join(const std::string& name, size_t most);

 private:
  std::function<void()> next_locked(const std::string& name);
  std::function<void()> leave_locked(Place& place);

  std::mutex mutex_;
  std::map<std::string, std::deque<Place*>, std::less<>> lines_;  // guarded by mutex_; none is empty
};

}  // namespace heddle
