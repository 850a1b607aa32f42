// Any requests to a running host, one a line: `jobs.submit?name=value&name=value {"body": …}`. Each is answered exactly once, whatever it asks; no
// answer says "internal", and a refusal says why.
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "log.h"
#include "plugin/inbox.h"
#include "serve/control.h"
#include "value/json_value.h"

namespace {

using namespace heddle;

constexpr size_t kMostRequests = 8;

[[noreturn]] void broken(std::string_view promise) {
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(promise.size()), promise.data());
  std::abort();
}

// The peers' side: what each exchange was answered.
class Askers {
 public:
  Askers() {
    table_.struct_size = sizeof table_;
    table_.answer = [](void* self, heddle_id exchange, const heddle_answer* a) noexcept { static_cast<Askers*>(self)->answer(exchange, *a); };
    table_.part = [](void*, heddle_id, heddle_value* part) noexcept { static_cast<void>(Value::adopt(part)); };
    table_.end = [](void* self, heddle_id exchange, heddle_status, heddle_str) noexcept { static_cast<Askers*>(self)->end(exchange); };
    outlet->open(&table_, this);
  }

  ~Askers() { outlet->close(); }

  const std::shared_ptr<Outlet> outlet = std::make_shared<Outlet>([](std::string_view rule) { broken(rule); });

  void asks(heddle_id exchange) {
    std::lock_guard lock(mutex_);
    open_.emplace(exchange, false);
  }
  void wait_until_answered() {
    std::unique_lock lock(mutex_);
    fewer_.wait(lock, [&] { return open_.empty(); });
  }

 private:
  void answer(heddle_id exchange, const heddle_answer& a) {
    const Value body = a.body ? Value::adopt(a.body) : Value();
    if (a.status == HEDDLE_INTERNAL) broken("nothing that a peer asks is an error of the host's");
    if (a.status != HEDDLE_OK && (!body || !body.find("code") || !body.find("message"))) broken("a refusal says why");
    std::lock_guard lock(mutex_);
    const auto found = open_.find(exchange);
    if (found == open_.end() || found->second) broken("a request is answered once");
    found->second = true;
    if (!a.more) open_.erase(found);
    fewer_.notify_all();
  }
  void end(heddle_id exchange) {
    std::lock_guard lock(mutex_);
    if (open_.erase(exchange) == 0) broken("only a stream that has begun ends");
    fewer_.notify_all();
  }

  heddle_transport table_{};
  std::mutex mutex_;
  std::condition_variable fewer_;
  // Guarded by mutex_:
  std::map<heddle_id, bool> open_;  // whether its stream has begun
};

Value parameters_of(std::string_view query) {
  std::vector<std::pair<std::string, Value>> members;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const size_t equals = std::min(one.find('='), one.size());
    members.emplace_back(repaired_utf8(one.substr(0, equals)), json_text(one.substr(std::min(equals + 1, one.size()))));
  }
  return json_object(std::move(members));
}

Exchange::Asked asked_by(std::string_view line, heddle_id id) {
  Exchange::Asked out;
  out.id = id;
  out.credit = 4;
  const size_t space = std::min(line.find(' '), line.size());
  const std::string_view head = line.substr(0, space), body = line.substr(std::min(space + 1, line.size()));
  const size_t mark = std::min(head.find('?'), head.size());
  out.operation = repaired_utf8(head.substr(0, mark));
  out.parameters = parameters_of(head.substr(std::min(mark + 1, head.size())));
  if (!body.empty()) out.body = Value::bytes(body);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  heddle::log::set_level(heddle::log::Level::kOff);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Askers askers;
  Lanes lanes(1);
  static const auto catalog = std::make_shared<const Catalog>(Catalog::scan({}));
  Outside outside(lanes, catalog);
  Jobs jobs(lanes);
  ServedPipelines pipelines;
  jobs.add_type("echo", [](JobRun run) { run.complete(run.payload()); });
  jobs.add_type("fail", [](JobRun run) { run.complete(Error("no", "it was told to fail")); });
  {
    Control control({.lanes = &lanes, .jobs = &jobs, .pipelines = &pipelines, .catalog = [] { return catalog; }, .outside = &outside,
                     .describe = [] { return json_object({{"version", json_text("1")}, {"started_ms", json_count(1)}}); },
                     .ready = [] { return Result<void>(); }, .reload = [] { return Result<Value>(Value::null()); }, .state_dir = {}},
                    std::make_shared<const Access>(std::vector<TokenSettings>(), std::vector<std::string>()));
    for (heddle_id id = 1; id <= kMostRequests && !text.empty(); ++id) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      askers.asks(id);
      control.receive(Request(std::make_shared<Exchange>(asked_by(line, id), askers.outlet)));
    }
    control.close_streams();
    askers.wait_until_answered();
  }
  jobs.shutdown(0);
  return 0;
}
