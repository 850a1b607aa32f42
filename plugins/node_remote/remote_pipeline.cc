// RemotePipeline: a pipeline that another host serves, as one node. Items that wait together go there together, each is run by itself; what comes out of it there comes out here.
#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "batch.h"
#include "endpoints.h"
#include "fetch.h"
#include "pace.h"

namespace node_remote {
namespace {

using namespace heddle::sdk;

// Requests that are open even while items are quick: one on its way there, one on its way back, for each endpoint.
constexpr size_t kForEach = 2;

// Of items that go together: far less than any host takes.
constexpr size_t kMostBytes = 256 << 10;

// About what it is as JSON.
size_t bytes_of(ValueRef item) {
  if (const auto text = item.as_text()) return text->size();
  if (const auto bytes = item.as_bytes()) return bytes->size() * 4 / 3;
  return item.is(HEDDLE_LIST) || item.is(HEDDLE_MAP) ? item.json().size() : sizeof(int64_t);
}

Pace pace_for(const Settings& settings) {
  const size_t endpoints = settings.options.find("pools").at(0).size();
  return Pace(kForEach * std::max<size_t>(endpoints, 1), settings.hash_key ? 1 : Pace::kMostItems);
}

class RemotePipeline {
 public:
  explicit RemotePipeline(const Config& config)
      : host_(config.host()), settings_(read_settings(config.params())), peers_(host_.service<heddle_peers_service>(HEDDLE_PEERS)), pace_(pace_for(settings_)) {}

  void activate() {
    if (!peers_) throw Error(HEDDLE_UNSUPPORTED, "this host calls no other hosts: it has no " HEDDLE_PEERS);
    try {
      errand_ = errand();
    } catch (const FetchFailed& failed) {
      if (failed.status() != HEDDLE_UNAVAILABLE) throw;
      unfetched_ = failed;  // the items say so
      return;
    }
    heddle_value* why = nullptr;
    group_ = peers_->open(host_.get(), settings_.options.get(), &kHearing, &why);
    const Value reason = Value::adopt(why);
    if (group_ == 0) throw Error(HEDDLE_INVALID, std::string(reason.as_text().value_or("the other hosts cannot be called")));
  }
  // What it has run elsewhere, for the host to follow.
  Value sources() {
    const Source& source = settings_.source;
    if (source.is_sent()) return Value::list({Value::map({{"manifest", manifest()}})});
    return Value::list({Value::map({{"name", Value::string(source.name)}, {"endpoints", endpoints_of(settings_.options)}})});
  }
  void deactivate() {
    if (group_ != 0) peers_->close(host_.get(), group_);
  }

  void process(std::span<Call> calls) {
    if (unfetched_) return refuse(calls);
    {
      std::lock_guard lock(mutex_);
      for (Call& call : calls) waiting_.push_back(std::move(call));
    }
    send_what_may_go();
  }

  void cancel(CallId id) {
    for (const auto& batch : batches())
      if (batch->cancel(id)) return;
    std::optional<Call> unsent;
    {
      std::lock_guard lock(mutex_);
      const auto found = std::find_if(waiting_.begin(), waiting_.end(), [id](const Call& call) { return call.id() == id; });
      if (found == waiting_.end()) return;
      unsent = std::move(*found);
      waiting_.erase(found);
    }
    unsent->fail(HEDDLE_CANCELLED, "it was cancelled");
  }
  void resume(CallId id, uint32_t) {
    for (const auto& batch : batches()) {
      if (!batch->resume(id)) continue;
      drop_if_over(batch);
      return;
    }
  }

 private:
  // The way back from the other host to the items; until nothing more comes on it.
  struct Way {
    RemotePipeline* node;
    std::shared_ptr<Batch> batch;
    void end() {
      node->request_is_over(batch);
      delete this;
    }
  };

  Errand errand() const {
    const Source& source = settings_.source;
    if (!source.is_sent()) return {source.name, Value::map({{"name", Value::string(source.name)}}), {}};
    Value sent = manifest();
    std::string name = name_of(sent);
    return {std::move(name), {}, std::move(sent)};
  }
  Value manifest() const {
    const Source& source = settings_.source;
    return source.url.empty() ? source.manifest : fetch_manifest(source.url, source.authorization, settings_.fetch_ms, host_.log());
  }

