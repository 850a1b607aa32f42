// The type "nsn" of sidecar_grpc as the host has it, against sidecars in Python: of the whole protocol, of ExecuteTask only, slow, full, dying, and none.
#include <set>

#include "calling.h"
#include "sidecars.h"
#include "threads_gone.h"
#include "tls_files.h"

namespace heddle {
namespace {

constexpr const char* kScript = "nsn_sidecar.py";

class NsnTest : public SidecarsTest {
 protected:
  static WorkerPlace at(int port, uint64_t slots = 4) { return {.endpoint = "127.0.0.1:" + std::to_string(port), .slots = slots, .reattach_ms = 200}; }
  static AssignmentOrder order(const std::string& activity, const std::string& kind, uint64_t deadline_ns = 0) {
    return {.activity = activity, .run = "1", .kind = kind, .inputs = {{.name = "item", .value = Value::integer(1)}}, .deadline_ns = deadline_ns};
  }
  Result<Value> probe(const Place& place) {
    std::promise<Result<Value>> probed;
    sidecar->probe(place.id, [&](Result<Value> said) { probed.set_value(std::move(said)); });
    return probed.get_future().get();
  }
  // A sidecar that is refused for its params, and why.
  std::string refused(const std::string& params) {
    static const Catalog all = Catalog::scan({HEDDLE_OUR_PLUGINS});
    const auto made = SidecarHandle::create(all.find("sidecar", "nsn"), "test", *Value::parse(params), &lanes_, *lanes_.find("default"));
    return made ? "" : made.error().text();
  }
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(NsnTest, EachIsAnsweredOnceAtFullConcurrency) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port, 16);
  EXPECT_EQ(place.here.next().json(), R"({"slots":16,"full":true,"tags":["echo","of lane 0"]})");
  constexpr int kAll = 500;
  for (int n = 0; n < kAll; ++n) EXPECT_NE(place.assign(n, n % 5 == 0 ? "fail" : "echo"), 0u);
  std::set<int> seen;
  for (int i = 0; i < kAll; ++i) {
    const auto [n, what] = place.done.next();
    EXPECT_TRUE(seen.insert(n).second) << n;
    EXPECT_HAS(what, n % 5 == 0 ? "failed: cannot do it" : "success");
  }
  place.disconnect();
}

TEST_F(NsnTest, AnAssignmentArrivesAsItIs) {
  make("nsn", R"({"model_id":"usual","lane":2,"timeout_ms":5000})");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port);
  EXPECT_HAS(place.here.next().json(), "of lane 2");
  AssignmentOrder said = order("a", "said");
  place.assign(1, said);
  EXPECT_HAS(place.done.next().second, R"("ref":"a#1 usual 2 5000")");
  said.params = *Value::parse(R"({"model_id":"other","lane":3,"timeout_ms":7000})");
  place.assign(2, said);
  EXPECT_HAS(place.done.next().second, R"("ref":"a#1 other 3 7000")");
  AssignmentOrder inputs = order("b", "echo");
  inputs.inputs.push_back({.name = "raw", .value = Value::bytes("\1\2")});
  inputs.inputs.push_back({.name = "film", .ref = "Qm1"});
  place.assign(3, inputs);
  EXPECT_EQ(place.done.next().second, R"({"status":"success","ref":"Qm1","value":"eyJpdGVtIjoxLCJyYXciOiJBUUk9In0="})");  // {"item":1,"raw":"AQI="}
  inputs.inputs.push_back({.name = "sound", .ref = "Qm2"});
  place.assign(4, inputs);
  EXPECT_EQ(place.done.next().second, R"(unsent: nsn.sidecar takes one input by reference, and this has two: "film" and "sound")");
  place.disconnect();
}

TEST_F(NsnTest, TheContainerAndItsModelsComeAndGoWithTheWorker) {
  make("nsn", R"({"container":{"id":"c","image_cid":"Qm","gpu_ids":["0","1"],"env":{"A":"b"},"memory_bytes":1024,"cpu_shares":2,"vram_limit_gb":1.5,"stop_seconds":3,"force":true},
                  "models":[{"id":"resident"},{"id":"big","priority":1,"config":{"x":1}}]})");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port);
  place.here.next();
  EXPECT_EQ(worker.next(), "StartContainer c Qm 0,1 {'A': 'b'} 1024 2 1.5");
  EXPECT_EQ(worker.next(), R"(LoadModel big c 1 {"x":1})");
  place.disconnect();
  EXPECT_EQ(worker.next(), "UnloadModel big True");
  EXPECT_EQ(worker.next(), "StopContainer c True 3");
}

TEST_F(NsnTest, WhatTheParamsLackIsSaid) {
  EXPECT_HAS(refused(R"({"container":{}})"), R"("container" needs an "id")");
  EXPECT_HAS(refused(R"({"models":[{"id":"m","priority":4}]})"), R"("priority" must be an integer from 0 to 3)");
}

TEST_F(NsnTest, AModelThatItRefusesIsWhyItIsGone) {
  make("nsn", R"({"models":[{"id":"big"}]})");
  WorkerProcess worker(kScript, "full");
  Place place(*sidecar);
  place.connect(worker.port);
  EXPECT_HAS(place.gone.next(), "it does not load the model big: no VRAM is left");
  place.disconnect();
}

TEST_F(NsnTest, OneThatStartsSlowlyIsGoneUntilItIsWell) {
  make("nsn");
  WorkerProcess worker(kScript, "slow");
  Place place(*sidecar);
  place.connect(worker.port);
  EXPECT_HAS(place.gone.next(), "it says that it is not well: starting");
  place.here.next();
  EXPECT_TRUE(place.gone.empty());
  place.disconnect();
}

TEST_F(NsnTest, OneThatHasOnlyExecuteTaskWorks) {
  make("nsn");
  WorkerProcess worker(kScript, "bare");
  Place place(*sidecar);
  place.connect(worker.port, 1);
  EXPECT_EQ(place.here.next().json(), R"({"slots":1,"full":true})");
  for (int n = 0; n < 20; ++n) {
    place.assign(n);
    EXPECT_HAS(place.done.next().second, "success");
  }
  place.assign(20, "fail");
  EXPECT_EQ(place.done.next().second, "failed: cannot do it");
  const auto said = probe(place);
  ASSERT_TRUE(said) << said.error().text();
  EXPECT_EQ(said->json(), R"({"slots":1,"in_hand":0})");
  place.assign(21, "exists");
  EXPECT_HAS(place.done.next().second, "lost: it was given to it before, and the sidecar at");
  const heddle_id waits = place.assign(22, "wait");
  EXPECT_EQ(worker.next(), "waits a22#1");
  sidecar->cancel(waits, "nobody wants it", 1);
  EXPECT_EQ(place.done.next().second, "cancelled: nobody wants it; the sidecar did not give it up");
  place.disconnect();
}

TEST_F(NsnTest, AProbeHasWhatTheSidecarSaysOfItself) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port);
  place.here.next();
  auto said = probe(place);
  ASSERT_TRUE(said) << said.error().text();
  for (const char* part : {R"("status":"idle","uptime_seconds":7)", R"("memory_used_bytes":4096)", R"("total_vram_gb":24)", R"("gpu_name":"a GPU")"}) EXPECT_HAS(said->json(), part);
  worker.kill();
  said = probe(place);
  ASSERT_FALSE(said);
  EXPECT_HAS(said.error().text(), "127.0.0.1:" + std::to_string(worker.port));
  place.disconnect();
}

