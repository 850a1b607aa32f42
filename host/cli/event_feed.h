// Server-sent events out of the bytes that come.
#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace heddle {

struct ServerEvent {
  std::string name;  // empty where the peer says none
  std::string id;
  std::string data;  // its lines joined by newlines
};

// One thread.
class EventFeed {
 public:
  using Take = std::function<void(ServerEvent)>;
  explicit EventFeed(Take take) : take_(std::move(take)) {}
  // The bytes may end anywhere; an event is given when the empty line behind it has come.
  void add(std::string_view bytes);

 private:
  void line(std::string_view line);
  Take take_;
  std::string rest_;  // of the line that has not ended yet
  ServerEvent event_;
  bool has_data_ = false;
};

}  // namespace heddle