  void refuse(std::span<Call> calls) {
    std::shared_ptr<Batch> batch;
    {
      std::lock_guard lock(mutex_);
      batch = add_batch(std::vector<Call>(std::make_move_iterator(calls.begin()), std::make_move_iterator(calls.end())));
    }
    batch->refused(unfetched_->status(), unfetched_->what(), unfetched_->details());
    drop_if_over(batch);
  }
  // One thread at a time sends, however many have something for it: a request may be over before the call that begins it returns.
  void send_what_may_go() {
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(sending_, true)) return;
    }
    while (const auto batch = next()) send(batch);
  }
  // Null: nothing may go now, and whoever comes next sends.
  std::shared_ptr<Batch> next() {
    std::lock_guard lock(mutex_);
    if (waiting_.empty() || open_ >= pace_.requests()) {
      if (!waiting_.empty() && open_ < Pace::kMostRequests) look_later();
      sending_ = false;
      return nullptr;
    }
    std::vector<Call> calls;
    for (size_t bytes = 0; calls.size() < pace_.items() && !waiting_.empty(); waiting_.pop_front()) {
      if (pace_.items() > 1) bytes += bytes_of(waiting_.front().input());
      if (!calls.empty() && bytes > kMostBytes) break;
      calls.push_back(std::move(waiting_.front()));
    }
    ++open_;
    return add_batch(std::move(calls));
  }
  // [mutex_ held]
  std::shared_ptr<Batch> add_batch(std::vector<Call> calls) {
    return batches_.emplace_back(std::make_shared<Batch>(std::move(calls), settings_, errand_, last_good_, host_, *peers_));
  }
  void send(const std::shared_ptr<Batch>& batch) {
    std::string key;
    const auto request = batch->request(key);
    auto way = std::make_unique<Way>(Way{this, batch});
    if (!request) return way.release()->end();
    const heddle_id asked = peers_->call(host_.get(), group_, &*request, way.get());
    if (asked == 0) {
      batch->refused(HEDDLE_UNAVAILABLE, "it is being stopped");
      return way.release()->end();
    }
    way.release();  // perhaps it is gone
    batch->begun(asked);
  }

  void request_is_over(const std::shared_ptr<Batch>& batch) {
    {
      std::lock_guard lock(mutex_);
      --open_;
      pace_.took(host_.now_ns() - batch->begun_ns(), batch->size());
    }
    drop_if_over(batch);
    send_what_may_go();
  }
  void drop_if_over(const std::shared_ptr<Batch>& batch) {
    if (!batch->is_over()) return;
    std::lock_guard lock(mutex_);
    std::erase(batches_, batch);
  }
  std::vector<std::shared_ptr<Batch>> batches() {
    std::lock_guard lock(mutex_);
    return batches_;
  }

  // [mutex_ held] Items wait for a request that may take its time: then they go by themselves.
  void look_later() {
    if (std::exchange(will_look_, true)) return;
    const auto* sched = heddle::sdk::detail::services.sched;
    const auto look = [](void* self) noexcept { static_cast<RemotePipeline*>(self)->look(); };
    if (sched->after(host_.get(), Pace::kSlowNs, look, this) != 0) return;
    will_look_ = false;
    pace_.stuck();
  }
  void look() {
    {
      std::lock_guard lock(mutex_);
      will_look_ = false;
      const uint64_t now = host_.now_ns();
      const auto is_new = [now](const auto& batch) { return now < batch->begun_ns() + Pace::kSlowNs; };
      if (std::none_of(batches_.begin(), batches_.end(), is_new)) pace_.stuck();
    }
    send_what_may_go();
  }

  static void answered(void* ctx, heddle_id, const heddle_peer_answer* a) noexcept {
    Way& way = *static_cast<Way*>(ctx);
    const bool more = a->more;
    way.batch->answered(*a);
    if (!more) way.end();
  }
  static void part(void* ctx, heddle_id request, heddle_value* v) noexcept { static_cast<Way*>(ctx)->batch->part(request, Value::adopt(v)); }
  static void ended(void* ctx, heddle_id, heddle_status status, heddle_str why) noexcept {
    Way& way = *static_cast<Way*>(ctx);
    way.batch->ended(status, heddle::sdk::detail::to_view(why));
    way.end();
  }
  static constexpr heddle_peer_hearing kHearing = {sizeof(heddle_peer_hearing), &answered, &part, &ended};

  const Host host_;
  const Settings settings_;
  const heddle_peers_service* const peers_;
  Errand errand_;  // of an active node
  std::optional<FetchFailed> unfetched_ = {};  // of one whose manifest cannot be had: then there is no group
  heddle_id group_ = 0;
  LastGood last_good_;

  std::mutex mutex_;
  // Guarded by mutex_:
  Pace pace_;
  std::deque<Call> waiting_;                     // not sent yet
  std::vector<std::shared_ptr<Batch>> batches_;  // with items that are not answered
  size_t open_ = 0;                              // requests
  bool sending_ = false, will_look_ = false;
};

