#include "tls.h"

#include <heddle/sdk/error.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

namespace transport_http {
namespace {

[[noreturn]] void fail(const std::string& what) {
  const unsigned long code = ::ERR_peek_error();
  const char* const why = code ? ::ERR_reason_error_string(code) : nullptr;
  ::ERR_clear_error();
  throw heddle::sdk::Error(HEDDLE_INVALID, what + (why ? std::string(": ") + why : std::string()));
}

}  // namespace

TlsContext load_tls(const TlsParams& params) {
  ::ERR_clear_error();
  TlsContext context(::SSL_CTX_new(::TLS_server_method()));
  if (!context) fail("cannot begin TLS");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (::SSL_CTX_use_certificate_chain_file(context.get(), params.certificate.c_str()) != 1)
    fail("cannot use the certificate " + params.certificate);
  if (::SSL_CTX_use_PrivateKey_file(context.get(), params.key.c_str(), SSL_FILETYPE_PEM) != 1) fail("cannot use the key " + params.key);
  if (::SSL_CTX_check_private_key(context.get()) != 1) fail("the key " + params.key + " is not that of " + params.certificate);
  if (params.client_ca.empty()) return context;
  if (::SSL_CTX_load_verify_locations(context.get(), params.client_ca.c_str(), nullptr) != 1)
    fail("cannot use the authorities in " + params.client_ca);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Without a session context, resuming a session of a verified client fails.
  constexpr unsigned char kSessions[] = "heddle";
  ::SSL_CTX_set_session_id_context(context.get(), kSessions, sizeof kSessions - 1);
  return context;
}

std::string subject_of(SSL* session) {
  const std::unique_ptr<X509, decltype(&::X509_free)> certificate(::SSL_get1_peer_certificate(session), &::X509_free);
  if (!certificate || ::SSL_get_verify_result(session) != X509_V_OK) return {};
  const std::unique_ptr<BIO, decltype(&::BIO_free)> memory(::BIO_new(::BIO_s_mem()), &::BIO_free);
  if (!memory || ::X509_NAME_print_ex(memory.get(), ::X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : std::string();
}

}  // namespace transport_http
