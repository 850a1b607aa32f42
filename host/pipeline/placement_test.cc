#include "pipeline/placement.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace heddle {
namespace {

JsonNode parsed(const std::string& text) {
  JsonNode root;
  Diagnostics problems("test", text);
  EXPECT_TRUE(parse_document(text, root, problems)) << problems.text(false);
  return root;
}

HostCapabilities small_host() {
  return {.cores = 2, .memory_gb = 23.4, .arch = "x86_64", .has_gpu = false, .has_cuda = false, .has_rocm = false};
}

NodeSettings node_named(const std::string& id) {
  NodeSettings node;
  node.id = id;
  node.node_type = "T";
  node.pointer = "/nodes/0";
  node.capabilities = parsed("{}");
  return node;
}

struct PlacementCase {
  const char* node_needs;
  const char* type_needs;
  const char* placement;
  const char* reason;  // null: it is no place for it
  const char* problem;
};

class PlacementTable : public testing::TestWithParam<PlacementCase> {};

TEST_P(PlacementTable, Holds) {
  const PlacementCase& c = GetParam();
  NodeSettings node = node_named("n");
  node.capabilities = parsed(c.node_needs);
  node.placement = c.placement;
  TypeDescriptor type;
  type.type = "T";
  type.capabilities = c.type_needs;
  Diagnostics diagnostics("m.json", "");
  const std::optional<Placement> placed = place(node, &type, small_host(), nullptr, diagnostics);
  if (c.reason) {
    ASSERT_TRUE(placed) << diagnostics.text(false);
    EXPECT_EQ(placed->where, "local");
    EXPECT_EQ(placed->reason, c.reason);
    EXPECT_EQ(placed->stand_in, "");
    EXPECT_TRUE(diagnostics.all().empty());
  } else {
    EXPECT_FALSE(placed);
    ASSERT_EQ(diagnostics.errors(), 1u);
    EXPECT_NE((diagnostics.all()[0].code + ": " + diagnostics.all()[0].message).find(c.problem), std::string::npos)
        << diagnostics.text(false);
  }
}

constexpr const char* kPlain = "the type is installed here and nothing asks for another host";
INSTANTIATE_TEST_SUITE_P(
    Placement, PlacementTable,
    testing::Values(
        PlacementCase{"{}", "", "prefer_local", kPlain, ""}, PlacementCase{"{}", "{}", "auto", kPlain, ""},
        PlacementCase{"{}", "", "local", "the manifest says so, and the type is installed here", ""},
        PlacementCase{R"({"memory_gb": 4})", "", "auto", "needs 4 GB of memory, this host has 23.4 GB", ""},
        PlacementCase{R"({"memory_gb": 0.5})", "", "auto", "needs 0.5 GB of memory, this host has 23.4 GB", ""},
        PlacementCase{R"({"memory_gb": 0, "gpu": false, "cpu": true})", R"({"gpu": null})", "auto", kPlain, ""},
        PlacementCase{"{}", R"({"memory_gb": 4})", "auto", "needs 4 GB of memory, this host has 23.4 GB", ""},
        PlacementCase{R"({"memory_gb": 4})", R"({"memory_gb": 4})", "auto", "needs 4 GB of memory, this host has 23.4 GB", ""},
        PlacementCase{R"({"cpu": {"cores": 2, "arch": "x86_64"}})", "", "auto",
                      "needs 2 CPU cores, this host has 2; needs a CPU of the kind x86_64, this host is x86_64", ""},
        PlacementCase{R"({"gpu": {"type": "cuda", "required": false}})", "", "auto", "would like a GPU for cuda, this host has none", ""},
        PlacementCase{R"({"memory_gb": 64})", "", "auto", nullptr,
                      "cannot-place: node \"n\" cannot run here: it needs 64 GB of memory, this host has 23.4 GB; no other host is named"},
        PlacementCase{"{}", R"({"memory_gb": 64})", "auto", nullptr, "it needs 64 GB of memory"},
        PlacementCase{R"({"cpu": 8})", "", "auto", nullptr, "it needs 8 CPU cores, this host has 2"},
        PlacementCase{R"({"cpu": {"arch": "aarch64"}})", "", "auto", nullptr, "a CPU of the kind aarch64, this host is x86_64"},
        PlacementCase{R"({"gpu": true})", "", "local", nullptr, "it needs a GPU, this host has none"},
        PlacementCase{R"({"gpu": 1})", "", "auto", nullptr, "it needs a GPU, this host has none"},
        PlacementCase{R"({"gpu": {"type": "cuda", "min_memory_gb": 8}})", "", "auto", nullptr,
                      "it needs a GPU for cuda, this host has none"},
        PlacementCase{"{}", "", "remote", nullptr, "its placement is \"remote\"; no other host is named in the configuration"},
        PlacementCase{"{}", "", "prefer_remote", "the type is installed here and nothing asks for another host; no other host is named in the configuration (\"remotes\")", ""},
        PlacementCase{R"({"npu": true})", "", "auto", nullptr,
                      "bad-capability: node \"n\": what \"npu\" in \"capabilities\" asks for is not known"},
        PlacementCase{R"({"gpu": {"colour": 1}})", "", "auto", nullptr, "what \"colour\" in \"gpu\" asks for is not known"},
        PlacementCase{R"({"gpu": {"type": "abacus"}})", "", "auto", nullptr, "the GPU type \"abacus\" is not known"},
        PlacementCase{R"({"gpu": 2})", "", "auto", nullptr, "can be 0 or 1"},
        PlacementCase{R"({"memory_gb": "4"})", "", "auto", nullptr, "\"memory_gb\" must be a number, 0 or more"},
        PlacementCase{R"({"cpu": {"cores": -1}})", "", "auto", nullptr, "\"cores\" must be a number, 0 or more"},
        PlacementCase{"{}", "{", "auto", nullptr, "the plugin's capabilities of the type T cannot be used: they are not valid JSON"},
        PlacementCase{"{}", R"({"npu": 1})", "auto", nullptr, "the plugin's capabilities of the type T cannot be used: what \"npu\""}));

TEST(Placement, UsesTheGpuOfThisHost) {
  HostCapabilities local = small_host();
  local.has_gpu = local.has_cuda = true;
  NodeSettings node = node_named("n");
  node.capabilities = parsed(R"({"gpu": {"type": "cuda", "min_memory_gb": 8, "count": 1}})");
  TypeDescriptor type;
  Diagnostics diagnostics("m.json", "");
  const auto placed = place(node, &type, local, nullptr, diagnostics);
  ASSERT_TRUE(placed) << diagnostics.text(false);
  EXPECT_EQ(
      placed->reason,
      "needs a GPU for cuda, this host has one; needs a GPU, this host has one; needs 8 GB of GPU memory, which cannot be seen from here");
}

TEST(Placement, PointsAtTheCapabilityThatIsMissing) {
  const std::string text = R"({"memory_gb": 4, "gpu": true})";
  NodeSettings node = node_named("n");
  node.capabilities = parsed(text);
  TypeDescriptor type;
  Diagnostics diagnostics("m.json", text);
  EXPECT_FALSE(place(node, &type, small_host(), nullptr, diagnostics));
  EXPECT_EQ(diagnostics.all()[0].pointer, "/nodes/0/capabilities/gpu");
  EXPECT_EQ(text.substr(diagnostics.all()[0].span.offset, diagnostics.all()[0].span.length), "true");
}

TEST(Placement, LeavesAStandbyNodeOut) {
  NodeSettings node = node_named("n");
  node.standby = true;
  node.capabilities = parsed(R"({"memory_gb": 64})");
  Diagnostics diagnostics("m.json", "");
  const auto placed = place(node, nullptr, small_host(), nullptr, diagnostics);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->where, "none");
  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(Placement, GoesToTheFallbackAndSaysSo) {
  NodeSettings node = node_named("n");
  node.host = "gpu.example:50051";
  node.placement_fallback = "spare";
  TypeDescriptor type;
  Diagnostics diagnostics("m.json", "");
  const auto placed = place(node, &type, small_host(), nullptr, diagnostics);
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->stand_in, "spare");
  EXPECT_EQ(diagnostics.errors(), 0u);
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].code, "fallback-used");
  EXPECT_EQ(diagnostics.all()[0].message,
            R"(node "n" cannot run here: it is to run on the host "gpu.example:50051"; its fallback "spare" runs in its place)");
}