TEST_F(NsnTest, ProgressIsAskedForAndTold) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port);
  place.assign(1, "steps");
  EXPECT_EQ(place.progress.next(), R"({"percent":25,"message":"step 1"})");
  EXPECT_HAS(place.done.next().second, "success");
  place.disconnect();
}

TEST_F(NsnTest, WhatTheSidecarRefusesFails) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port, 1);
  place.assign(1, "unknown");
  EXPECT_HAS(place.done.next().second, "no plugin of that name");
  place.assign(2, "invalid");
  EXPECT_HAS(place.done.next().second, "not like that");
  place.assign(3, "garbage");
  EXPECT_HAS(place.done.next().second, "not-understood: ");
  place.assign(4);
  EXPECT_HAS(place.done.next().second, "success");
  place.disconnect();
}

TEST_F(NsnTest, ATaskThatIsThereAlreadyIsAttachedToAndOneWhoseCallBrokeOffIsAskedFor) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  WorkerPlace patient = at(worker.port, 1);
  patient.reattach_ms = 60'000;
  place.connect(patient);
  place.assign(1, order("exists", "exists"));
  EXPECT_EQ(place.done.next().second, "failed: it failed long ago");
  EXPECT_HAS(place.progress.next(), "step 1");
  place.assign(2, order("dropped", "dropped"));
  EXPECT_HAS(place.done.next().second, "completed it, but the answer with its output did not arrive");
  place.disconnect();
}

