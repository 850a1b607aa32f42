// LiveScreen: a terminal that is drawn anew again and again, and given back as it was.
#pragma once
#include <termios.h>

#include <csignal>
#include <cstdint>
#include <string_view>

namespace heddle {

// While one lives, the terminal shows its alternate screen without a cursor and keys come without echo. One at a time; made before the first thread starts.
class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  struct Size {
    size_t lines = 24, columns = 80;
  };
  Size size() const;
  // Lines that are not too long nor too many. False: the terminal is gone.
  bool draw(std::string_view text) const;

  enum class Event : uint8_t { kTime, kKey, kResized, kStop };
  // Waits at most until `until_ns` (CLOCK_MONOTONIC). kResized also after the program was stopped (Ctrl-Z) and went on.
  Event wait(uint64_t until_ns);
  char key() const { return key_; }        // of the last kKey
  int stopped_by() const { return stop_; }  // of kStop: the signal; 0: the terminal has hung up

 private:
  void enter();
  void leave() const;
  Event take_signal();

  termios before_{};
  sigset_t waited_{}, mask_before_{};
  int signals_ = -1;
  char key_ = 0;
  int stop_ = 0;
};

}  // namespace heddle
