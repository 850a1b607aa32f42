#include <fcntl.h>
#include <gtest/gtest.h>
#include <heddle/sdk.h>
#include <heddle/sdk/fake_host.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gzip.h"

namespace node_file {
namespace {

using namespace heddle::sdk;
using Texts = std::vector<std::string>;

// A folder of its own for each test, and ways to look at what is in it.
class NodeFile : public testing::Test {
 protected:
  NodeFile() {
    char name[] = "/tmp/node_file_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~NodeFile() override {
    EXPECT_TRUE(host.faults().empty()) << host.faults().front();
    std::filesystem::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string make(const std::string& name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  static std::string content(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream(path, std::ios::binary).rdbuf();
    return all.str();
  }
  size_t files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {})); }

  static std::string packed(std::string_view text) {
    std::string out;
    Gzip().deflate(text, true, out);
    return out;
  }

  // {"path": …, <more>}
  static std::string params(const std::string& path, const std::string& more = {}) {
    return R"({"path":")" + path + "\"" + (more.empty() ? "" : ",") + more + "}";
  }

  // Runs a source over its file; the call must succeed.
  Texts read(const std::string& type, const std::string& path, const std::string& more = {}, Texts* bad = nullptr) {
    FakeNode node = host.create(type, params(path, more));
    FakeCall* call = node.start_source();
    EXPECT_TRUE(call->done());
    EXPECT_EQ(call->status(), HEDDLE_OK) << call->why();
    const Texts bad_items = call->outputs(1);
    if (bad)
      *bad = bad_items;
    else
      EXPECT_EQ(bad_items, Texts{});
    return call->outputs(0);
  }

  // Runs a sink over the items; everything must succeed.
  void write(const std::string& type, const std::string& path, const std::vector<std::string>& items, const std::string& more = {}) {
    FakeNode node = host.create(type, params(path, more));
    for (const std::string& item : items) {
      FakeCall* call = node.send(item);
      EXPECT_EQ(call->status(), HEDDLE_OK) << call->why();
    }
    FakeCall* end = node.finish();
    EXPECT_EQ(end->status(), HEDDLE_OK) << end->why();
    node.deactivate();
  }

  std::string create_failure(const std::string& type, const std::string& params_text) {
    try {
      host.create(type, params_text);
    } catch (const Error& failed) {
      return failed.what();
    }
    return "created";
  }

  FakeHost host;
  std::string folder_;
};

TEST_F(NodeFile, OffersItsTypes) {
  Texts types = host.types();
  std::ranges::sort(types);
  EXPECT_EQ(types, (Texts{"ReadCsv", "ReadJsonLines", "ReadText", "WriteCsv", "WriteJsonLines", "WriteText"}));
}

// --- JSON lines

TEST_F(NodeFile, JsonLinesComeOutInOrderAndBlankOnesDoNot) {
  const auto file = make("a.jsonl", "{\"a\":1}\n\n  \r\n[1, 2]\r\n\"x\"");
  EXPECT_EQ(read("ReadJsonLines", file), (Texts{R"({"a":1})", "[1,2]", "\"x\""}));
}

TEST_F(NodeFile, AByteOrderMarkIsSkipped) {
  EXPECT_EQ(read("ReadJsonLines", make("a.jsonl", "\xEF\xBB\xBF{\"a\":1}\n")), Texts{R"({"a":1})"});
  EXPECT_EQ(read("ReadText", make("a.txt", "\xEF\xBB\xBFx\n")), Texts{"\"x\""});
}

TEST_F(NodeFile, AnEmptyFileGivesNothing) {
  const auto file = make("empty", "");
  for (const char* type : {"ReadJsonLines", "ReadCsv", "ReadText"}) EXPECT_EQ(read(type, file), Texts{}) << type;
}

