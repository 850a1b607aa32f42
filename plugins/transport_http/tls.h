// TLS from certificate and key, by OpenSSL.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace transport_http {

struct TlsParams {
  std::string certificate;  // PEM files: the chain, its key, and, empty or not, the authorities that clients' certificates must come from
  std::string key;
  std::string client_ca;
};

struct ClientTlsParams {
  std::string ca;           // PEM files; empty: the authorities of the system, and no certificate of our own
  std::string certificate;
  std::string key;
};

struct FreeContext {
  void operator()(SSL_CTX* c) const { ::SSL_CTX_free(c); }
};
struct FreeSession {
  void operator()(SSL* s) const { ::SSL_free(s); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;
using TlsSession = std::unique_ptr<SSL, FreeSession>;

// Throw heddle::sdk::Error, which names the file.
TlsContext load_tls(const TlsParams& params);
TlsContext load_client_tls(const ClientTlsParams& params);

// Whom a client wants to speak to, by a host's name or an address; and, after a handshake that failed, what is wrong with the certificate of
// whom it found; empty: nothing.
struct Expected {
  std::string name;
  std::string objection = {};
};
// Before the handshake, during which `expected` lives. False: out of memory.
bool expect(SSL* session, Expected& expected);

// The subject of the peer's verified certificate (RFC 2253), or empty.
std::string subject_of(SSL* session);

}  // namespace transport_http
