#include "stream.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "quiet.h"

namespace sidecar_grpc {
namespace {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

std::string text_of(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

uint64_t number_of(ValueRef options, std::string_view key) {
  const auto n = options.find(key).as_int();
  if (!n || *n < 1) throw Error(HEDDLE_INVALID, "the options of a worker have no \"" + std::string(key) + "\" of at least 1");
  return static_cast<uint64_t>(*n);
}

std::string read_pem(const std::string& path, const std::string& what) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(HEDDLE_INVALID, "cannot read the " + what + " " + path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().find("-----BEGIN ") == std::string::npos) throw Error(HEDDLE_INVALID, "the " + what + " " + path + " is no PEM file");
  return std::move(text).str();
}

std::shared_ptr<grpc::ChannelCredentials> credentials(ValueRef tls) {
  if (!tls) return grpc::InsecureChannelCredentials();
  const std::string ca = text_of(tls, "ca"), certificate = text_of(tls, "certificate"), key = text_of(tls, "key");
  if (certificate.empty() != key.empty()) throw Error(HEDDLE_INVALID, "TLS needs both, \"certificate\" and \"key\", or neither");
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = read_pem(ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : ca, "file of authorities");
  if (!certificate.empty()) {
    options.pem_cert_chain = read_pem(certificate, "certificate");
    options.pem_private_key = read_pem(key, "key");
  }
  return grpc::SslCredentials(options);
}

std::shared_ptr<grpc::Channel> channel_to(const std::string& endpoint, ValueRef options) {
  const auto capped = [](uint64_t n) { return static_cast<int>(std::min<uint64_t>(n, INT32_MAX)); };
  grpc::ChannelArguments a;
  a.SetMaxReceiveMessageSize(capped(number_of(options, "most_bytes")));
  a.SetMaxSendMessageSize(-1);
  a.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, capped(number_of(options, "connect_ms")));
  a.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  a.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  a.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  a.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  a.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  const ValueRef tls = options.find("tls");
  if (const std::string name = text_of(tls, "server_name"); !name.empty()) a.SetSslTargetNameOverride(name);
  const BlockSignals blocked;
  return grpc::CreateCustomChannel("dns:///" + endpoint, credentials(tls), a);
}

std::string words_of(const grpc::Status& status, const std::string& endpoint) {
  if (status.ok()) return "the worker at " + endpoint + " ended the stream";
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return "who is at " + endpoint + " does not speak execution.v1";
  std::string said = status.error_message().substr(0, 300);
  std::replace_if(said.begin(), said.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return "the worker at " + endpoint + ": " + (said.empty() ? "status " + std::to_string(status.error_code()) : said);
}

}  // namespace

Connection::Connection(ValueRef options) : endpoint(text_of(options, "endpoint")), channel(channel_to(endpoint, options)), stub(channel) {}

std::shared_ptr<Stream> Stream::begin(Connection& to, std::weak_ptr<Worker> worker, uint64_t number) {
  const std::shared_ptr<Stream> stream(new Stream(std::move(worker), number, to.endpoint));
  stream->self_ = stream;
  stream->context_ = std::make_unique<grpc::ClientContext>();
  if (to.channel->GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE) grpc::experimental::ChannelResetConnectionBackoff(to.channel.get());
  to.stub.PrepareBidiStreamingCall(stream->context_.get(), "/execution.v1.Execution/TaskStream", {}, stream.get());
  stream->AddHold();  // until nothing more is read: so long something may be sent
  stream->StartRead(&stream->in_);
  stream->StartCall();
  return stream;
}

void Stream::send(const Envelope& said) {
  std::lock_guard lock(mutex_);
  if (!reading_) return;
  out_.push_back(said);
  go_on();
}

void Stream::go_on() {
  if (writing_ || out_.empty() || !reading_) return;
  writing_ = true;
  StartWrite(&out_.front());
}

void Stream::reset() {
  std::lock_guard lock(mutex_);
  if (context_) context_->TryCancel();
}

void Stream::OnReadDone(bool ok) {
  if (ok) {
    if (const auto worker = worker_.lock()) worker->heard(number_, in_);
    in_.Clear();
    return StartRead(&in_);
  }
  std::lock_guard lock(mutex_);
  reading_ = false;
  RemoveHold();
}

void Stream::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  out_.pop_front();
  if (ok) go_on();  // else the status says why
}

void Stream::OnDone(const grpc::Status& status) {
  {
    std::lock_guard lock(mutex_);
    context_.reset();  // with what it holds of the channel
  }
  const auto last = std::move(self_);
  if (const auto worker = worker_.lock()) worker->ended(number_, words_of(status, endpoint_));
}

}  // namespace sidecar_grpc
