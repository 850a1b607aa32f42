#include "plugin/channel.h"

#include "plugin/transport_handle.h"

namespace heddle {

Result<Value> map_of(const Texts& texts) {
  std::vector<std::pair<std::string, Value>> members;
  for (const auto& [name, text] : texts) {
    auto value = Value::string(text);
    if (!value) return Error("invalid", "the text of \"" + name + "\" is not UTF-8");
    members.emplace_back(name, *std::move(value));
  }
  return Value::map(std::move(members));
}

Result<Value> value_of(const ChannelTls& tls) {
  Texts texts = {{"ca", tls.ca}, {"certificate", tls.certificate}, {"key", tls.key}, {"server_name", tls.server_name}};
  std::erase_if(texts, [](const auto& member) { return member.second.empty(); });
  return map_of(texts);
}

Channel::~Channel() {
  if (!disconnected_) disconnect([](const Result<void>&) {});
}

heddle_id Channel::call(RemoteCall call, Hearing hearing) { return transport_.inbox_.calls().call(id_, std::move(call), std::move(hearing)); }
void Channel::grant(heddle_id call, uint32_t parts) { transport_.inbox_.calls().grant(call, parts); }
void Channel::cancel(heddle_id call) { transport_.inbox_.calls().cancel(call); }
void Channel::probe(Done done) { transport_.probe(id_, std::move(done)); }

void Channel::disconnect(Done done) {
  if (disconnected_.exchange(true)) return done(Error("conflict", "the channel to " + endpoint_ + " is disconnected already"));
  transport_.disconnect(id_, std::move(done));
}

}  // namespace heddle
