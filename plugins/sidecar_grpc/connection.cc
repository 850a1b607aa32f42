#include "connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <heddle/sdk/error.h>
#include <heddle/sdk/quiet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>


namespace sidecar_grpc {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

std::string text_of(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

uint64_t number_of(ValueRef options, std::string_view key, int64_t least) {
  const auto n = options.find(key).as_int();
  if (!n || *n < least) throw Error(HEDDLE_INVALID, "the options of a worker have no \"" + std::string(key) + "\" of at least " + std::to_string(least));
  return static_cast<uint64_t>(*n);
}

namespace {

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
  a.SetMaxReceiveMessageSize(capped(2 * number_of(options, "most_bytes")));
  a.SetMaxSendMessageSize(-1);
  a.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, capped(number_of(options, "connect_ms")));
  a.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  a.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  a.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  a.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  a.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  const ValueRef tls = options.find("tls");
  if (const std::string name = text_of(tls, "server_name"); !name.empty()) a.SetSslTargetNameOverride(name);
  const heddle::sdk::BlockSignals blocked;
  return grpc::CreateCustomChannel("dns:///" + endpoint, credentials(tls), a);
}

}  // namespace

Connection::Connection(ValueRef options) : endpoint(text_of(options, "endpoint")), most_bytes(number_of(options, "most_bytes")), channel(channel_to(endpoint, options)) {}

void Connection::hurry() const {
  if (channel->GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE) grpc::experimental::ChannelResetConnectionBackoff(channel.get());
}

std::string words_of(const grpc::Status& status) {
  std::string said = status.error_message().substr(0, 300);
  std::replace_if(said.begin(), said.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return said.empty() ? "status " + std::to_string(status.error_code()) : said;
}

}  // namespace sidecar_grpc
