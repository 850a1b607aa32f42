#include "plugin/remote_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "plugin/host_table.h"
#include "plugin/plugin_text.h"

namespace heddle {
namespace {

constexpr std::string_view kLines = "application/x-ndjson";

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }

bool is_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 64 && name != "timeout-ms" && std::all_of(name.begin(), name.end(), fits);
}

bool is_text(std::string_view text) {
  const auto fits = [](char c) { return c >= ' ' && c <= '~'; };
  return std::all_of(text.begin(), text.end(), fits) && !text.starts_with(' ') && !text.ends_with(' ');
}

Result<Value> metadata_of(const Texts& texts) {
  size_t bytes = 0;
  for (const auto& [name, text] : texts) {
    if (!is_name(name)) return Error("invalid", "\"" + plugin_text(name) + "\" is no name of metadata: 1 to 64 of a-z, 0-9 and '-', and not \"timeout-ms\"");
    if (!is_text(text)) return Error("invalid", "the metadata \"" + name + "\" is not printable ASCII without a space at either end");
    bytes += name.size() + text.size();
  }
  if (texts.size() > HEDDLE_METADATA_MOST || bytes > HEDDLE_METADATA_BYTES)
    return Error("invalid", "there is too much metadata: " + std::to_string(texts.size()) + " entries with " + std::to_string(bytes) + " bytes; at most " +
                                std::to_string(HEDDLE_METADATA_MOST) + " and " + std::to_string(HEDDLE_METADATA_BYTES));
  return map_of(texts);
}

RemoteAnswer answer_of(const heddle_answer& a) {
  const heddle_answer* const given = &a;
  RemoteAnswer answer;
  answer.status = a.status;
  Value body = Value::adopt(a.body);
  if (a.status < 0) {
    answer.why = failure_said(a.status, body);
    answer.retry_after_ms = a.retry_after_ms;
    answer.unsent = HEDDLE_HAS(given, unsent);
    return answer;
  }
  answer.accepted = HEDDLE_HAS(given, accepted);
  answer.more = a.more;
  answer.content_type = a.content_type.len ? plugin_text(a.content_type) : "application/json";
  answer.body = std::move(body);
  return answer;
}

RemoteAnswer refusal(heddle_status status, Error why) {
  RemoteAnswer answer;
  answer.status = status;
  answer.why = std::move(why);
  answer.unsent = true;
  return answer;
}

}  // namespace

Result<Value> RemoteAnswer::json() const {
  if (!content_type.empty() && content_type != "application/json") return Error("not-understood", "the answer is " + content_type + ", not application/json");
  if (!body) return Error("not-understood", "the answer is empty, not JSON");
  const auto bytes = body.as_bytes();
  if (!bytes) return body;
  auto parsed = Value::parse(*bytes);
  if (!parsed) return Error("not-understood", "the answer is not JSON").because(std::move(parsed).error());
  return parsed;
}

void RemoteCalls::add(heddle_id channel) {
  std::lock_guard lock(mutex_);
  channels_.insert(channel);
}

void RemoteCalls::remove(heddle_id channel) {
  std::vector<Open> left;
  {
    std::lock_guard lock(mutex_);
    channels_.erase(channel);
    for (auto at = open_.begin(); at != open_.end();) {
      const bool of_it = at->second.channel == channel;
      if (of_it) left.push_back(std::move(at->second));
      at = of_it ? open_.erase(at) : std::next(at);
    }
  }
  if (!left.empty()) outlet_->fault("it disconnected a channel, and never said that " + std::to_string(left.size()) + " of its calls are over");
  for (const Open& open : left) settle(open, HEDDLE_CANCELLED, "the channel is disconnected");
}

void RemoteCalls::remove_all() {
  std::set<heddle_id> channels;
  {
    std::lock_guard lock(mutex_);
    channels = channels_;
  }
  for (const heddle_id channel : channels) remove(channel);
}

heddle_id RemoteCalls::call(heddle_id channel, RemoteCall call, Hearing hearing) {
  const auto hearer = std::make_shared<const Hearing>(std::move(hearing));
  auto parameters = map_of(call.parameters), metadata = metadata_of(call.metadata);
  if (!parameters || !metadata) {
    hearer->answered(refusal(HEDDLE_INVALID, !parameters ? std::move(parameters).error() : std::move(metadata).error()));
    return 0;
  }
  heddle_id id = 0;
  {
    std::lock_guard lock(mutex_);
    if (channels_.contains(channel)) {
      id = last_ += 2;
      open_.emplace(id, Open{.channel = channel, .hearing = hearer, .credit = hearer->credit});
    }
  }
  const std::string trace = call.trace ? call.trace->traceparent() : std::string();
  heddle_request r{};
  r.struct_size = sizeof r;
  r.exchange = id;
  r.operation = str(call.operation);
  r.token = str(call.token);
  r.content_type = str(call.content_type);
  r.trace = str(trace);
  if (call.trace) r.trace_state = str(call.trace->state);
  r.deadline_ns = call.deadline_ns;
  r.credit = hearer->credit;
  r.parameters = parameters->get();
  r.metadata = metadata->get();
  r.body = call.body.get();
  const bool is_sent = id != 0 && outlet_->call([&](const heddle_transport& t, void* self) {
    call.body.release();
    t.call(self, channel, &r);
  });
  if (is_sent) return id;
  {
    std::lock_guard lock(mutex_);
    if (id != 0 && open_.erase(id) == 0) return id;  // settled by remove()
  }
  hearer->answered(refusal(HEDDLE_CANCELLED, Error("cancelled", "the channel is disconnected", ErrorClass::kCancelled)));
  return 0;
}