TEST_F(NodeFile, ABadLineLeavesByThePortBadAndStopsNothing) {
  Texts bad;
  EXPECT_EQ(read("ReadJsonLines", make("a.jsonl", "1\n{oops}\n3\n\xFF\n"), {}, &bad), (Texts{"1", "3"}));
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_NE(bad[0].find(R"("line":2)"), bad[0].npos) << bad[0];
  EXPECT_NE(bad[0].find(R"("text":"{oops}")"), bad[0].npos) << bad[0];
  EXPECT_NE(bad[0].find(R"("error":")"), bad[0].npos) << bad[0];
  EXPECT_NE(bad[1].find(R"("line":4)"), bad[1].npos) << bad[1];
  EXPECT_NE(bad[1].find("\xEF\xBF\xBD"), bad[1].npos) << "bytes that are not UTF-8 are shown as U+FFFD";
}

TEST_F(NodeFile, ATooLongLineIsABadItemWithItsBeginningAndTheNextIsFine) {
  const std::string huge(3 << 20, 'x');
  for (const size_t limit : {size_t{100}, size_t{1} << 20}) {
    Texts bad;
    const auto file = make("long.txt", "first\n" + huge + "\nlast");
    EXPECT_EQ(read("ReadText", file, R"("max_line_bytes":)" + std::to_string(limit), &bad), (Texts{"\"first\"", "\"last\""}));
    ASSERT_EQ(bad.size(), 1u);
    EXPECT_NE(bad[0].find("the line has 3145728 bytes, more than " + std::to_string(limit)), bad[0].npos) << bad[0].substr(0, 100);
    EXPECT_LT(bad[0].size(), 5000u);
    EXPECT_TRUE(bad[0].ends_with(R"(,"text_bytes":3145728})")) << bad[0].substr(4000);
  }
}

TEST_F(NodeFile, ManyLinesAcrossManyBlocksAreAllThere) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + (i % 3 ? "\n" : "\r\n");
  const Texts out = read("ReadJsonLines", make("many", text));
  ASSERT_EQ(out.size(), 100'000u);
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(out[static_cast<size_t>(i)], std::to_string(i));
}

// --- Credit, cancel

TEST_F(NodeFile, ASourceStopsWhereThereIsNoRoomAndGoesOnThere) {
  FakeNode node = host.create("ReadText", params(make("a", "1\n2\n3\n4\n5\n")));
  node.set_room(0, 2);
  FakeCall* call = node.start_source();
  EXPECT_FALSE(call->done());
  EXPECT_EQ(call->outputs(), (Texts{"\"1\"", "\"2\""}));
  node.set_room(0, 1);
  EXPECT_EQ(call->outputs().size(), 3u);
  node.set_room(0, 100);
  EXPECT_TRUE(call->done());
  EXPECT_EQ(call->outputs(), (Texts{"\"1\"", "\"2\"", "\"3\"", "\"4\"", "\"5\""}));
}

TEST_F(NodeFile, ACancelledSourceAnswersAtOnce) {
  FakeNode node = host.create("ReadText", params(make("a", "1\n2\n3\n")));
  node.set_room(0, 1);
  FakeCall* call = node.start_source();
  EXPECT_FALSE(call->done());
  node.cancel(call);
  EXPECT_TRUE(call->done());
  EXPECT_EQ(call->status(), HEDDLE_CANCELLED);
}

TEST_F(NodeFile, ASourceReadsAgainFromTheStartAfterAnotherActivation) {
  FakeNode node = host.create("ReadText", params(make("a", "1\n2\n")));
  node.start_source();
  node.deactivate();
  node.activate();
  EXPECT_EQ(node.start_source()->outputs(), (Texts{"\"1\"", "\"2\""}));
}

// --- gzip

TEST_F(NodeFile, GzipIsSeenByItsMagicBytesAndMembersFollowEachOther) {
  const auto file = make("packed", packed("1\n2\n") + packed("") + packed("3\n"));
  EXPECT_EQ(read("ReadJsonLines", file), (Texts{"1", "2", "3"}));
}

TEST_F(NodeFile, TruncatedGzipIsAnErrorAtEveryLength) {
  const std::string whole = packed("1\n2\n3\n");
  for (size_t n = 2; n < whole.size(); ++n) {
    const auto file = make("cut", whole.substr(0, n));
    FakeNode node = host.create("ReadJsonLines", params(file));
    FakeCall* call = node.start_source();
    ASSERT_EQ(call->status(), HEDDLE_INVALID) << n;
    EXPECT_EQ(call->why(), "cannot read \"" + file + "\": the gzip data end too early") << n;
  }
}

TEST_F(NodeFile, BrokenGzipIsAnErrorWithThePath) {
  std::string broken = packed("1\n2\n3\n");
  broken[broken.size() - 6] ^= 1;  // in the checksum
  const auto file = make("broken", broken);
  FakeNode node = host.create("ReadJsonLines", params(file));
  FakeCall* call = node.start_source();
  EXPECT_EQ(call->status(), HEDDLE_INVALID);
  EXPECT_NE(call->why().find(file + "\": broken gzip data"), std::string::npos) << call->why();
}

TEST_F(NodeFile, WhatIsWrittenAsGzipIsReadBack) {
  Texts items;
  for (int i = 0; i < 50'000; ++i) items.push_back(R"({"n":)" + std::to_string(i * 7919) + "}");
  write("WriteJsonLines", path("a.gz"), items);
  EXPECT_TRUE(content(path("a.gz")).starts_with("\x1f\x8b"));
  write("WriteJsonLines", path("b.gz"), {"1"}, R"("gzip":false)");
  EXPECT_EQ(content(path("b.gz")), "1\n");
  EXPECT_EQ(read("ReadJsonLines", path("a.gz")), items);
  write("WriteJsonLines", path("a.gz"), {"\"more\""}, R"("append":true)");
  items.push_back("\"more\"");
  EXPECT_EQ(read("ReadJsonLines", path("a.gz")), items);
}

// --- Paths

TEST_F(NodeFile, AMissingFileIsAnErrorWithPathAndReasonBeforeTheRunStarts) {
  EXPECT_EQ(create_failure("ReadJsonLines", params(path("nowhere"))), "cannot open \"" + path("nowhere") + "\": No such file or directory");
  EXPECT_EQ(create_failure("ReadCsv", params(folder_)), "cannot read \"" + folder_ + "\": Is a directory");
  EXPECT_EQ(create_failure("WriteText", params(path("no/where"))), "cannot create \"" + path("no/where") + "\": No such file or directory");
  EXPECT_EQ(create_failure("WriteText", params(folder_)), "cannot write \"" + folder_ + "\": Is a directory");
}

TEST_F(NodeFile, AFullDiskFailsEveryItemAndTheEnd) {
  for (const char* more : {"", R"("gzip":true)"}) {
    FakeNode node = host.create("WriteText", params("/dev/full", more));
    for (FakeCall* call : node.send_batch({"\"a\"", "\"b\""})) {
      EXPECT_EQ(call->status(), HEDDLE_IO) << more;
      EXPECT_EQ(call->why(), "cannot write \"/dev/full\": No space left on device");
      EXPECT_FALSE(call->taken());
    }
    EXPECT_EQ(node.send("\"later\"")->status(), HEDDLE_IO);
    FakeCall* end = node.finish();
    EXPECT_EQ(end->status(), HEDDLE_IO);
    EXPECT_EQ(end->why(), "cannot write \"/dev/full\": No space left on device");
  }
}

TEST_F(NodeFile, AFullDiskIsReportedByTheEndWhereFinishWasNotCalled) {
  FakeNode node = host.create("WriteText", params("/dev/full"));
  node.send("\"x\"");
  EXPECT_THROW(node.deactivate(), Error);
}

// A limit on the size of files stands for a disk that fills up.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(NodeFile, OfABatchThatFitsInPartTheFirstItemsAreCompleteAndTheRestFails) {
  FakeNode node = host.create("WriteText", params(make("a", "old\n")));
  std::vector<FakeCall*> calls;
  {
    const SmallDisk disk(7);
    calls = node.send_batch({"\"11\"", "\"22\"", "\"33\"", "\"44\""});
  }
  ASSERT_EQ(calls.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(calls[i]->status(), i < 2 ? HEDDLE_OK : HEDDLE_IO) << i;
  EXPECT_EQ(node.send("\"55\"")->status(), HEDDLE_IO) << "nothing is written behind a line that is cut";
  EXPECT_EQ(node.finish()->why(),
            "cannot write \"" + path("a") + "\": File too large; the file stays as it was, and the 2 items that were written for it are not in it");
  EXPECT_EQ(content(path("a")), "old\n");
}

TEST_F(NodeFile, AnItemIsCompleteOnlyWhenItsBytesAreInTheFile) {
  for (const char* more : {R"("append":true)", R"("append":true,"gzip":true)"}) {
    const auto file = path(std::string(more).find("gzip") == std::string::npos ? "plain" : "packed");
    FakeNode node = host.create("WriteText", params(file, more));
    EXPECT_EQ(node.send("\"x\"")->status(), HEDDLE_OK);
    EXPECT_GE(content(file).size(), 2u) << more;
    EXPECT_EQ(node.finish()->status(), HEDDLE_OK);
    EXPECT_EQ(read("ReadText", file), Texts{"\"x\""});
  }
}

// --- Writing

TEST_F(NodeFile, TheFileIsSeenUnderItsNameOnlyWhenItIsWhole) {
  const auto file = make("a", "old\n");
  ::chmod(file.c_str(), 0640);
  {
    FakeNode node = host.create("WriteText", params(file));
    node.send("\"new\"");
    EXPECT_EQ(content(file), "old\n");
    node.finish();
    EXPECT_EQ(content(file), "new\n");
  }
  struct stat about {};
  ASSERT_EQ(::stat(file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640u);
  EXPECT_EQ(files(), 1u) << "no temporary file stays";
}

TEST_F(NodeFile, ARunThatIsStoppedBeforeItsEndStillLeavesWhatWasWritten) {
  FakeNode node = host.create("WriteText", params(path("a")));
  node.send("\"x\"");
  node.deactivate();
  EXPECT_EQ(content(path("a")), "x\n");
}

TEST_F(NodeFile, ASymbolicLinkIsFollowedAndStays) {
  const auto file = make("real", "old\n");
  std::filesystem::create_symlink(file, path("link"));
  write("WriteText", path("link"), {"\"new\""});
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(content(file), "new\n");
}

TEST_F(NodeFile, AppendAddsAndSyncWorks) {
  write("WriteText", path("a"), {"\"1\""}, R"("append":true,"sync":true)");
  write("WriteText", path("a"), {"\"2\""}, R"("append":true)");
  EXPECT_EQ(content(path("a")), "1\n2\n");
  write("WriteText", path("a"), {"\"3\""}, R"("sync":true)");
  EXPECT_EQ(content(path("a")), "3\n");
}

TEST_F(NodeFile, NoItemsMakeAnEmptyFile) {
  write("WriteJsonLines", path("a"), {});
  EXPECT_TRUE(std::filesystem::exists(path("a")));
  EXPECT_EQ(content(path("a")), "");
}

TEST_F(NodeFile, JsonLinesAreOneLineEach) {
  write("WriteJsonLines", path("a"), {"{\n \"a\": 1\n}", "\"b\"", "1.50"});
  EXPECT_EQ(read("ReadJsonLines", path("a")), (Texts{R"({"a":1})", "\"b\"", "1.50"}));
}

TEST_F(NodeFile, TextIsWrittenAsItIsAndTheRestAsJson) {
  write("WriteText", path("a"), {"\"a \\\"b\\\"\"", "12", "[1]"}, R"("end":";")");
  EXPECT_EQ(content(path("a")), "a \"b\";12;[1];");
}

// --- CSV

TEST_F(NodeFile, CsvWithQuotesLineEndsAndCrlf) {
  const auto file = make("a.csv", "\xEF\xBB\xBFname,note\r\nAnn,\"a \"\"b\"\", c\"\r\nBob,\"two\r\nlines\"\r\n\r\n,\"\"\r\n");
  EXPECT_EQ(read("ReadCsv", file), (Texts{R"({"name":"Ann","note":"a \"b\", c"})", R"({"name":"Bob","note":"two\u000d\u000alines"})",
                                          R"({"name":"","note":""})"}));
}

TEST_F(NodeFile, CsvTypesAreExact) {
  const auto file = make("a.csv", "i;n;b;s\n42;0.10;true;007\n12345678901234567890;1e3;0;\n;;;\n");
  EXPECT_EQ(read("ReadCsv", file, R"("delimiter":";","types":{"i":"integer","n":"number","b":"boolean"})"),
            (Texts{R"({"i":42,"n":0.10,"b":true,"s":"007"})", R"({"i":12345678901234567890,"n":1e3,"b":false,"s":""})",
                   R"({"i":null,"n":null,"b":null,"s":""})"}));
}

TEST_F(NodeFile, CsvFaultsAreBadItemsWithTheirPlaces) {
  Texts bad;
  const auto file = make("a.csv", "a,b\n1,2,3\n4\nx,y\n5,six\n7,\"8\"9\n10,1\"1\n12,13\n");
  EXPECT_EQ(read("ReadCsv", file, R"("types":{"b":"string"})", &bad),
            (Texts{R"({"a":"x","b":"y"})", R"({"a":"5","b":"six"})", R"({"a":"12","b":"13"})"}));
  EXPECT_EQ(bad, (Texts{R"({"line":2,"column":5,"error":"the record has 3 fields, not 2 like the columns","text":"1,2,3"})",
                        R"({"line":3,"column":1,"error":"the record has 1 fields, not 2 like the columns","text":"4"})",
                        R"({"line":6,"column":6,"error":"text after the closing quote of a field","text":"7,\"8\"9"})",
                        R"({"line":7,"column":5,"error":"a quote inside a field that does not begin with one","text":"10,1\"1"})"}));
}