TEST_F(NsnTest, ACancelIsObeyedOrTheSlotIsKeptUntilItIsFree) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port, 1);
  const heddle_id waits = place.assign(1, "wait");
  EXPECT_EQ(worker.next(), "waits a1#1");
  sidecar->cancel(waits, "nobody wants it", 60 * kNsPerSecond);
  EXPECT_EQ(place.done.next().second, "cancelled: nobody wants it");
  EXPECT_EQ(worker.next(), "CancelTask a1#1 nobody wants it");
  const heddle_id stubborn = place.assign(2, "stubborn");
  EXPECT_EQ(worker.next(), "waits a2#1");
  sidecar->cancel(stubborn, "enough", 1);
  EXPECT_EQ(place.done.next().second, "cancelled: enough; the sidecar did not give it up");
  EXPECT_EQ(worker.next(), "CancelTask a2#1 enough");
  place.assign(3);  // waits for the slot
  EXPECT_HAS(place.done.next().second, "success");
  place.disconnect();
}

TEST_F(NsnTest, WhatHangsPastItsDeadlineIsDoneAndCancelled) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port, 1);
  place.here.next();
  place.assign(1, order("a", "stubborn", now_ns() + kNsPerSecond));
  EXPECT_EQ(worker.next(), "waits a#1");
  EXPECT_HAS(place.done.next().second, "deadline: ");
  EXPECT_EQ(worker.next(), "CancelTask a#1 its deadline has passed");
  place.assign(2);
  EXPECT_HAS(place.done.next().second, "success");
  place.disconnect();
}

TEST_F(NsnTest, AResultOf64MiBArrivesOrIsSaidToBeTooLarge) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place narrow(*sidecar), wide(*sidecar);
  narrow.connect(worker.port);
  WorkerPlace place = at(worker.port);
  place.most_bytes = uint64_t{65} << 20;
  wide.connect(place);
  wide.assign(1, "big");
  EXPECT_GT(wide.done.next().second.size(), size_t{64} << 20);
  narrow.assign(2, "big");
  const std::string said = narrow.done.next().second;
  EXPECT_HAS(said.substr(0, 500), "not-understood: ");
  EXPECT_HAS(said.substr(0, 500), "is larger than 67108864 bytes");
  narrow.disconnect();
  wide.disconnect();
}

TEST_F(NsnTest, WhatAKilledSidecarHadInHandIsLostOnceAndItIsFoundAgain) {
  make("nsn");
  auto worker = std::make_unique<WorkerProcess>(kScript, "whole");
  const int port = worker->port;
  Place place(*sidecar);
  place.connect(port, 8);
  place.here.next();
  for (int n = 0; n < 8; ++n) place.assign(n, "wait");
  for (int n = 0; n < 8; ++n) EXPECT_HAS(worker->next(), "waits");
  worker->kill();
  EXPECT_FALSE(place.gone.next().empty());
  std::set<int> lost;
  for (int i = 0; i < 8; ++i) {
    const auto [n, what] = place.done.next();
    EXPECT_TRUE(lost.insert(n).second);
    EXPECT_EQ(what.substr(0, 5), "lost:") << what;
  }
  worker = std::make_unique<WorkerProcess>(kScript, "whole", port);
  place.here.next();
  place.assign(9);
  EXPECT_HAS(place.done.next().second, "success");
  place.disconnect();
}

