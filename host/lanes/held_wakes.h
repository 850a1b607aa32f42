// A job that is short posts what follows on it to its own worker: no other one is woken for that, which takes ten times as long as it saves.
//
// From begin() on, what the running job posts wakes nobody: its worker takes it as soon as the job is over, and wakes another for what is left. Before anything that may take long
// (a plugin's code, a write) the job says end(), or tell() where it goes on holding after that. Outside of a job nothing is held.
#pragma once

namespace heddle::held_wakes {

extern constinit thread_local bool t_holds;

void begin() noexcept;
// Wakes a worker if that is owed.
void tell() noexcept;
void stop() noexcept;
inline void end() noexcept {
  if (t_holds) [[unlikely]] stop();
}

}  // namespace heddle::held_wakes
