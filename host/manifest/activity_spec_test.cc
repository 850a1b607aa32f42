#include "manifest/activity_spec.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

constexpr const char* kVideo = R"yaml(name: video
version: 1.1
activities:
  - id: cut
    name: Cut a video
    description: Cuts it into pieces.
    worker: ffmpeg
    num_workers: 3
    quorum: 2
    skip_on_prev_success: true
    require_gpu: true
    input_params:
      - {name: source, type: string, description: where it is}
      - {name: at, type: "[]int"}
      - {name: frame, type: "(int width, int height)"}
      - {name: flags, type: "tuple(bool, []string)"}
    output_params:
      - {name: pieces, type: "[](string, int)"}
  - id: drop
)yaml";

ActivitySpec spec_of(const std::string& text) {
  Diagnostics diagnostics("spec.yaml", text);
  auto spec = read_activity_spec(text, "spec.yaml", diagnostics);
  EXPECT_TRUE(spec) << diagnostics.text(false);
  return spec.value_or(ActivitySpec());
}

// "line:column code" of everything that is wrong.
std::vector<std::string> faults_of(const std::string& text) {
  Diagnostics diagnostics("spec.yaml", text);
  const bool is_read = read_activity_spec(text, "spec.yaml", diagnostics).has_value();
  EXPECT_EQ(is_read, !diagnostics.has_errors());
  std::vector<std::string> out;
  for (const Diagnostic& one : diagnostics.all()) {
    const auto place = diagnostics.place(one.span.offset);
    out.push_back(std::to_string(place.line) + ":" + std::to_string(place.column) + " " + one.code);
  }
  return out;
}

Value json(std::string_view text) { return *Value::parse(text); }
std::string refusal(const Result<void>& checked) { return checked ? "" : checked.error().message; }

TEST(ActivitySpec, ReadsAListOfActivities) {
  const ActivitySpec spec = spec_of(kVideo);
  EXPECT_EQ(spec.name, "video");
  EXPECT_EQ(spec.version, "1.1");
  ASSERT_EQ(spec.activities.size(), 2u);
  const ActivityKind& cut = *spec.find("cut");
  EXPECT_EQ(cut.version, "1.1");
  EXPECT_EQ(cut.worker, "ffmpeg");
  EXPECT_EQ(cut.workers, 3u);
  EXPECT_EQ(cut.quorum, 2u);
  EXPECT_TRUE(cut.skip_on_prev_success && cut.require_gpu);
  ASSERT_EQ(cut.inputs.size(), 4u);
  EXPECT_EQ(cut.inputs[0].description, "where it is");
  EXPECT_EQ(cut.inputs[1].type.text(), "[]int");
  EXPECT_EQ(cut.inputs[2].type.text(), "(int width, int height)");
  EXPECT_EQ(cut.inputs[3].type.text(), "(bool, []string)");
  EXPECT_EQ(cut.outputs[0].type.text(), "[](string, int)");
  EXPECT_TRUE(spec.find("drop")->inputs.empty());
  EXPECT_EQ(spec.find("paste"), nullptr);
}

TEST(ActivitySpec, ReadsOneTask) {
  const ActivitySpec spec = spec_of("task_kind: video/cut\ntask_version: 2.0.1\ninputs:\n  - {name: n, type: int}\noutputs: []\n");
  const ActivityKind* const task = spec.find("video/cut");
  ASSERT_TRUE(task);
  EXPECT_EQ(task->version, "2.0.1");
  EXPECT_EQ(task->inputs[0].name, "n");
}

TEST(ActivitySpec, WhatIsWrongIsSaidAtItsPlace) {
  EXPECT_EQ(faults_of("name: x\nversion: 1\nactivities:\n  - id: a\n    inputparams: []\n"), std::vector<std::string>{"5:5 unknown-key"});
  EXPECT_EQ(faults_of("name: x\nversion: 1\nactivities:\n  - id: a\n    input_params:\n      - {name: n, type: strin}\n      - {name: n, type: int}\n"),
            (std::vector<std::string>{"6:25 bad-type", "7:16 duplicate-name"}));
  EXPECT_EQ(faults_of("name: x\nversion: 1\nactivities:\n  - id: a\n    num_workers: 2\n    quorum: 3\n"), std::vector<std::string>{"6:13 out-of-range"});
  EXPECT_EQ(faults_of("name: x\nversion: 1\nactivities:\n  - id: a\n  - id: a\n"), std::vector<std::string>{"5:9 duplicate-name"});
  EXPECT_EQ(faults_of("name: x\nactivities: []\n").size(), 2u);
  EXPECT_EQ(faults_of("- a\n").size(), 1u);
  EXPECT_EQ(faults_of("task_kind: a\nactivity: b\n"), (std::vector<std::string>{"2:1 unknown-key", "1:1 missing-key"}));
}

TEST(ActivitySpec, TypesThatAreNoneAreRefused) {
  for (const char* text : {"string", "bool", "int", "[]string", "[][]int", "(int)", "( int a , []bool b )", "tuple(int, (bool, string))"}) EXPECT_TRUE(read_activity_type(text)) << text;
  for (const char* text : {"", "str", "int[]", "[]", "(", "()", "(int", "(int a, bool)", "(int a, bool a)", "int int", "(int,)", "String"}) EXPECT_FALSE(read_activity_type(text)) << text;
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "[]";
  EXPECT_FALSE(read_activity_type(deep + "int"));
  EXPECT_FALSE(read_activity_type(std::string(2000, '(')));
  EXPECT_EQ(read_activity_type("strng").error().message, "there is no type \"strng\"; did you mean \"string\"?");
}

TEST(ActivitySpec, InputsThatFitPass) {
  const ActivitySpec spec = spec_of(kVideo);
  const ActivityKind& cut = *spec.find("cut");
  EXPECT_EQ(refusal(check_inputs(cut, json(R"({"source":"s3://a","at":[1,200000000000000000000000],"frame":{"width":1,"height":2},"flags":[true,["x"]]})"))), "");
  EXPECT_EQ(refusal(check_outputs(cut, json(R"({"pieces":[["a",1],["b",2]]})"))), "");
  EXPECT_EQ(refusal(check_inputs(*spec.find("drop"), json("{}"))), "");
}

TEST(ActivitySpec, WhatDoesNotFitIsSaidTogether) {
  const ActivitySpec spec = spec_of(kVideo);
  const ActivityKind& cut = *spec.find("cut");
  const std::string why = refusal(check_inputs(cut, json(R"({"sourc":1,"at":[1,2.5],"frame":{"width":1,"hight":2},"flags":[true]})")));
  for (const char* part : {"activity \"cut\"", "/source: the input is missing", "/at/1: must be int, not", "/frame/height: the part is missing", "/frame/hight: there is no such part; did you mean \"height\"?",
                           "/flags: must be (bool, []string), not", "/sourc: there is no such input; did you mean \"source\"?"}) {
    EXPECT_NE(why.find(part), why.npos) << part << " in " << why;
  }
  EXPECT_NE(refusal(check_outputs(cut, Value())).find("the outputs must be a map, not nothing"), std::string::npos);
  std::string many = R"({"pieces":[)";
  for (int i = 0; i < 1000; ++i) many += i ? ",1" : "1";
  const std::string most = refusal(check_outputs(cut, json(many + "]}")));
  EXPECT_LT(most.size(), 2000u);
  EXPECT_NE(most.find("and 1 more"), most.npos) << most;
}

}  // namespace
}  // namespace heddle
