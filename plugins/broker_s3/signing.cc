#include "signing.h"

#include <heddle/sdk.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <ctime>

namespace broker_s3 {
namespace {

using heddle::sdk::Error;

constexpr char kAlgorithm[] = "AWS4-HMAC-SHA256";

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char out[SHA256_DIGEST_LENGTH];
  unsigned size = 0;
  if (!::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size))
    throw Error(HEDDLE_INTERNAL, "OpenSSL makes no HMAC");
  return {reinterpret_cast<const char*>(out), size};
}

std::string sha256(std::string_view text) {
  unsigned char out[SHA256_DIGEST_LENGTH];
  if (!::EVP_Digest(text.data(), text.size(), out, nullptr, ::EVP_sha256(), nullptr)) throw Error(HEDDLE_INTERNAL, "OpenSSL makes no SHA-256");
  return {reinterpret_cast<const char*>(out), sizeof out};
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// "20130524T000000Z"
std::string stamp(int64_t now_unix) {
  const std::time_t now = now_unix;
  std::tm parts{};
  char text[32];
  if (!::gmtime_r(&now, &parts) || std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts) != 16) throw Error(HEDDLE_INTERNAL, "the clock says a time that cannot be written");
  return text;
}

}  // namespace

std::string encoded(std::string_view text, bool keeps_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain || (c == '/' && keeps_slash)) {
      out += c;
      continue;
    }
    out += '%';
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string signing_key(std::string_view secret_key, std::string_view day, std::string_view region, std::string_view service) {
  return hmac(hmac(hmac(hmac("AWS4" + std::string(secret_key), day), region), service), "aws4_request");
}

std::string presigned(const Request& request, const Credentials& credentials, int64_t now_unix, uint64_t lifetime_s) {
  const std::string time = stamp(now_unix), day = time.substr(0, 8);
  const std::string scope = day + "/" + std::string(request.region) + "/s3/aws4_request";
  // In the order of their names, as the signature wants them.
  std::string query = std::string("X-Amz-Algorithm=") + kAlgorithm + "&X-Amz-Credential=" + encoded(credentials.access_key + "/" + scope, false) + "&X-Amz-Date=" + time +
                      "&X-Amz-Expires=" + std::to_string(lifetime_s);
  if (!credentials.session_token.empty()) query += "&X-Amz-Security-Token=" + encoded(credentials.session_token, false);
  query += "&X-Amz-SignedHeaders=host";
  const std::string host(request.host), path(request.path);
  const std::string canonical = std::string(request.method) + "\n" + path + "\n" + query + "\nhost:" + host + "\n\nhost\nUNSIGNED-PAYLOAD";
  const std::string to_sign = std::string(kAlgorithm) + "\n" + time + "\n" + scope + "\n" + hex(sha256(canonical));
  const std::string signature = hex(hmac(signing_key(credentials.secret_key, day, request.region, "s3"), to_sign));
  return std::string(request.scheme) + "://" + host + path + "?" + query + "&X-Amz-Signature=" + signature;
}

}  // namespace broker_s3