// Three hosts: one that does not answer, one without the type, and a large one that has it.
class Others : public HostOffers {
 public:
  Others() {
    offers_.push_back({.host = {.name = "down", .endpoints = {"down:1"}}, .silent = Error("unreachable", "refused")});
    offers_.push_back({.host = {.name = "small", .endpoints = {"small:1"}}, .types = {{"U", "{}"}}});
    offers_.push_back({.host = {.name = "large", .endpoints = {"large:1"}},
                       .capabilities = {.name = "it", .cores = 64, .memory_gb = 512, .arch = "x86_64", .has_gpu = true, .has_cuda = true, .has_rocm = false},
                       .types = {{"T", "{}"}, {"Hungry", R"({"memory_gb": 1024})"}}});
  }
  Result<const std::vector<HostOffer>*> all() override {
    ++asked;
    return &offers_;
  }
  Result<const HostOffer*> at(const std::string& endpoint) override {
    ++asked;
    for (const HostOffer& offer : offers_) {
      if (offer.host.endpoints[0] == endpoint) return &offer;
    }
    return Error("unreachable", endpoint + " is not there");
  }
  int asked = 0;

 private:
  std::vector<HostOffer> offers_;
};

struct OthersCase {
  const char *type, *needs, *placement, *host;
  bool is_here;
  const char *where, *says;  // where null: nowhere, and `says` is in the error
};