TEST_F(NodeFile, ACsvFieldOfTheWrongTypeIsABadItem) {
  Texts bad;
  EXPECT_EQ(read("ReadCsv", make("a.csv", "a,n\nx,1.5\ny,+1\nz,01\n"), R"("types":{"n":"number"})", &bad), Texts{R"({"a":"x","n":1.5})"});
  EXPECT_EQ(bad, (Texts{R"({"line":3,"column":3,"error":"column \"n\" is not a number","text":"y,+1"})",
                        R"({"line":4,"column":3,"error":"column \"n\" is not a number","text":"z,01"})"}));
}

TEST_F(NodeFile, AnUnclosedQuoteIsReportedWhereItOpens) {
  Texts bad;
  EXPECT_EQ(read("ReadCsv", make("a.csv", "a,b\n1,2\n3,\"open\n5,6\n"), {}, &bad), Texts{R"({"a":"1","b":"2"})"});
  EXPECT_EQ(bad, Texts{R"({"line":3,"column":3,"error":"the quote that opens here is never closed","text":"3,\"open\u000a5,6\u000a"})"});
}

TEST_F(NodeFile, ALongCsvRecordIsGivenUpWithinItsLimit) {
  Texts bad;
  std::string text = "a\n\"";
  for (int i = 0; i < 1000; ++i) text += "0123456789\n";
  const Texts out = read("ReadCsv", make("a.csv", text + "\"\n"), R"("max_line_bytes":500)", &bad);
  // What is left of it comes line by line: 46 lines went with the long record; the last line is a quote that is never closed.
  EXPECT_EQ(out.size(), 1000u - 46u);
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_NE(bad[0].find(R"({"line":2,"error":"the record has more than 500 bytes")"), bad[0].npos) << bad[0];
  const std::string field(10'000, 'x');
  bad.clear();
  read("ReadCsv", make("b.csv", "a,b\n" + field + "\n\"" + field + "\n1\",2,3\n"), {}, &bad);
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_TRUE(bad[0].ends_with(R"(,"text_bytes":10000})"));
  EXPECT_TRUE(bad[1].ends_with(R"(,"text_bytes":10008})")) << bad[1].substr(4000);
}

TEST_F(NodeFile, CsvWithoutAHeader) {
  const auto file = make("a.csv", "1,2\n3,4,5\n");
  EXPECT_EQ(read("ReadCsv", file, R"("header":false)"), (Texts{R"(["1","2"])", R"(["3","4","5"])"}));
  Texts bad;
  EXPECT_EQ(read("ReadCsv", file, R"("header":false,"columns":["a","b"],"types":{"b":"integer"})", &bad), Texts{R"({"a":"1","b":2})"});
  EXPECT_EQ(bad.size(), 1u);
}

TEST_F(NodeFile, CsvParamsThatCannotBeAreRefused) {
  const auto file = make("a.csv", "a,b\n");
  const auto twice = make("twice.csv", "a,a\n");
  EXPECT_EQ(create_failure("ReadCsv", params(twice)), "two columns are named \"a\"");
  EXPECT_EQ(create_failure("ReadCsv", params(file, R"("types":{"c":"integer"})")),
            "\"types\" names the column \"c\", which \"" + file + "\" does not have");
  EXPECT_NE(create_failure("ReadCsv", params(file, R"("columns":["x"])")), "created");
  EXPECT_NE(create_failure("ReadCsv", params(file, R"("header":false,"types":{"x":"integer"})")), "created");
  EXPECT_NE(create_failure("ReadCsv", params(file, R"("delimiter":"é")")), "created");
  EXPECT_NE(create_failure("WriteCsv", params(file, R"("delimiter":"\n")")), "created");
}

TEST_F(NodeFile, WrittenCsvIsReadBack) {
  write("WriteCsv", path("a.csv"), {R"({"a":"x,\"y\"","b":null,"c":"two\nlines"})", R"({"c":"","b":1.50,"a":[1,2]})"});
  EXPECT_EQ(content(path("a.csv")), "a,b,c\n\"x,\"\"y\"\"\",,\"two\nlines\"\n\"[1,2]\",1.50,\"\"\n");
  EXPECT_EQ(read("ReadCsv", path("a.csv"), R"("types":{"b":"number"})"),
            (Texts{R"({"a":"x,\"y\"","b":null,"c":"two\u000alines"})", R"({"a":"[1,2]","b":1.50,"c":""})"}));
}

TEST_F(NodeFile, CsvRefusesWhatDoesNotFitAndGoesOn) {
  FakeNode node = host.create("WriteCsv", params(path("a.csv"), R"("columns":["a","b"],"line_end":"crlf")"));
  EXPECT_EQ(node.send(R"({"a":1,"z":2})")->why(), "\"z\" is none of the columns");
  EXPECT_EQ(node.send("[1,2,3]")->why(), "a list of 3 for 2 columns");
  EXPECT_EQ(node.send("17")->why(), "WriteCsv takes objects and lists, and this is neither: 17");
  EXPECT_EQ(node.send(R"({"b":1})")->status(), HEDDLE_OK);
  EXPECT_EQ(node.send("[3,4]")->status(), HEDDLE_OK);
  node.finish();
  EXPECT_EQ(content(path("a.csv")), "a,b\r\n,1\r\n3,4\r\n");
}

TEST_F(NodeFile, CsvIgnoresOtherKeysIfToldAndAddsNoSecondHeader) {
  for (int i = 0; i < 2; ++i)
    write("WriteCsv", path("a.csv"), {R"({"a":1,"z":2})", R"({"a":null})"}, R"("columns":["a"],"extra":"ignore","append":true)");
  EXPECT_EQ(content(path("a.csv")), "a\n1\n\"\"\n1\n\"\"\n");
}

TEST_F(NodeFile, NothingLeaks) {
  {
    Texts bad;
    read("ReadJsonLines", make("a", "1\nx\n[1,[2]]\n"), {}, &bad);
    read("ReadCsv", make("b", "a,b\n1,x\n"), R"("types":{"b":"integer"})", &bad);
  }
  EXPECT_EQ(FakeHost::live_values(), 0);
}

}  // namespace
}  // namespace node_file
