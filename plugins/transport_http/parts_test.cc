#include "parts.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

namespace transport_http {
namespace {

using heddle::sdk::Value;

class PartsTest : public ::testing::Test {
 protected:
  // What comes of `text`, cut in two at `cut`; "!" where it is not taken.
  static std::string read(std::string_view type, std::string_view text, size_t cut, size_t most = 1000) {
    std::string all;
    Parts parts(type, most, [&](Value part) {
      const auto bytes = part.as_bytes();
      all += bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : std::string(part.json());
      all += '|';
      return true;
    });
    const bool fine = parts.take(text.substr(0, cut)) && parts.take(text.substr(cut)) && parts.end();
    return fine ? all : all + (parts.is_too_large() ? "too large" : "!");
  }
  void TearDown() override {
    host_.reset();
    EXPECT_EQ(heddle::sdk::FakeHost::live_values(), 0);
  }
  std::unique_ptr<heddle::sdk::FakeHost> host_ = std::make_unique<heddle::sdk::FakeHost>();
};

// The network cuts where it likes.
TEST_F(PartsTest, NothingDependsOnWhereTheBytesAreCut) {
  struct Row {
    const char* type;
    const char* text;
    const char* wanted;
  };
  const Row rows[] = {
      {"application/x-ndjson", "{\"a\":1}\n\n \r\n[2]\r\n3", "{\"a\":1}|[2]\r|3|"},
      {"text/event-stream", "data: a\n\n", R"({"data":"a"}|)"},
      {"text/event-stream", "data: a\r\n\r\ndata: b\r\rdata: c\n\n", R"({"data":"a"}|{"data":"b"}|{"data":"c"}|)"},
      {"text/event-stream",
       "\xef\xbb\xbf" "event: x\ndata: a\ndata:b\ndata\n\n: comment\nid: 7\nretry: 9\ndata: \xc3\xa9\n\nevent: none\n\nid: 8\n\ndata: cut",
       R"({"event":"x","data":"a\u000ab\u000a"}|{"id":"7","data":"é"}|)"},
  };
  for (const Row& row : rows)
    for (size_t cut = 0; cut <= std::string_view(row.text).size(); ++cut) EXPECT_EQ(read(row.type, row.text, cut), row.wanted) << row.text << " cut at " << cut;
}

TEST_F(PartsTest, BytesOfAnyOtherTypeAreHandedOnAsTheyCome) {
  EXPECT_EQ(read("text/plain", "abc", 0), "abc|");
  EXPECT_EQ(read("text/plain", "abc", 1), "a|bc|");
}

TEST_F(PartsTest, APartBeyondTheLimitIsNotKept) {
  for (size_t cut = 0; cut <= 12; ++cut) {
    EXPECT_EQ(read("application/x-ndjson", "1234\n12345\n1", cut, 4), "1234|too large");
    EXPECT_EQ(read("text/event-stream", "data:12\n\ndata:1\ndata:23\n\n", cut, 7), R"({"data":"12"}|{"data":"1\u000a23"}|)");
    EXPECT_EQ(read("text/event-stream", "data:12345678\n\n", cut, 9), "too large");
  }
  EXPECT_EQ(read("text/event-stream", "data:1234\ndata:1234\ndata:1234\n\n", 5, 9), "too large");
}

}  // namespace
}  // namespace transport_http