TEST(Placement, AsksOtherHostsForWhatThisOneCannot) {
  const OthersCase rows[] = {
      {"T", "{}", "prefer_local", "", true, "local", "the type is installed here"},
      {"T", "{}", "prefer_local", "", false, "remote", "no installed plugin has its type \"T\"; host \"large\": it has the type"},
      {"T", R"({"memory_gb": 64})", "auto", "", true, "remote", "it needs 64 GB of memory, this host has 23.4 GB; host \"large\": needs 64 GB of memory, it has 512 GB"},
      {"T", "{}", "prefer_remote", "", true, "remote", "host \"large\": it has the type"},
      {"T", "{}", "remote", "", true, "remote", "its placement is \"remote\"; host \"large\""},
      {"T", "{}", "prefer_local", "large:1", true, "remote", "it is to run on the host \"large:1\"; host \"large\""},
      {"V", "{}", "prefer_remote", "", true, "local", "host \"small\": it does not run the type \"V\" for others"},
      {"T", "{}", "local", "", false, nullptr, "no installed plugin has its type"},
      {"V", "{}", "auto", "", false, nullptr, "host \"down\": it cannot be asked: refused; host \"small\": it does not run the type \"V\" for others; host \"large\": it does not"},
      {"T", R"({"memory_gb": 600})", "auto", "", true, nullptr, "host \"large\": the node needs 600 GB of memory, it has 512 GB"},
      {"Hungry", "{}", "auto", "", false, nullptr, "host \"large\": the node needs 1024 GB of memory, it has 512 GB"},
      {"T", "{}", "auto", "down:1", true, nullptr, "host \"down\": it cannot be asked: refused"},
      {"T", "{}", "auto", "nowhere:1", true, nullptr, "nowhere:1 is not there"},
  };
  for (const OthersCase& row : rows) {
    NodeSettings node = node_named("n");
    node.node_type = row.type;
    node.capabilities = parsed(row.needs);
    node.placement = row.placement;
    node.host = row.host;
    TypeDescriptor type;
    type.type = row.type;
    Diagnostics diagnostics("m.json", "");
    Others others;
    const auto placed = place(node, row.is_here ? &type : nullptr, small_host(), &others, diagnostics);
    const std::string says = placed ? placed->reason : diagnostics.all().empty() ? "" : diagnostics.all()[0].message;
    const std::string where = row.where ? row.where : "";
    EXPECT_EQ(placed ? placed->where : "", where) << says;
    EXPECT_NE(says.find(row.says), std::string::npos) << says;
    EXPECT_EQ(placed && placed->host ? placed->host->name : "", where == "remote" ? "large" : "");
    if (placed && placed->where == "local" && node.placement == "prefer_local") {
      EXPECT_EQ(others.asked, 0) << "nobody is asked without need";
    }
  }
}

