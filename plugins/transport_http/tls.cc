#include "tls.h"

#include <heddle/sdk/error.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

namespace transport_http {
namespace {

[[noreturn]] void fail(const std::string& what) {
  const unsigned long code = ::ERR_peek_error();
  const char* const why = code ? ::ERR_reason_error_string(code) : nullptr;
  ::ERR_clear_error();
  throw heddle::sdk::Error(HEDDLE_INVALID, what + (why ? std::string(": ") + why : std::string()));
}

TlsContext begin(const SSL_METHOD* method) {
  ::ERR_clear_error();
  TlsContext context(::SSL_CTX_new(method));
  if (!context) fail("cannot begin TLS");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  return context;
}

void use(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (::SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) fail("cannot use the certificate " + certificate);
  if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) fail("cannot use the key " + key);
  if (::SSL_CTX_check_private_key(context) != 1) fail("the key " + key + " is not that of " + certificate);
}

void trust(SSL_CTX* context, const std::string& authorities) {
  if (::SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr) != 1) fail("cannot use the authorities in " + authorities);
}

std::string text_of(const ASN1_TIME* time) {
  tm t{};
  char text[32];
  if (!time || ::ASN1_TIME_to_tm(time, &t) != 1 || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &t) == 0) return "an unknown time";
  return text;
}

// "a.example, b.example, 192.0.2.1": whom the certificate is for.
std::string names_in(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&::GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)), &::GENERAL_NAMES_free);
  std::string text;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count && text.size() < 200; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    const std::unique_ptr<BIO, decltype(&::BIO_free)> memory(::BIO_new(::BIO_s_mem()), &::BIO_free);
    if (!memory || ::GENERAL_NAME_print(memory.get(), const_cast<GENERAL_NAME*>(name)) < 0) continue;
    char* printed = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &printed);
    text.append(text.empty() ? "" : ", ").append(printed, static_cast<size_t>(std::max(size, 0L)));
  }
  return text;
}

std::string objection_to(const X509* certificate, int error, const std::string& name) {
  const auto time = [&](const ASN1_TIME* (*of)(const X509*)) { return certificate ? text_of(of(certificate)) : std::string("an unknown time"); };
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate, or that of its authority, has expired at " + time(&::X509_get0_notAfter);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate, or that of its authority, is valid only from " + time(&::X509_get0_notBefore);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      const std::string names = certificate ? names_in(certificate) : std::string();
      return "its certificate is not for \"" + name + "\", but for " + (names.empty() ? "nobody by name" : names) + ": set \"server_name\" if that is right";
    }
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "its certificate comes from an authority that is not known here: name it in \"ca\" if it is to be trusted";
    default:
      return std::string("its certificate is refused: ") + ::X509_verify_cert_error_string(error);
  }
}

// Of OpenSSL, for each certificate of a chain, and each fault: the first one counts.
int on_verified(int fine, X509_STORE_CTX* chain) {
  const auto* const session = static_cast<SSL*>(::X509_STORE_CTX_get_ex_data(chain, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const expected = static_cast<Expected*>(SSL_get_app_data(session));
  if (!fine && expected) expected->objection = objection_to(::X509_STORE_CTX_get_current_cert(chain), ::X509_STORE_CTX_get_error(chain), expected->name);
  return fine;
}

}  // namespace

TlsContext load_tls(const TlsParams& params) {
  TlsContext context = begin(::TLS_server_method());
  ::SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  use(context.get(), params.certificate, params.key);
  if (params.client_ca.empty()) return context;
  trust(context.get(), params.client_ca);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Without a session context, resuming a session of a verified client fails.
  constexpr unsigned char kSessions[] = "heddle";
  ::SSL_CTX_set_session_id_context(context.get(), kSessions, sizeof kSessions - 1);
  return context;
}

TlsContext load_client_tls(const ClientTlsParams& params) {
  TlsContext context = begin(::TLS_client_method());
  if (params.certificate.empty() != params.key.empty())
    throw heddle::sdk::Error(HEDDLE_INVALID, "tls: \"certificate\" and \"key\" go together: one of them is missing");
  if (!params.certificate.empty()) use(context.get(), params.certificate, params.key);
  if (!params.ca.empty()) trust(context.get(), params.ca);
  else if (::SSL_CTX_set_default_verify_paths(context.get()) != 1) fail("cannot use the authorities of the system");
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, &on_verified);
  constexpr unsigned char kHttp[] = "\x08http/1.1";
  ::SSL_CTX_set_alpn_protos(context.get(), kHttp, sizeof kHttp - 1);
  return context;
}

bool expect(SSL* session, Expected& expected) {
  SSL_set_app_data(session, &expected);
  const std::string& name = expected.name;
  X509_VERIFY_PARAM* const wanted = ::SSL_get0_param(session);
  if (::X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1) return true;
  ::ERR_clear_error();
  ::X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return ::X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size()) == 1 && SSL_set_tlsext_host_name(session, name.c_str()) == 1;
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
