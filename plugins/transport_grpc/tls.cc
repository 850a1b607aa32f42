#include "tls.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "messages.h"

namespace transport_grpc {
namespace {

using heddle::sdk::Error;

std::string read_pem(const std::string& path, const std::string& what, std::string_view label) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(HEDDLE_INVALID, "cannot read the " + what + " " + path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().find("-----BEGIN ") == std::string::npos || text.str().find(label) == std::string::npos)
    throw Error(HEDDLE_INVALID, "the " + what + " " + path + " has no PEM block of a " + std::string(label));
  return std::move(text).str();
}

constexpr std::string_view kCertificate = "CERTIFICATE", kKey = "PRIVATE KEY";

}  // namespace

std::shared_ptr<grpc::ServerCredentials> server_credentials(const ServerTls& tls) {
  if (tls.certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({read_pem(tls.key, "key", kKey), read_pem(tls.certificate, "certificate", kCertificate)});
  if (!tls.client_ca.empty()) {
    options.pem_root_certs = read_pem(tls.client_ca, "file of authorities", kCertificate);
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> channel_credentials(heddle::sdk::ValueRef tls) {
  const std::string ca = text_of(tls, "ca"), certificate = text_of(tls, "certificate"), key = text_of(tls, "key");
  if (certificate.empty() != key.empty()) throw Error(HEDDLE_INVALID, "TLS needs both, \"certificate\" and \"key\", or neither");
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = read_pem(ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : ca, "file of authorities", kCertificate);
  if (!certificate.empty()) {
    options.pem_cert_chain = read_pem(certificate, "certificate", kCertificate);
    options.pem_private_key = read_pem(key, "key", kKey);
  }
  return grpc::SslCredentials(options);
}

}  // namespace transport_grpc