TEST_F(NsnTest, AnotherProcessInItsPlaceKnowsNothingOfWhatWasInHand) {
  make("nsn");
  auto worker = std::make_unique<WorkerProcess>(kScript, "whole");
  const int port = worker->port;
  Place place(*sidecar);
  WorkerPlace patient = at(port);
  patient.reattach_ms = 600'000;
  place.connect(patient);
  place.assign(1, "wait");
  EXPECT_EQ(worker->next(), "waits a1#1");
  worker->kill();
  place.gone.next();
  worker = std::make_unique<WorkerProcess>(kScript, "whole", port);
  EXPECT_HAS(place.done.next().second, "knows nothing of it now");
  place.disconnect();
}

TEST_F(NsnTest, NobodyThereAndNoSidecarThere) {
  make("nsn");
  Scripted other;  // takes connections, and says nothing
  Place nobody(*sidecar), silent(*sidecar), babbles(*sidecar);
  int port = 0;
  {
    Scripted gone;
    port = gone.port;
  }
  nobody.connect(port);
  EXPECT_HAS(nobody.gone.next(), "127.0.0.1:" + std::to_string(port));
  WorkerPlace hasty = at(other.port);
  hasty.connect_ms = 100;
  silent.connect(hasty);
  EXPECT_HAS(silent.gone.next(), "127.0.0.1:" + std::to_string(other.port));
  Scripted web;
  babbles.connect(web.port);
  Played asked = web.take();
  asked.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  EXPECT_HAS(babbles.gone.next(), "127.0.0.1:" + std::to_string(web.port));
  WorkerProcess late(kScript, "whole", port);
  nobody.here.next();
  for (Place* place : {&nobody, &silent, &babbles}) place->disconnect();
}

TEST_F(NsnTest, OverTlsBothSidesMustKnowEachOther) {
  TlsFiles files;
  files.make_authority("ca");
  files.make("server", "ca", "IP:127.0.0.1");
  files.make("client", "ca", "DNS:host");
  make("nsn");
  WorkerProcess worker(kScript, "whole", 0, files.path(""));
  Place known(*sidecar), stranger(*sidecar);
  WorkerPlace place = at(worker.port);
  place.tls.emplace();
  place.tls->ca = files.path("ca.pem");
  stranger.connect(place);
  EXPECT_HAS(stranger.gone.next(), "127.0.0.1:" + std::to_string(worker.port));
  place.tls->certificate = files.path("client.pem");
  place.tls->key = files.path("client.key");
  known.connect(place);
  known.assign(1);
  EXPECT_HAS(known.done.next().second, "success");
  for (Place* one : {&known, &stranger}) one->disconnect();
}

TEST_F(NsnTest, DisconnectingEndsWhatIsOpen) {
  make("nsn");
  WorkerProcess worker(kScript, "whole");
  Place place(*sidecar);
  place.connect(worker.port);
  for (int n = 0; n < 4; ++n) place.assign(n, "wait");
  for (int n = 0; n < 4; ++n) EXPECT_HAS(worker.next(), "waits");
  place.disconnect();
  for (int n = 0; n < 4; ++n) EXPECT_EQ(place.done.next().second, "cancelled: the worker is being disconnected");
  for (int n = 0; n < 4; ++n) EXPECT_HAS(worker.next(), "the worker is being disconnected");
  sidecar.reset();
}

const auto* const kUntilTheThreadsHaveGone = ::testing::AddGlobalTestEnvironment(new UntilTheThreadsHaveGone);

}  // namespace
}  // namespace heddle