#define NODE_REMOTE_ENDPOINTS \
  R"("type":"array","minItems":1,"items":{"anyOf":[{"type":"string","minLength":1},{"type":"object","properties":{)" \
  R"("address":{"type":"string","minLength":1,"description":"host:port, or a URL."},)" \
  R"("weight":{"type":"integer","minimum":1,"maximum":1000,"default":1,"description":"Its share of the calls."}},"required":["address"],"additionalProperties":false}]})"

HEDDLE_NODE(
    RemotePipeline, "RemotePipeline",
    R"("summary":"Runs a pipeline that another host serves: each item goes there, and what comes out comes back.","aliases":["RemotePipelineNode"],)"
    R"("params":{"type":"object","properties":{)"
    R"("transport":{"type":"string","minLength":1,"description":"How to get there: any installed transport, such as http."},)"
    R"("endpoints":{)" NODE_REMOTE_ENDPOINTS R"(,"description":"The hosts that serve the pipeline, all alike: host:port, or a URL."},)"
    R"("endpoint":{"type":"string","minLength":1,"description":"The same where there is one."},)"
    R"("manifest_source":{"type":"object","properties":{"type":{"enum":["name","inline","url"],"description":"The pipeline is one that the host serves; or its manifest goes along with each item, and stands here, or is fetched."},)"
    R"("name":{"type":"string","minLength":1,"description":"name: what the host calls it."},)"
    R"("manifest":{"type":["object","string"],"description":"inline: the manifest, or its JSON text."},)"
    R"("url":{"type":"string","minLength":1,"description":"url: where the manifest is fetched."},)"
    R"("auth_header":{"type":"string","minLength":1,"writeOnly":true,"description":"url: what the Authorization field of that request says."}},)"
    R"("required":["type"],"additionalProperties":false,"description":"What runs there."},)"
    R"("pipeline_name":{"type":"string","minLength":1,"description":"A pipeline that the host serves, in the words of the older family."},)"
    R"("manifest":{"type":["object","string"],"description":"A manifest that goes along, in the words of the older family."},)"
    R"("manifest_url":{"type":"string","minLength":1,"description":"Where a manifest is fetched that goes along, in the words of the older family."},)"
    R"("manifest_endpoint":{"type":"string","minLength":1,"description":"The manifest of pipeline_name is fetched, from the URL that is this and the name as one more segment of the path, and goes along."},)"
    R"("auth_header":{"type":"string","minLength":1,"writeOnly":true,"description":"What the Authorization field says where manifest_url or manifest_endpoint is fetched."},)"
    R"("timeout_ms":{"type":"integer","minimum":1,"maximum":300000,"default":30000,"description":"For an item, with all attempts; less if the item's deadline is nearer."},)"
    R"("attempt_timeout_ms":{"type":"integer","minimum":0,"maximum":300000,"default":0,"description":"Until an attempt's answer begins; 0: as long as the item has."},)"
    R"("retry":{"type":"object","properties":{)"
    R"("max_attempts":{"type":"integer","minimum":1,"maximum":100,"default":3,"description":"With the first."},)"
    R"("max_retries":{"type":"integer","minimum":0,"maximum":99,"description":"The same without the first, in the words of the older family."},)"
    R"("initial_backoff_ms":{"type":"integer","minimum":0,"default":1000,"description":"The longest wait before the second attempt."},)"
    R"("backoff_ms":{"type":"integer","minimum":0,"description":"The same, in the words of the older family."},)"
    R"("max_backoff_ms":{"type":"integer","minimum":0,"default":30000,"description":"The longest wait of all."},)"
    R"("multiplier":{"type":"number","minimum":1,"maximum":100,"default":2,"description":"How much longer each wait is than the one before."},)"
    R"("jitter":{"enum":["full","equal","none"],"default":"full","description":"How much of a wait is left to chance: all, half, nothing."},)"
    R"("budget_percent":{"type":"integer","minimum":0,"maximum":100,"default":20,"description":"At most so many retries for 100 calls, but 3 in 10 s in any case. An endpoint that is gone does not count."})"
    R"(},"additionalProperties":false,"description":"What is done about a failure that may pass. What is not idempotent is sent again only if nothing of it had left."},)"
    R"("idempotent":{"type":"boolean","default":false,"description":"An item may be sent twice. The node's own \"idempotent\" says the same."},)"
    R"("circuit_breaker":{"type":"object","properties":{)"
    R"("failure_threshold":{"type":"integer","minimum":1,"default":5,"description":"So many failures in a row open it."},)"
    R"("failure_percent":{"type":"integer","minimum":0,"maximum":100,"default":50,"description":"As do so many of the calls of the window; 0: they do not."},)"
    R"("fewest_calls":{"type":"integer","minimum":1,"default":20,"description":"In the window, before percents count."},)"
    R"("window_ms":{"type":"integer","minimum":1,"maximum":3600000,"default":30000,"description":"How far back percents look."},)"
    R"("reset_timeout_ms":{"type":"integer","minimum":1,"maximum":3600000,"default":30000,"description":"Open for so long; then a few calls try."},)"
    R"("half_open_calls":{"type":"integer","minimum":1,"maximum":1000,"default":3,"description":"So many of them at a time."},)"
    R"("success_threshold":{"type":"integer","minimum":1,"maximum":1000,"default":2,"description":"So many that succeed close it."})"
    R"(},"additionalProperties":false,"description":"Keeps calls away from an endpoint that fails. One for each endpoint, shared by the nodes with the same endpoints and settings."},)"
    R"("load_balance":{"enum":["round_robin","least_connections","random","p2c","hash"],"default":"round_robin","description":"How an endpoint is chosen; p2c: of two at random, the one with less to do; hash: by hash_key."},)"
    R"("load_balance_strategy":{"enum":["round_robin","least_connections","random"],"description":"The same, in the words of the older family."},)"
    R"("hash_key":{"type":"string","default":"","description":"JSON Pointer into the item, for hash: items that are alike there go to the same endpoint. Empty: that are alike."},)"
    R"("health_check":{"type":"object","properties":{)"
    R"("interval_ms":{"type":"integer","minimum":1000,"maximum":60000,"default":5000,"description":"How often each endpoint is asked whether it is well."},)"
    R"("timeout_ms":{"type":"integer","minimum":1,"maximum":60000,"default":2000,"description":"What that may take, and what it may take to reach it for a call."})"
    R"(},"additionalProperties":false,"description":"As long as there are calls, endpoints are asked whether they are well."},)"
    R"("health_check_interval_secs":{"type":"integer","minimum":1,"maximum":60,"description":"health_check.interval_ms in seconds, in the words of the older family."},)"
    R"("hedge":{"type":"object","properties":{)"
    R"("after":{"type":"string","pattern":"^(p[1-9][0-9]?|[1-9][0-9]*ms)$","default":"p95","description":"An answer that takes longer than 95 % of them, or than a time such as 250ms, is sought elsewhere, too."},)"
    R"("max_extra":{"type":"integer","minimum":1,"maximum":10,"default":1,"description":"So often at most."})"
    R"(},"additionalProperties":false,"description":"A second attempt while the first is under way; of what is idempotent. Absent: none."},)"
    R"("fallback":{"type":"array","items":{"anyOf":[)"
    R"({"type":"object","properties":{"endpoints":{)" NODE_REMOTE_ENDPOINTS R"(}},"required":["endpoints"],"additionalProperties":false},)"
    R"({"type":"object","properties":{"last_good":{"const":true}},"required":["last_good"],"additionalProperties":false},)"
    R"({"type":"object","properties":{"value":{}},"required":["value"],"additionalProperties":false},)"
    R"({"type":"object","properties":{"node":{"type":"string","minLength":1}},"required":["node"],"additionalProperties":false},)"
    R"({"type":"object","properties":{"dead_letter":{"const":true}},"required":["dead_letter"],"additionalProperties":false}]},)"
    R"("description":"What is tried after that, in this order: other endpoints; last, what came of the last item that went well, or a value, that takes the place of the result, or a standby node that takes the item, or the dead letters."},)"
    R"("auth_token":{"type":"string","minLength":1,"writeOnly":true,"description":"A bearer token. Take it from the environment: ${env.NAME}."},)"
    R"("tls":{"type":"object","properties":{)"
    R"("ca":{"type":"string","description":"PEM file of the authorities that may speak for the other host; without it, those of the system."},)"
    R"("certificate":{"type":"string","description":"PEM file of our own certificate."},)"
    R"("key":{"type":"string","description":"PEM file of its key."},)"
    R"("server_name":{"type":"string","description":"The name that the other host's certificate must have, if not that of the endpoint."})"
    R"(},"additionalProperties":false,"description":"Speaks TLS. An endpoint on another machine needs it, or https://."},)"
    R"("insecure":{"type":"boolean","default":false,"description":"Endpoints on other machines may be spoken to without TLS: others can read and change what is said."})"
    R"(},"required":["transport"],"additionalProperties":false},)"
    R"("concurrency":"parallel","lane":"io","max_in_flight":512,"create_is_pure":true,"sources":true,"policy":"own")");

}  // namespace
}  // namespace node_remote
