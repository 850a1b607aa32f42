#include "chain.h"

#include <chrono>
#include <ctime>
#include <future>
#include <optional>
#include <utility>
#include <vector>

#include "accounts.h"
#include "events.h"
#include "hex.h"
#include "journal.h"
#include "numbers.h"
#include "reads.h"
#include "sender.h"
#include "signer.h"
#include "submissions.h"
#include "watch.h"

namespace chain_evm {
namespace {

using heddle::sdk::Config;
using heddle::sdk::Error;
using heddle::sdk::Host;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::guard;
using Entries = std::vector<Value::Entry>;

constexpr uint64_t kSweepMs = 100;
constexpr auto kMostStart = std::chrono::minutes(2);
constexpr int64_t kDayS = 86'400;

Value integer(uint64_t number) { return Value::integer(static_cast<int64_t>(number)); }

// What is told on the network's thread, for a thread that waits for it. Throws Refusal where it does not come.
template <class T>
class Told {
 public:
  std::function<void(T)> door() {
    return [promise = promise_](T value) { promise->set_value(std::move(value)); };
  }
  T wait() {
    auto future = promise_->get_future();
    if (future.wait_for(kMostStart) != std::future_status::ready) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", "nothing was heard in two minutes");
    return future.get();
  }

 private:
  std::shared_ptr<std::promise<T>> promise_ = std::make_shared<std::promise<T>>();
};

}  // namespace

class Chain::Life {
 public:
  Life(const Host& host, const Settings& settings, const heddle_endpoints_service* endpoints, heddle_id pool);
  ~Life();

  void start();
  Network& network() { return network_; }
  Ops& ops() { return ops_; }
  void read(ValueRef question, const OpPtr& op);
  void submit(const std::string& key, ValueRef intent, const OpPtr& op);
  void events(ValueRef filter, const OpPtr& op) { events_.pull(filter, op); }
  void transactions(ValueRef filter, const OpPtr& op);

 private:
  // What is there where there is a key.
  struct Account;
  struct Restored {
    std::vector<Record> open;
    std::vector<std::pair<uint64_t, std::string>> old;
    uint64_t next = 0;
  };

  void look_around();
  void open_account();
  Restored read_journal();
  // What no node has used; `doubts`: what is not believed of what they say.
  struct Next {
    uint64_t number = 0;
    std::vector<std::string> doubts;
  };
  Next read_next();
  void sweep();
  void standing(const OpPtr& op);
  void check_account() const;
  void looked(const Watch::Reading& reading, std::optional<uint64_t> removed_from, uint64_t final_block);