TEST(RemoteHosts, RunANodeAsAPipelineOfItsOwn) {
  NodeSettings node = node_named("n");
  node.params = parsed(R"({"a": [1, "${x}"]})");
  node.timeout_ms = 5000;
  node.idempotent = true;
  const RemoteHost host{.name = "gpu", .transport = "grpc", .endpoints = {"a:1", "b:2"}, .auth_token = "s", .tls = ChannelTls{.ca = "/ca.pem", .server_name = "n"}};
  EXPECT_EQ(params_to_run_on(host, node).json(),
            R"({"transport":"grpc","endpoints":["a:1","b:2"],"manifest_source":{"type":"inline","manifest":{"version":"heddle/1","metadata":{"name":"n"},"nodes":[{"id":"n","node_type":"T","params":{"a":[1,"$${x}"]}}]}},)"
            R"("auth_token":"s","tls":{"ca":"/ca.pem","server_name":"n"},"timeout_ms":5000,"idempotent":true})");
}

class Fallbacks : public testing::Test {
 protected:
  // `b` stands by; every node but the last names the next as its fallback.
  Fallbacks() {
    for (const char* id : {"a", "b", "c"}) manifest_.nodes.push_back(node_named(id));
    manifest_.nodes[0].node_type = "Missing";
    manifest_.nodes[0].placement_fallback = "b";
    manifest_.nodes[1].standby = true;
    manifest_.nodes[1].placement_fallback = "c";
  }

  std::optional<Placement> placed() {
    return place_or_fall_back(
        manifest_, manifest_.nodes[0], [this](const std::string& type) { return type == "T" ? &type_ : nullptr; }, small_host(), nullptr,
        diagnostics_);
  }

  Manifest manifest_;
  TypeDescriptor type_;
  Diagnostics diagnostics_{"m.json", ""};
};

TEST_F(Fallbacks, AnswerWithTheNodeThatRuns) {
  const auto answer = placed();
  ASSERT_TRUE(answer) << diagnostics_.text(false);
  EXPECT_EQ(answer->stand_in, "b");
  EXPECT_EQ(answer->reason, R"(no installed plugin has its type "Missing"; its fallback "b" runs in its place)");
}

TEST_F(Fallbacks, GoOnUntilOneCanRun) {
  manifest_.nodes[1].placement = "remote";
  const auto answer = placed();
  ASSERT_TRUE(answer) << diagnostics_.text(false);
  EXPECT_EQ(answer->stand_in, "c");
  EXPECT_EQ(answer->reason, R"(no installed plugin has its type "Missing"; its fallback "b" runs in its place, )"
                            R"(which cannot either: its placement is "remote"; its fallback "c" runs in its place)");
}

TEST_F(Fallbacks, EndWhereTheyLeadBack) {
  manifest_.nodes[1].placement = "remote";
  manifest_.nodes[1].placement_fallback = "a";
  EXPECT_FALSE(placed());
  EXPECT_TRUE(diagnostics_.has_errors());
}

TEST_F(Fallbacks, EndWhereTheLastCannotRunEither) {
  manifest_.nodes[1].placement_fallback.clear();
  manifest_.nodes[1].capabilities = parsed(R"({"gpu": true})");
  EXPECT_FALSE(placed());
  EXPECT_NE(diagnostics_.text(false).find("node \"b\" cannot run here: it needs a GPU"), std::string::npos);
}

TEST(HostCapabilities, AreReadFromProcAndDev) {
  std::string root = "/tmp/heddle-capabilities-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  std::filesystem::create_directories(root + "/proc");
  std::filesystem::create_directories(root + "/dev/dri");
  std::ofstream(root + "/proc/meminfo") << "MemFree:  1 kB\nMemTotal:       16000000 kB\nBuffers: 2 kB\n";
  HostCapabilities local = read_capabilities(root);
  EXPECT_GE(local.cores, 1u);
  EXPECT_NEAR(local.memory_gb, 16.384, 1e-9);
  EXPECT_FALSE(local.has_gpu);

  std::ofstream(root + "/dev/dri/renderD128");
  local = read_capabilities(root);
  EXPECT_TRUE(local.has_gpu);
  EXPECT_FALSE(local.has_cuda);
  EXPECT_FALSE(local.has_rocm);

  std::ofstream(root + "/dev/nvidia0");
  std::ofstream(root + "/dev/kfd");
  local = read_capabilities(root);
  EXPECT_TRUE(local.has_cuda);
  EXPECT_TRUE(local.has_rocm);
  std::filesystem::remove_all(root);
}

TEST(HostCapabilities, OfThisMachineAreThere) {
  EXPECT_GT(local_capabilities().memory_gb, 0);
  EXPECT_FALSE(local_capabilities().arch.empty());
}

}  // namespace
}  // namespace heddle
