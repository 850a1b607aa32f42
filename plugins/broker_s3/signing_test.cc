// The published examples are those of AWS: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" of the Amazon S3 API reference
// (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html), and "Examples of how to derive a signing key for Signature Version 4" of the AWS General Reference
// (docs.aws.amazon.com/general/latest/gr/signature-v4-examples.html).
#include "signing.h"

#include <gtest/gtest.h>

namespace broker_s3 {
namespace {

const Credentials kExample{.access_key = "AKIAIOSFODNN7EXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
constexpr int64_t kExampleTime = 1369353600;  // 2013-05-24T00:00:00Z

TEST(Signing, ThePublishedSigningKeyIsDerived) {
  const std::string key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam");
  std::string hex;
  for (const char c : key) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
    hex += two;
  }
  EXPECT_EQ(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(Signing, ThePublishedUrlIsMade) {
  const Request request{.method = "GET", .scheme = "https", .host = "examplebucket.s3.amazonaws.com", .path = "/test.txt", .region = "us-east-1"};
  EXPECT_EQ(presigned(request, kExample, kExampleTime, 86400),
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Signing, ASessionTokenIsEncodedAndSignedToo) {
  const Request request{.method = "GET", .scheme = "https", .host = "h", .path = "/k", .region = "r"};
  Credentials with = kExample;
  with.session_token = "a+b/c==";
  const std::string url = presigned(request, with, kExampleTime, 1), without = presigned(request, kExample, kExampleTime, 1);
  EXPECT_NE(url.find("&X-Amz-Expires=1&X-Amz-Security-Token=a%2Bb%2Fc%3D%3D&X-Amz-SignedHeaders=host&"), url.npos) << url;
  EXPECT_NE(url.substr(url.rfind('=')), without.substr(without.rfind('=')));
}

TEST(Signing, EverythingButTheUnreservedIsEncoded) {
  EXPECT_EQ(encoded("AZaz09-._~", false), "AZaz09-._~");
  EXPECT_EQ(encoded("a b+c/d//e", true), "a%20b%2Bc/d//e");
  EXPECT_EQ(encoded("a/b", false), "a%2Fb");
  EXPECT_EQ(encoded("ü€😀", true), "%C3%BC%E2%82%AC%F0%9F%98%80");
  EXPECT_EQ(encoded("!*'();:@&=$,?#[]%\"<>\\^`{|}", true), "%21%2A%27%28%29%3B%3A%40%26%3D%24%2C%3F%23%5B%5D%25%22%3C%3E%5C%5E%60%7B%7C%7D");
  EXPECT_EQ(encoded(std::string_view("\0\x7f\n", 3), true), "%00%7F%0A");
}

}  // namespace
}  // namespace broker_s3
