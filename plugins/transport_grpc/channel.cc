#include "channel.h"

#include <grpcpp/create_channel.h>
#include <heddle/sdk/quiet.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "clock.h"
#include "endpoint.h"
#include "messages.h"
#include "stream_messages.h"
#include "tls.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::guard;
using heddle::sdk::detail::to_view;

uint64_t number_of(ValueRef options, std::string_view name) {
  const auto n = options.find(name).as_int();
  if (!n || *n < 1) throw Error(HEDDLE_INVALID, "the options of a channel have no \"" + std::string(name) + "\" of at least 1");
  return static_cast<uint64_t>(*n);
}

int capped(uint64_t n) { return static_cast<int>(std::min<uint64_t>(n, INT32_MAX)); }

grpc::ChannelArguments arguments_of(ValueRef options, uint64_t connect_ms) {
  constexpr int kMostHead = 32 << 10;
  constexpr int kAgainMs = 100, kMostAgainMs = 1000;  // after a connection that failed
  constexpr int kAliveMs = 30'000;           // so often a peer that owes an answer is asked whether it is there
  grpc::ChannelArguments a;
  a.SetMaxReceiveMessageSize(capped(number_of(options, "most_body_bytes")));
  a.SetMaxSendMessageSize(-1);
  a.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMostHead);
  a.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, capped(connect_ms));  // so long a connection may take
  a.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kAgainMs);
  a.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMostAgainMs);
  a.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection belongs to one channel, and goes with it
  a.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kAliveMs);
  a.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  a.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);  // no limit holds for what is unpacked
  a.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  a.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  const std::string name = text_of(options.find("tls"), "server_name");
  if (!name.empty()) a.SetSslTargetNameOverride(name);
  return a;
}

}  // namespace

Channel::Channel(Calls& calls, ValueRef options) : calls_(calls) {
  const Endpoint to = parse_endpoint(text_of(options, "endpoint"));
  if (to.port.find_first_not_of('0') == to.port.npos) throw Error(HEDDLE_INVALID, "\"" + to.text() + "\" is no endpoint: port 0 cannot be reached");
  endpoint_ = to.text();
  headers_ = read_headers(options.find("headers"));
  connect_ms_ = number_of(options, "connect_ms");
  const ValueRef list = options.find("operations");
  for (size_t i = 0; i < list.size(); ++i) operations_.insert(text_of(list.at(i), "name"));
  const ValueRef tls = options.find("tls");
  const auto credentials = to.secure || tls ? channel_credentials(tls) : grpc::InsecureChannelCredentials();
  const heddle::sdk::BlockSignals blocked;
  channel_ = grpc::CreateCustomChannel("dns:///" + endpoint_, credentials, arguments_of(options, connect_ms_));
  stub_ = std::make_shared<grpc::GenericStub>(channel_);
}

