#include "plugin/host_table.h"

#include <heddle/log.h>
#include <heddle/sched.h>

#include <cstring>
#include <mutex>

#include "clock.h"
#include "log.h"
#include "plugin/call.h"
#include "plugin/plugin_text.h"
#include "plugin/posted_work.h"
#include "value/service.h"
#include "value/value.h"

namespace heddle {
namespace {

constexpr std::string_view kTooMany = "65,536 posted functions and timers are outstanding, or the object is being destroyed";

heddle_str str(std::string_view text) { return {text.data(), text.size()}; }

thread_local std::optional<Error> last_failure;

log::Level level_of(heddle_level level) {
  switch (level) {
    case HEDDLE_DEBUG:
      return log::Level::kDebug;
    case HEDDLE_WARN:
      return log::Level::kWarn;
    case HEDDLE_ERROR:
      return log::Level::kError;
    default:
      return log::Level::kInfo;
  }
}

// Bounds the lines of one owner; what it drops is told once the second is over, by the next line or at the end.
class LineLimit {
 public:
  struct Verdict {
    bool keep;
    uint64_t dropped;  // in the second that this line ends; to be reported
  };
  Verdict count(uint64_t now) {
    std::lock_guard lock(mutex_);
    uint64_t dropped = 0;
    if (now - since_ >= kNsPerSecond) {
      dropped = std::exchange(dropped_, 0);
      since_ = now;
      lines_ = 0;
    }
    const bool keep = lines_ < HostTable::kLinesPerSecond;
    if (keep)
      ++lines_;
    else
      ++dropped_;
    return {keep, dropped};
  }
  uint64_t rest() {
    std::lock_guard lock(mutex_);
    return std::exchange(dropped_, 0);
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_:
  uint64_t since_ = 0;
  uint64_t dropped_ = 0;
  uint32_t lines_ = 0;
};

}  // namespace

// The table's services: static functions that find their Table through host_data.
struct HostTable::Table {
  Table(std::string owner_, Lanes* lanes, LaneId lane);
  ~Table();

  static Table& of(const heddle_host* h) { return *static_cast<Table*>(h->host_data); }
  void report_dropped(uint64_t lines) const;
  bool can_post(const heddle_host* h) const;

  static const void* get_service(const heddle_host* h, const char* id) noexcept;
  static void fail(const heddle_host* h, heddle_status status, heddle_str why, const heddle_value* details) noexcept;
  static bool has_function(const heddle_host* h, heddle_job_fn fn);
  static bool log_enabled(const heddle_host* h, heddle_level level) noexcept;
  static void log_write(const heddle_host* h, heddle_level level, heddle_str line) noexcept;
  static uint64_t sched_now(const heddle_host* h) noexcept;
  static heddle_status sched_post(const heddle_host* h, heddle_job_fn fn, void* ctx) noexcept;
  static heddle_id sched_after(const heddle_host* h, uint64_t delay_ns, heddle_job_fn fn, void* ctx) noexcept;
  static bool sched_cancel(const heddle_host* h, heddle_id timer) noexcept;