  const Host host_;
  const Settings& settings_;
  Ops ops_;
  std::unique_ptr<Signer> signer_;  // null: there is no key
  const std::string address_;       // 20 bytes, or empty
  Network network_;
  Rpc rpc_;
  Watch watch_;
  Reads reads_;
  Events events_;
  std::unique_ptr<AccountClaim> claim_;
  std::unique_ptr<Account> account_;  // of the network's thread; null: no key, or no journal, or not yet
  std::unique_ptr<Account> opening_;  // of the thread that starts, until it is account_
};

struct Chain::Life::Account {
  Account(Life& life, const heddle_journal_service* service)
      : journal(life.host_.get(), service, life.watch_.chain_id(), life.address_),
        preparation(life.settings_, life.rpc_, life.watch_, life.address_),
        sender(life.settings_, life.network_, life.rpc_, life.watch_, journal, preparation, *life.signer_,
               {.became = [this](const Record& record) { submissions.became(record); }, .failed = [this](const std::string& key, const Failure& why) { submissions.failed(key, why); }}, life.host_.log()),
        submissions(life.settings_, journal, preparation, sender) {
    journal.connect(&life.network_);
  }
  Journal journal;
  Preparation preparation;
  Sender sender;
  Submissions submissions;
};

Chain::Life::Life(const Host& host, const Settings& settings, const heddle_endpoints_service* endpoints, heddle_id pool)
    : host_(host),
      settings_(settings),
      signer_(settings.key ? open_signer(settings.key) : nullptr),
      address_(signer_ ? signer_->address() : std::string()),
      network_(settings.sites(), settings.network, [log = host.log()](std::string_view why) { log.error("something was thrown where nothing should be: " + std::string(why)); }),
      rpc_(host.get(), endpoints, pool, network_, settings.origins(), settings.rpc),
      watch_(settings, rpc_, network_, address_,
             [this](const Watch::Reading& reading, std::optional<uint64_t> removed_from, uint64_t final_block) { looked(reading, removed_from, final_block); }),
      reads_(settings, rpc_, address_),
      events_(settings, rpc_, network_, watch_) {}

Chain::Life::~Life() {
  network_.stop();
  signer_.reset();
  ops_.cancel_all();
}

// --- The start --------------------------------------------------------------------------------------------------------------------

void Chain::Life::start() {
  look_around();
  if (signer_) open_account();
  network_.post([this] {
    sweep();
    // A block that is heard of while nobody waits for one is of no interest.
    for (const EndpointSetting& endpoint : settings_.endpoints)
      if (endpoint.hints) network_.subscribe({.url = *endpoint.hints, .token = endpoint.token.read()}, [this] { watch_.hint(); });
  });
}

void Chain::Life::look_around() {
  Told<std::string> told;
  network_.post([this, door = told.door()] {
    watch_.begin([this, door] {
      std::string other, errors;
      bool is_any = false;
      for (const EndpointState& state : watch_.endpoints()) {
        is_any = is_any || state.is_well;
        if (state.is_other_chain) other = state.error;
        (errors += errors.empty() ? "" : "; ") += state.error;
      }
      // One of another chain is wrong in the configuration, even if others are right.
      door(!other.empty() ? "other-chain: " + other : is_any ? "" : "unavailable: no endpoint answers: " + errors);
    });
  });
  const std::string wrong = told.wait();
  if (wrong.starts_with("other-chain: ")) throw Refusal(HEDDLE_INVALID, "other-chain", "an endpoint is not of the chain that is configured: " + wrong.substr(13));
  if (!wrong.empty()) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", wrong.substr(13));
}

void Chain::Life::open_account() {
  claim_ = std::make_unique<AccountClaim>(watch_.chain_id(), address_);
  const auto* const service = host_.service<heddle_journal_service>(HEDDLE_JOURNAL);
  if (!HEDDLE_HAS(service, scan)) return;
  if (!service->is_durable(host_.get())) host_.log().warn("the journal of the account " + to_hex(address_) + " is lost with this process: after a restart, what was taken before is not known any more, and may be done again");
  opening_ = std::make_unique<Account>(*this, service);
  auto restored = std::make_shared<Restored>(read_journal());
  const Next free = read_next();
  const uint64_t next = std::max(restored->next, free.number);
  Told<bool> started;
  network_.post([this, restored, next, doubts = free.doubts, door = started.door()] {
    account_ = std::move(opening_);
    for (Record& record : restored->open) {
      account_->submissions.restored(record);
      account_->sender.lane().restore(std::move(record));
    }
    if (!restored->old.empty()) account_->journal.erase(restored->old);
    account_->sender.start(next);
    for (const std::string& doubt : doubts) account_->sender.alarm("numbers", doubt);
    if (const auto& reading = watch_.reading()) account_->sender.looked_at(*reading, std::nullopt, watch_.final_block());
    door(true);
  });
  started.wait();
}

Chain::Life::Restored Chain::Life::read_journal() {
  struct Page {
    std::vector<Value> records;
    uint64_t next;
    std::string why;
  };
  Restored restored;
  const int64_t oldest = static_cast<int64_t>(std::time(nullptr)) - static_cast<int64_t>(settings_.keep_days) * kDayS;
  for (uint64_t from = 0; from != UINT64_MAX;) {
    Told<Page> told;
    opening_->journal.scan(from, UINT64_MAX, [door = told.door()](std::vector<Value> records, uint64_t next, const std::string& why) { door({std::move(records), next, why}); });
    Page page = told.wait();
    if (!page.why.empty()) throw Refusal(HEDDLE_IO, "no-journal", "the journal cannot be read: " + page.why);
    for (const Value& kept : page.records) {
      Record record = read_record(kept);
      restored.next = std::max(restored.next, record.number + 1);
      if (!is_over(record.stage)) {
        restored.open.push_back(std::move(record));
      } else if (record.over_unix < oldest && restored.old.size() < 10'000) {
        // A conflict's key has another number by now.
        restored.old.emplace_back(record.number, record.stage == Stage::kConflict ? std::string() : record.intent.key);
      }
    }
    from = page.next;
  }
  return restored;
}

// In a block or in what they keep for one. What all say counts, so that none that is behind makes us use a number again.
Chain::Life::Next Chain::Life::read_next() {
  struct Counting {
    size_t left;
    std::vector<std::optional<Counted>> nodes;
  };
  Told<std::vector<std::optional<Counted>>> told;
  network_.post([this, door = told.door()] {
    auto counting = std::make_shared<Counting>(Counting{.left = rpc_.size(), .nodes = std::vector<std::optional<Counted>>(rpc_.size())});
    const std::string of_account = "[\"" + to_hex(address_) + "\",\"";
    for (size_t i = 0; i < rpc_.size(); ++i) {
      const auto counted = [counting, door, i](const std::vector<Answer>& answers) {
        const auto read = [&](const Answer& answer) {
          const Amount count = parse_quantity(answer.result.as_text().value_or(""));
          return count > UINT64_MAX ? UINT64_MAX : static_cast<uint64_t>(count);
        };
        guard([&] { counting->nodes[i] = Counted{.latest = read(answers[0]), .pending = read(answers[1])}; }, [](heddle_status, std::string_view) {});
        if (--counting->left == 0) door(counting->nodes);
      };
      rpc_.ask_together({{"eth_getTransactionCount", of_account + "latest\"]"}, {"eth_getTransactionCount", of_account + "pending\"]"}}, counted, i);
    }
  });
  const FirstFree free = first_free(told.wait());
  if (!free.number) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", "no endpoint says how many transactions the account has sent");
  Next next{.number = *free.number, .doubts = {}};
  for (const size_t i : free.doubted) next.doubts.push_back(rpc_.origin(i) + " says that the account has used far more numbers than the others know of: it is not believed");
  return next;
}

// --- Work -------------------------------------------------------------------------------------------------------------------------

void Chain::Life::looked(const Watch::Reading& reading, std::optional<uint64_t> removed_from, uint64_t final_block) {
  if (account_) account_->sender.looked_at(reading, removed_from, final_block);
  events_.looked();
}

void Chain::Life::sweep() {
  network_.after(kSweepMs, [this] { sweep(); });
  const bool is_asked = ops_.sweep();
  watch_.set_busy(is_asked || events_.is_waiting() || (account_ && (account_->sender.lane().open() > 0 || account_->sender.lane().waiting() > 0)));
}

void Chain::Life::check_account() const {
  if (!signer_) throw Refusal(HEDDLE_DENIED, "no-key", "there is no account to send from: \"key\" is not configured");
  if (!account_) throw Refusal(HEDDLE_UNSUPPORTED, "no-journal", "there is no journal: transactions need a host with a store");
}

void Chain::Life::submit(const std::string& key, ValueRef intent, const OpPtr& op) {
  check_account();
  watch_.set_busy(true);
  account_->submissions.submit(key, intent, op);
}

void Chain::Life::transactions(ValueRef filter, const OpPtr& op) {
  check_account();
  account_->submissions.list(filter, op);
}

void Chain::Life::read(ValueRef question, const OpPtr& op) {
  const std::string_view ask = question.find("ask").as_text().value_or("");
  if (ask == "standing") return standing(op);
  if (ask != "transaction") return reads_.read(question, op);
  check_account();
  account_->submissions.find(std::string(question.find("key").as_text().value_or("")), op);
}

void Chain::Life::standing(const OpPtr& op) {
  std::vector<Value> endpoints, alarms;
  for (size_t i = 0; i < rpc_.size(); ++i) {
    const EndpointState& state = watch_.endpoints()[i];
    Entries entries = {{"address", Value::string(rpc_.origin(i))}, {"block", integer(state.block)}, {"well", Value::boolean(state.is_well)}};
    if (!state.error.empty()) entries.push_back({"error", Value::string(state.error)});
    endpoints.push_back(Value::map(entries));
  }
  const Block* const newest = watch_.heads().newest();
  Entries entries = {{"chain", integer(watch_.chain_id())}, {"block", integer(newest ? newest->number : 0)}, {"block_unix", Value::integer(newest ? newest->unix : 0)}};
  if (signer_) entries.push_back({"account", Value::string(to_hex(address_))});
  if (const auto& reading = watch_.reading()) entries.push_back({"balance", to_value(reading->balance)});
  if (account_) {
    Lane& lane = account_->sender.lane();
    for (std::string& alarm : account_->sender.alarms()) alarms.push_back(Value::string(alarm));
    entries.push_back({"pending", integer(lane.open() + lane.waiting())});
    entries.push_back({"gaps", integer(lane.gaps())});
    entries.push_back({"bumps", integer(lane.bumps())});
    entries.push_back({"sent", integer(lane.sent_count())});
    entries.push_back({"final", integer(lane.finals())});
  }
  if (!watch_.alarm().empty()) alarms.push_back(Value::string(watch_.alarm()));
  entries.push_back({"alarms", Value::list(std::move(alarms))});
  entries.push_back({"endpoints", Value::list(std::move(endpoints))});
  op->ok(Value::map(entries));
}

// --- The object -------------------------------------------------------------------------------------------------------------------

Chain::Chain(const Config& config)
    : host_(config.host()), settings_(config), endpoints_(host_.service<heddle_endpoints_service>(HEDDLE_ENDPOINTS)), pool_(open_pool()) {}

Chain::~Chain() = default;

heddle_id Chain::open_pool() {
  if (!HEDDLE_HAS(endpoints_, set_well)) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_ENDPOINTS " for this object");
  std::vector<Value> all;
  for (const EndpointSetting& endpoint : settings_.endpoints) all.push_back(Value::map({{"address", Value::string(endpoint.url.origin)}, {"weight", integer(endpoint.weight)}}));
  Entries entries = {{"endpoints", Value::list(std::move(all))}};
  if (settings_.load_balance) entries.push_back({"load_balance", settings_.load_balance});
  if (settings_.circuit_breaker) entries.push_back({"circuit_breaker", settings_.circuit_breaker});
  const Value options = Value::map(entries);
  heddle_value* why = nullptr;
  const heddle_id pool = endpoints_->open(host_.get(), options.get(), &why);
  const Value reason = Value::adopt(why);
  if (pool == 0) throw Error(HEDDLE_INVALID, "the endpoints cannot be used: " + std::string(reason.is(HEDDLE_STRING) ? *reason.as_text() : reason.json()));
  return pool;
}