void RemoteCalls::grant(heddle_id call, uint32_t parts) {
  {
    std::lock_guard lock(mutex_);
    Open* const open = find(call);
    if (!open || open->given_up) return;
    open->credit += parts;
  }
  outlet_->call([&](const heddle_transport& t, void* self) {
    const heddle_transport* const table = &t;
    if (HEDDLE_HAS(table, grant)) table->grant(self, call, parts);
  });
}

void RemoteCalls::cancel(heddle_id call) { give_up(call, Error("cancelled", "the call was given up", ErrorClass::kCancelled)); }

void RemoteCalls::give_up(heddle_id call, Error why) {
  {
    std::lock_guard lock(mutex_);
    Open* const open = find(call);
    if (!open || open->given_up) return;
    open->given_up = std::move(why);
  }
  outlet_->call([&](const heddle_transport& t, void* self) { t.cancel(self, call); });
}

RemoteCalls::Open* RemoteCalls::find(heddle_id call) {
  const auto found = open_.find(call);
  return found == open_.end() ? nullptr : &found->second;
}

void RemoteCalls::breach(heddle_id call, const std::string& what) {
  outlet_->fault("it " + what + " (call " + std::to_string(call) + ")");
  give_up(call, Error("internal", "the transport " + what));
}

void RemoteCalls::answer(heddle_id call, const heddle_answer& a) {
  RemoteAnswer answer = answer_of(a);
  std::shared_ptr<const Hearing> hearing;
  const char* wrong = nullptr;
  {
    std::lock_guard lock(mutex_);
    Open* const open = find(call);
    if (!open) wrong = "answered a call that is not open";
    else if (open->answered) wrong = "answered a call twice";
    else if (answer.more && (!open->hearing->part || !open->hearing->ended)) wrong = "answered with parts where none were asked for";
    if (!wrong) {
      open->answered = true;
      open->streams = answer.more;
      open->has_lines = answer.content_type == kLines;
      hearing = open->hearing;
    }
  }
  if (wrong) return breach(call, wrong);
  hearing->answered(std::move(answer));
}

void RemoteCalls::part(heddle_id call, heddle_value* v) {
  Value part = Value::adopt(v);
  std::shared_ptr<const Hearing> hearing;
  const char* wrong = nullptr;
  bool is_text = false;
  {
    std::lock_guard lock(mutex_);
    Open* const open = find(call);
    if (open && open->given_up) return;
    if (!open || !open->streams) wrong = "delivered a part of no stream";
    else if (open->credit == 0) wrong = "delivered a part without credit";
    if (!wrong) {
      --open->credit;
      is_text = open->has_lines;
      hearing = open->hearing;
    }
  }
  if (wrong) return breach(call, wrong);
  if (const auto text = is_text ? part.as_bytes() : std::nullopt) {
    auto parsed = Value::parse(*text);
    if (!parsed) return give_up(call, Error("not-understood", "a line of the answer is not JSON").because(std::move(parsed).error()));
    part = *std::move(parsed);
  }
  hearing->part(std::move(part));
}

void RemoteCalls::end(heddle_id call, heddle_status status, std::string_view why) {
  std::shared_ptr<const Hearing> hearing;
  std::optional<Error> given_up;
  {
    std::lock_guard lock(mutex_);
    if (Open* const open = find(call); open && open->streams) {
      open->streams = false;
      hearing = open->hearing;
      given_up = open->given_up;
    }
  }
  if (!hearing) return breach(call, "ended a stream twice, or none");
  if (given_up) hearing->ended(*std::move(given_up));
  else if (status < 0) hearing->ended(error_of_status(status, plugin_text(why)));
  else hearing->ended({});
}

void RemoteCalls::over(heddle_id call, heddle_status status, std::string_view why) {
  Open open;
  {
    std::lock_guard lock(mutex_);
    const auto found = open_.find(call);
    if (found != open_.end()) open = std::move(found->second);
    if (found != open_.end()) open_.erase(found);
  }
  if (!open.hearing) return outlet_->fault("it said that call " + std::to_string(call) + " is over, which is not open");
  settle(open, status, why);
}

void RemoteCalls::settle(const Open& open, heddle_status status, std::string_view why) {
  if (open.answered && !open.streams) return;
  if (status >= 0 && !open.given_up) outlet_->fault("it said that a call is over well, and never " + std::string(open.answered ? "ended" : "answered") + " it");
  RemoteAnswer answer;
  answer.status = status < 0 ? status : HEDDLE_INTERNAL;
  if (open.given_up) answer.status = open.given_up->error_class == ErrorClass::kCancelled ? HEDDLE_CANCELLED : HEDDLE_INTERNAL;
  answer.why = open.given_up ? *open.given_up : error_of_status(answer.status, plugin_text(why));
  if (answer.why.message.empty()) answer.why.message = "the transport gave no reason";
  if (open.answered) open.hearing->ended(std::move(answer.why));
  else open.hearing->answered(std::move(answer));
}

}  // namespace heddle