  const std::string owner;
  struct Added {
    std::string id;
    const void* table;
    void* context;
  };
  std::vector<Added> services;  // of add_service
  heddle_host host{};
  LineLimit limit;
  std::optional<PostedWork> work;  // empty without lanes; last, so that no function of the plugin runs while the rest goes
};

HostTable::Table::Table(std::string owner_, Lanes* lanes, LaneId lane) : owner(std::move(owner_)) {
  host.struct_size = sizeof host;
  host.abi_minor = HEDDLE_ABI_MINOR;
  host.host_data = this;
  host.name = str("heddle");
  host.version = str(HEDDLE_VERSION);
  host.owner = str(owner);
  host.get_service = get_service;
  host.fail = fail;
  if (lanes) work.emplace(*lanes, lane, "node \"" + owner + "\"");
}

HostTable::Table::~Table() {
  if (work) work->stop();  // a function that runs finds it here to the last
  work.reset();
  report_dropped(limit.rest());
}

const void* HostTable::Table::get_service(const heddle_host* h, const char* id) noexcept {
  static constexpr heddle_log_service kLog = {sizeof(heddle_log_service), log_enabled, log_write};
  static constexpr heddle_sched_service kSched = {sizeof(heddle_sched_service), sched_now, sched_post, sched_after, sched_cancel};
  const std::string_view wanted = id ? id : "";
  if (wanted == HEDDLE_VALUE) return &value_service();
  if (wanted == HEDDLE_OP) return &op_service();
  if (wanted == HEDDLE_CALL) return &call_service();
  if (wanted == HEDDLE_LOG) return &kLog;
  if (wanted == HEDDLE_SCHED) return &kSched;
  for (const Added& service : of(h).services)
    if (wanted == service.id) return service.table;
  return nullptr;
}

void HostTable::Table::fail(const heddle_host*, heddle_status status, heddle_str why, const heddle_value* details) noexcept {
  Error error = error_of_status(status, plugin_text(why));
  if (details) error = std::move(error).because(Error("details", plugin_text(Value::share(details).json())));
  last_failure = std::move(error);
}

bool HostTable::Table::log_enabled(const heddle_host*, heddle_level level) noexcept { return log::enabled(level_of(level)); }

void HostTable::Table::log_write(const heddle_host* h, heddle_level level, heddle_str line) noexcept {
  if (!log::enabled(level_of(level))) return;
  Table& table = of(h);
  const LineLimit::Verdict verdict = table.limit.count(now_ns());
  table.report_dropped(verdict.dropped);
  if (verdict.keep) log::write(level_of(level), table.owner, plugin_text(line));
}

void HostTable::Table::report_dropped(uint64_t lines) const {
  if (lines > 0) log::write(log::Level::kWarn, owner, std::to_string(lines) + " lines dropped: it logs more than 1,000 in a second");
}

bool HostTable::Table::can_post(const heddle_host* h) const {
  if (!work) fail(h, HEDDLE_UNSUPPORTED, str("nothing can be posted here: there is no scheduler"), nullptr);
  return work.has_value();
}

bool HostTable::Table::has_function(const heddle_host* h, heddle_job_fn fn) {
  if (!fn) fail(h, HEDDLE_INVALID, str("there is no function to post"), nullptr);
  return fn != nullptr;
}

uint64_t HostTable::Table::sched_now(const heddle_host*) noexcept { return now_ns(); }

heddle_status HostTable::Table::sched_post(const heddle_host* h, heddle_job_fn fn, void* ctx) noexcept {
  Table& table = of(h);
  if (!has_function(h, fn)) return HEDDLE_INVALID;
  if (!table.can_post(h)) return HEDDLE_UNSUPPORTED;
  if (table.work->post(fn, ctx)) return HEDDLE_OK;
  fail(h, HEDDLE_EXHAUSTED, str(kTooMany), nullptr);
  return HEDDLE_EXHAUSTED;
}

heddle_id HostTable::Table::sched_after(const heddle_host* h, uint64_t delay_ns, heddle_job_fn fn, void* ctx) noexcept {
  Table& table = of(h);
  if (!has_function(h, fn) || !table.can_post(h)) return 0;
  const heddle_id timer = table.work->after(delay_ns, fn, ctx);
  if (timer == 0) fail(h, HEDDLE_EXHAUSTED, str(kTooMany), nullptr);
  return timer;
}

bool HostTable::Table::sched_cancel(const heddle_host* h, heddle_id timer) noexcept {
  Table& table = of(h);
  return table.work && table.work->cancel(timer);
}

HostTable::HostTable(std::string owner, Lanes* lanes, LaneId lane) : table_(std::make_unique<Table>(std::move(owner), lanes, lane)) {}

HostTable::~HostTable() = default;

void HostTable::stop_posted() {
  if (table_->work) table_->work->stop();
}

const heddle_host* HostTable::get() const { return &table_->host; }

void HostTable::add_service(std::string id, const void* service, void* context) {
  table_->services.push_back({std::move(id), service, context});
}

void* HostTable::context(const heddle_host* h, const void* service) {
  for (const Table::Added& one : Table::of(h).services)
    if (one.table == service) return one.context;
  return nullptr;
}

std::optional<Error> HostTable::take_failure() { return std::exchange(last_failure, std::nullopt); }

Error error_of_status(int32_t status, std::string message) {
  switch (status) {
    case HEDDLE_CANCELLED:
      return {"cancelled", std::move(message), ErrorClass::kCancelled};
    case HEDDLE_INVALID:
      return {"invalid", std::move(message)};
    case HEDDLE_NOT_FOUND:
      return {"not-found", std::move(message)};
    case HEDDLE_CONFLICT:
      return {"conflict", std::move(message)};
    case HEDDLE_DENIED:
      return {"denied", std::move(message)};
    case HEDDLE_UNAVAILABLE:
      return {"unavailable", std::move(message), ErrorClass::kRetryable};
    case HEDDLE_EXHAUSTED:
      return {"exhausted", std::move(message), ErrorClass::kRetryable};
    case HEDDLE_DEADLINE:
      return {"deadline", std::move(message), ErrorClass::kRetryable};
    case HEDDLE_UNSUPPORTED:
      return {"unsupported", std::move(message)};
    case HEDDLE_IO:
      return {"io", std::move(message)};
    default:
      return {"internal", std::move(message)};
  }
}

Error failure_said(int32_t status, const Value& said) {
  const auto text = [&](std::string_view key) {
    const Value found = said ? said.find(key) : Value();
    return plugin_text(found ? found.as_text().value_or("") : "");
  };
  Error why = error_of_status(status, text("message"));
  if (const std::string code = text("code"); !code.empty()) why.code = code;
  if (why.message.empty()) why.message = "it gave no reason";
  const std::string error_class = text("class");
  for (const ErrorClass c : {ErrorClass::kPermanent, ErrorClass::kRetryable, ErrorClass::kConfig, ErrorClass::kCancelled})
    if (error_class == name_of(c)) why.error_class = c;
  return why;
}

}  // namespace heddle