Asked Channel::asked(const heddle_request& r) const {
  Asked a;
  const std::string operation(to_view(r.operation));
  const std::string_view type = to_view(r.content_type);
  if (!operations_.contains(operation)) throw Error(HEDDLE_INVALID, "the channel to " + endpoint_ + " knows no operation \"" + operation + "\"");
  if (r.more) throw Error(HEDDLE_UNSUPPORTED, operation + ": a request in parts is not taken here");
  a.method = method_for(operation, type);
  if (!a.method) throw Error(HEDDLE_UNSUPPORTED, "no method of heddle.v1 carries " + operation + (type.empty() ? "" : " with " + std::string(type)));
  a.id = r.exchange;
  a.path = a.method->path;
  a.deadline_ns = r.deadline_ns;
  a.credit = r.credit;
  a.fields = fields_of(r, headers_);
  if (!a.method->takes_stream) {
    a.message = a.method->write_request(r);
    return a;
  }
  if (r.credit == 0) throw Error(HEDDLE_INVALID, operation + ": a stream needs credit from the beginning");
  if (r.body) a.lines = json_of(ValueRef(r.body));
  const bool brings_manifest = operation == a.method->sent_operation;
  Value manifest;
  if (brings_manifest) {
    const size_t end = std::min(a.lines.find('\n'), a.lines.size());
    const Value first = Value::parse(std::string_view(a.lines).substr(0, end));
    if (!first.find("manifest")) throw Error(HEDDLE_INVALID, operation + " needs a first line {\"manifest\": …}");
    manifest = Value::share(first.find("manifest"));
    a.lines.erase(0, std::min(end + 1, a.lines.size()));
  }
  const std::string pipeline = text_of(ValueRef(r.parameters), "name");
  if (!brings_manifest && pipeline.empty()) throw Error(HEDDLE_INVALID, operation + " needs the parameter \"name\"");
  const bool is_one = a.lines.find_first_not_of(" \t\r\n") != a.lines.npos && a.lines.find('\n') >= a.lines.size() - 1;
  const std::string_view item = is_one ? std::string_view(a.lines) : std::string_view();
  a.message = brings_manifest ? write_open_with(json_of(manifest), r.credit, item) : write_open(pipeline, r.credit, item);
  a.is_whole = is_one;
  return a;
}

void Channel::call(const heddle_request& r) {
  const Value body = Value::adopt(r.body);
  std::optional<Asked> asked_for;
  guard([&] { asked_for = asked(r); },
        [&](heddle_status status, std::string_view why) {
          Asked refused;
          refused.id = r.exchange;
          const char* const code = status == HEDDLE_UNSUPPORTED ? "unsupported" : status == HEDDLE_INVALID ? "invalid" : "internal";
          calls_.fail(refused, failure(code, std::string(why)), false, true);
        });
  if (asked_for) begin(std::move(*asked_for));
}

void Channel::probe(heddle_op* op) {
  Asked a;
  a.probe = op;
  a.path = kHealthPath;
  a.message = health_request();
  a.deadline_ns = in_ms(connect_ms_);
  a.fields = headers_;
  begin(std::move(a));
}

void Channel::begin(Asked asked) {
  const auto call = std::make_shared<Call>(calls_, std::move(asked), endpoint_);
  std::shared_ptr<grpc::Channel> channel;
  std::shared_ptr<grpc::GenericStub> stub;
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) {
      channel = channel_;
      stub = stub_;
      open_.insert(call);
      calls_.add(call);
    }
  }
  if (!stub) return calls_.fail(call->asked(), failure("cancelled", "the channel to " + endpoint_ + " is disconnected"), false, true);
  // A channel that could not connect a moment ago fails its calls without trying again: it is told to.
  if (channel->GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE) grpc::experimental::ChannelResetConnectionBackoff(channel.get());
  call->begin(call, *stub, [this, call = std::weak_ptr(call)] { ended(call.lock()); });
}

void Channel::ended(const std::shared_ptr<Call>& call) {
  std::lock_guard lock(mutex_);
  open_.erase(call);
  if (open_.empty()) ended_.notify_all();  // under the lock: the channel may go as soon as nothing is open
}

bool Channel::disconnect(std::function<void()> done) {
  std::lock_guard lock(mutex_);
  if (std::exchange(stopping_, true)) return false;
  done_ = std::move(done);
  const heddle::sdk::BlockSignals blocked;
  closing_ = std::thread([this] { close_down(); });
  return true;
}

void Channel::close_down() {
  std::unique_lock lock(mutex_);
  const std::vector<std::shared_ptr<Call>> open(open_.begin(), open_.end());
  lock.unlock();
  for (const auto& call : open) call->give_up();
  lock.lock();
  ended_.wait(lock, [this] { return open_.empty(); });
  stub_.reset();
  channel_.reset();
  const auto done = std::move(done_);
  lock.unlock();
  done();
  gone_ = true;
}

Channel::~Channel() {
  disconnect([] {});
  closing_.join();
}

}  // namespace transport_grpc
