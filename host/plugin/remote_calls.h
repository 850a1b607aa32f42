// RemoteCalls: the calls of this host that peers have not answered to their end. Each hears exactly one answer, whatever the transport does.
#pragma once
#include <heddle/inbox.h>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plugin/channel.h"
#include "plugin/outlet.h"

namespace heddle {

// Any thread; no lock is held while anybody is told of anything.
class RemoteCalls {
 public:
  explicit RemoteCalls(std::shared_ptr<Outlet> outlet) : outlet_(std::move(outlet)) {}

  void add(heddle_id channel);
  // Ends what the transport has left open, as its fault.
  void remove(heddle_id channel);
  void remove_all();

  heddle_id call(heddle_id channel, RemoteCall call, Hearing hearing);
  void grant(heddle_id call, uint32_t parts);
  void cancel(heddle_id call);

  // What the transport says.
  void answer(heddle_id call, const heddle_answer& a);
  void part(heddle_id call, heddle_value* v);
  void end(heddle_id call, heddle_status status, std::string_view why);
  void over(heddle_id call, heddle_status status, std::string_view why);

 private:
  struct Open {
    heddle_id channel = 0;
    std::shared_ptr<const Hearing> hearing;  // alive while somebody is told
    bool answered = false, streams = false, has_lines = false;  // has_lines: its parts are the texts of JSON values
    uint64_t credit = 0;
    std::optional<Error> given_up = {};  // why: no part comes any more
  };
  Open* find(heddle_id call);
  void give_up(heddle_id call, Error why);
  void breach(heddle_id call, const std::string& what);
  // What a call that is over is still owed.
  void settle(const Open& open, heddle_status status, std::string_view why);

  const std::shared_ptr<Outlet> outlet_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::set<heddle_id> channels_;
  std::unordered_map<heddle_id, Open> open_;
  heddle_id last_ = 1;  // of a call: odd: see heddle/transport.h
};

}  // namespace heddle