void Chain::activate() {
  auto life = std::make_unique<Life>(host_, settings_, endpoints_, pool_);
  life->start();
  life_ = std::move(life);
}

void Chain::deactivate() { life_.reset(); }

void Chain::ask(ValueRef what, heddle_op* answer, std::function<void(Life&, ValueRef, const OpPtr&)> then) {
  if (!life_) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", "it is not active");
  Life* const life = life_.get();
  const OpPtr op = life->ops().open(answer);
  life->network().post([life, op, kept = Value::share(what), then = std::move(then)] {
    guard(
        [&] {
          try {
            then(*life, kept, op);
          } catch (const Refusal& why) {
            op->fail({.status = why.status(), .code = why.code(), .why = why.what()});
          }
        },
        [&](heddle_status status, std::string_view why) { op->fail({.status = status, .code = status == HEDDLE_INVALID ? "invalid" : "", .why = std::string(why)}); });
  });
}

void Chain::read(ValueRef question, heddle_op* op) {
  ask(question, op, [](Life& life, ValueRef what, const OpPtr& then) { life.read(what, then); });
}

void Chain::submit(std::string key, ValueRef intent, heddle_op* op) {
  ask(intent, op, [key = std::move(key)](Life& life, ValueRef what, const OpPtr& then) { life.submit(key, what, then); });
}

void Chain::events(ValueRef filter, heddle_op* op) {
  ask(filter, op, [](Life& life, ValueRef what, const OpPtr& then) { life.events(what, then); });
}

void Chain::transactions(ValueRef filter, heddle_op* op) {
  ask(filter, op, [](Life& life, ValueRef what, const OpPtr& then) { life.transactions(what, then); });
}

}  // namespace chain_evm
