#include "cli/client.h"
#include "cli/event_feed.h"
#include "cli/failure.h"
#include "cli/members.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "cli/verbs.h"
#include "clock.h"
#include "manifest/utf8.h"
#include "value/json_value.h"

namespace heddle {
namespace {

std::string stream_path(const EventsArguments& events) {
  std::string path = "/v1/events";
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) path += (path.find('?') == std::string::npos ? "?" : "&") + std::string(name) + "=" + url_escaped(text);
  };
  add("prefix", events.prefix);
  add("lane", events.lane);
  if (events.job) add("job", std::to_string(events.job));
  return path;
}

// "07:45:01.250  queue.job.failed  lane=prompt job=17 error=…"
std::string event_line(const ServerEvent& event, const Value& data) {
  if (event.name == "gap")
    return local_clock(wall_ms()) + "  gap  " + std::to_string(count_member(data, "lost")) + " events were lost here, of numbers " +
           std::to_string(count_member(data, "from")) + " to " + std::to_string(count_member(data, "to")) + ": they came faster than they were read\n";
  std::string line = local_clock(wall_ms()) + "  " + event.name + " ";
  for (size_t i = 0; i < data.size(); ++i) {
    std::string_view key;
    const Value value = data.at(i, &key);
    const std::string text(value.as_text() ? std::string(*value.as_text()) : value.json());
    if (!text.empty()) line.append(" ").append(key).append("=").append(text);
  }
  return printable(line) + "\n";
}

std::string event_json(const ServerEvent& event, const Value& data) {
  std::vector<std::pair<std::string, Value>> members{{"event", json_text(event.name)}};
  if (!event.id.empty()) members.emplace_back("id", json_or_text(event.id));
  members.emplace_back("data", data);
  return json_object(std::move(members)).json() + "\n";
}

}  // namespace

ExitCode events_command(const ClientArguments& arguments, const GeneralArguments& general) {
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  StopSignals signals;
  HostClient client(std::move(*address), signals.fd());
  bool written = true;
  EventFeed feed([&](ServerEvent event) {
    const Value data = json_or_text(event.data);
    written = written && print(general.json ? event_json(event, data) : event_line(event, data));
  });
  const HostAnswer answer = client.stream(stream_path(arguments.events), [&](std::string_view bytes) {
    feed.add(bytes);
    return written;
  });
  if (!written) return ExitCode::kIo;
  if (answer.code == ExitCode::kInterrupted) return signals.take() == SIGTERM ? ExitCode::kTerminated : ExitCode::kInterrupted;
  return fail_with(answer, general);
}

}  // namespace heddle
