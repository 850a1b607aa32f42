// The life of objects of every kind.
#include <malloc.h>

#include <optional>
#include <random>

#include "check/awaited.h"
#include "check/check_runs.h"
#include "check/made_params.h"
#include "check/plugin_object.h"
#include "check/process_counts.h"
#include "check/started_node.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr int kObjects = 1'000;
constexpr int kWarmUp = 100;
constexpr uint64_t kMostGrowth = 1 << 20;  // bytes, of kObjects objects
constexpr int kFuzzedCases = 300;

// `check(params, lanes)` with params that an object can be created with.
template <class Body>
Verdict with_params(const CheckSubject& subject, Body&& body) {
  const ObjectParams with = object_params(subject);
  if (!with.params) return with.missing;
  Lanes lanes(2);
  return body(with, lanes);
}

std::string stop_fault(const Result<void>& outcome, const char* what) { return outcome ? std::string() : std::string(what) + ": " + outcome.error().text(); }

}  // namespace

Verdict check_creates(const CheckSubject& subject) {
  return with_params(subject, [&](const ObjectParams& with, Lanes& lanes) {
    subject.at("create with params " + with.params.json());
    auto object = create_object(subject, "check", with.params, lanes);
    if (!object) return cannot_start(with, subject, object.error().text());
    return passed("with params " + with.params.json());
  });
}

Verdict check_bad_params(const CheckSubject& subject) {
  auto schema = MadeParams::of(subject.type->params_schema);
  if (!schema) return failed(schema.error().text(), "");
  return with_params(subject, [&](const ObjectParams& with, Lanes& lanes) {
    std::vector<std::pair<std::string, Value>> members;
    for (size_t i = 0; i < with.params.size(); ++i) {
      std::string_view key;
      Value member = with.params.at(i, &key);
      members.emplace_back(key, std::move(member));
    }
    members.emplace_back("no such param", Value::integer(1));
    const Value stranger = json_object(members);
    if (!schema->fault(stranger).empty()) return passed();
    subject.at("create with params " + stranger.json());
    if (!create_object(subject, "check", stranger, lanes)) return passed("refused by create");
    return failed("a param that it does not have is accepted in silence: " + stranger.json(), "say \"additionalProperties\": false in its params schema");
  });
}

Verdict check_fuzzed_params(const CheckSubject& subject) {
  auto schema = MadeParams::of(subject.type->params_schema);
  if (!schema) return failed(schema.error().text(), "");
  std::mt19937_64 random(subject.seed);
  Lanes lanes(2);
  int valid = 0, created = 0;
  for (int i = 0; i < kFuzzedCases; ++i) {
    const Value params = schema->any(random);
    if (params.kind() != HEDDLE_MAP || !schema->fault(params).empty()) continue;  // the host hands no such params on
    ++valid;
    subject.at("create with params " + params.json());
    auto object = create_object(subject, "check", params, lanes);
    if (object) {
      ++created;
    } else if (object.error().text().ends_with("it gave no reason")) {
      return failed("create refuses params and gives no reason: " + params.json(), "call fail() of the host before create returns a failure (heddle/host.h)");
    }
  }
  return passed(std::to_string(valid) + " params, " + std::to_string(created) + " objects");
}

Verdict check_create_destroy(const CheckSubject& subject) {
  return with_params(subject, [&](const ObjectParams& with, Lanes& lanes) {
    uint64_t memory = 0;
    size_t descriptors = 0, threads = 0;
    for (int i = 0; i < kWarmUp + kObjects; ++i) {
      if (i == kWarmUp) {
        ::malloc_trim(0);
        memory = resident_bytes();
        descriptors = open_descriptors();
        threads = thread_count();
      }
      auto object = create_object(subject, "check", with.params, lanes);
      if (!object) return failed("object " + std::to_string(i + 1) + " cannot be created: " + object.error().text(), "destroy must give back what create took");
    }
    ::malloc_trim(0);
    const uint64_t now = resident_bytes();
    if (open_descriptors() > descriptors) return failed(counted(open_descriptors() - descriptors, "descriptor") + " left open", "destroy must close what create has opened");
    if (thread_count() > threads) return failed(counted(thread_count() - threads, "thread") + " left", "destroy must end what create has begun");
    if (kMemoryTells && now > memory + kMostGrowth) return failed(std::to_string((now - memory) / kObjects) + " bytes are left of each object", "destroy must free what create has allocated");
    return passed();
  });
}

Verdict check_two_instances(const CheckSubject& subject) {
  return with_params(subject, [&](const ObjectParams& with, Lanes& lanes) {
    for (const bool first_goes_first : {true, false}) {
      auto first = create_object(subject, "first", with.params, lanes);
      if (!first) return failed(first.error().text(), "");
      auto second = create_object(subject, "second", with.params, lanes);
      if (!second) return failed("a second object cannot be created beside the first: " + second.error().text(), "keep what belongs to an object in the object: no globals");
      std::optional<PluginObject> one = *std::move(first_goes_first ? first : second);
      one.reset();
    }
    return passed();
  });
}

namespace {

constexpr char kDeactivates[] = "deactivate ends what activate has begun, and completes its op";

template <class Handle>
Verdict activated(Handle& handle, const ObjectParams& with, const CheckSubject& subject) {
  Awaited<Result<void>> active, stopped;
  subject.at("activate");
  handle.activate(active.taker());
  const auto begun = active.wait(subject.limit_ms / 2);
  if (!begun) return failed("activate is not answered", "complete its op once it is done: see heddle/object.h");
  if (!*begun) return cannot_start(with, subject, begun->error().text());
  subject.at("deactivate");
  handle.deactivate(stopped.taker());
  const auto ended = stopped.wait(subject.limit_ms / 4);
  return ended && *ended ? passed() : failed(ended ? ended->error().text() : "deactivate is not answered", kDeactivates);
}

}  // namespace

Verdict check_activates(const CheckSubject& subject) {
  return with_params(subject, [&](const ObjectParams& with, Lanes& lanes) {
    auto object = create_object(subject, "check", with.params, lanes);
    if (!object) return cannot_start(with, subject, object.error().text());
    std::string stopped;
    if (auto* const store = std::get_if<std::unique_ptr<StoreHandle>>(&*object)) {
      subject.at("activate");
      if (auto active = (*store)->activate(subject.limit_ms / 2); !active) return cannot_start(with, subject, active.error().text());
      subject.at("deactivate");
      stopped = stop_fault((*store)->deactivate(subject.limit_ms / 4), "deactivate");
    } else if (auto* const node = std::get_if<std::unique_ptr<NodeHandle>>(&*object)) {
      subject.at("activate");
      if (auto active = start_of(**node, &NodeHandle::activate); !active) return cannot_start(with, subject, "activate: " + active.error().text());
      subject.at("deactivate");
      stopped = stop_fault(start_of(**node, &NodeHandle::deactivate), "deactivate");
    } else if (auto* const transport = std::get_if<std::unique_ptr<TransportHandle>>(&*object)) {
      return activated(**transport, with, subject);
    } else if (auto* const sidecar = std::get_if<std::unique_ptr<SidecarHandle>>(&*object)) {
      return activated(**sidecar, with, subject);
    }
    return stopped.empty() ? passed() : failed(stopped, kDeactivates);
  });
}

}  // namespace heddle
