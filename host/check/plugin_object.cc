#include "check/plugin_object.h"

#include "check/made_params.h"
#include "plugin/library.h"

namespace heddle {
namespace {

template <class Made>
Result<PluginObject> object_of(Result<std::unique_ptr<Made>> made) {
  if (!made) return std::move(made).error();
  return PluginObject(*std::move(made));
}

std::string give_params(const CheckSubject& subject) { return "give params that it can start with: --params " + subject.type->type + "=JSON"; }

}  // namespace

Result<PluginObject> create_object(const CheckSubject& subject, const std::string& id, const Value& params, Lanes& lanes) {
  const CatalogEntry entry{&subject.plugin, subject.type};
  const std::string& kind = subject.type->kind;
  const LaneId lane = *lanes.find("default");
  if (kind == "node") return object_of(NodeHandle::create(entry, id, params, &lanes, lane));
  if (kind == "store") return object_of(StoreHandle::create(entry, id, params, &lanes, lane));
  if (kind == "transport") return object_of(TransportHandle::create(entry, id, params, &lanes, lane));
  if (kind == "sidecar") return object_of(SidecarHandle::create(entry, id, params, &lanes, lane));
  if (kind == "chain") return object_of(ChainHandle::create(entry, id, params, {}, &lanes, lane));
  if (kind == "broker") return object_of(BrokerHandle::create(entry, id, params, &lanes, lane));
  return Error("unsupported", "heddle check knows no types of kind " + kind);
}

ObjectParams object_params(const CheckSubject& subject) {
  ObjectParams with;
  auto schema = MadeParams::of(subject.type->params_schema);
  if (!schema) {
    with.missing = failed("its params schema is none: " + schema.error().text(), "write a JSON Schema of draft 7 into \"params\" of the note");
    return with;
  }
  auto params = params_for(subject.type->params_schema, subject.params);
  if (!params) {
    with.missing = subject.params ? failed(params.error().text(), "") : not_applicable(params.error().text(), give_params(subject));
    return with;
  }
  with.params = *std::move(params);
  with.made_up = !subject.params && schema->are_any();
  return with;
}

Verdict cannot_start(const ObjectParams& with, const CheckSubject& subject, const std::string& why) {
  if (with.made_up) return not_applicable("not with made-up params: " + why, give_params(subject));
  return failed(why, subject.params ? "" : "a type without params can be created and started wherever it is loaded");
}

}  // namespace heddle
