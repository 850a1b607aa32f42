// The door: notes, factory, and the table that leads from the ABI to Chain.
#include <heddle/chain.h>
#include <heddle/note.h>
#include <heddle/plugin.h>

#include "chain.h"

namespace chain_evm {
namespace {

using namespace heddle::sdk;
using detail::guard;
using detail::to_str;
using detail::to_view;

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            R"({"plugin":"chain_evm","version":"0.1.0",)" HEDDLE_NOTE_ABI
            R"(,"license":"Apache-2.0","summary":"Transactions and events of Ethereum and chains like it","package":"heddle-plugin-evm"})");
HEDDLE_NOTE(
    type_note, HEDDLE_NOTE_TYPE,
    R"({"chain":"evm","summary":"An account on a chain that speaks the JSON-RPC of Ethereum: transactions that are sent once, events with removals, and the work of its contracts.",)"
    R"("params":{"type":"object","properties":{)"
    R"("endpoints":{"type":"array","minItems":1,"maxItems":32,"description":"The nodes.","items":{"anyOf":[{"type":"string","minLength":1},{"type":"object","properties":{)"
    R"("url":{"type":"string","minLength":1,"description":"http:// or https://. A token in the path is shown nowhere."},)"
    R"("hints":{"type":"string","minLength":1,"description":"ws:// or wss:// of the same node: it says when there is a block, so that nobody has to wait for the next question."},)"
    R"("weight":{"type":"integer","minimum":1,"maximum":1000,"default":1,"description":"Its share of what is asked."},)"
    R"("token":{"type":["string","object"],"writeOnly":true,"minLength":1,"properties":{"file":{"type":"string","minLength":1}},"required":["file"],"additionalProperties":false,)"
    R"("description":"Sent as Authorization: Bearer TOKEN: from the environment (${env.NAME}), or {\"file\": path} of a file of mode 0600."}},)"
    R"("required":["url"],"additionalProperties":false}]}},)"
    R"("chain_id":{"type":"integer","minimum":1,"description":"An endpoint of another chain is refused. Absent: that of the first endpoint that answers; the others must be of the same."},)"
    R"("key":{"type":"object","description":"Who signs. Absent: nothing can be sent.","properties":{)"
    R"("file":{"type":"string","minLength":1,"description":"A file of mode 0600 with the key in hex."},)"
    R"("keystore":{"type":"string","minLength":1,"description":"A keystore file, version 3, of mode 0600."},)"
    R"("password_file":{"type":"string","minLength":1,"description":"A file of mode 0600 with the keystore's password."},)"
    R"("password_fd":{"type":"integer","minimum":0,"description":"An open file descriptor that gives the password."},)"
    R"("password_credential":{"type":"string","minLength":1,"description":"The name of a systemd credential that is the password."},)"
    R"("address":{"type":"string","minLength":42,"maxLength":42,"description":"Whose key it must be."},)"
    R"("signer":{"type":"string","minLength":1,"description":"The Unix socket of a remote signer."},)"
    R"("timeout_ms":{"type":"integer","minimum":1,"maximum":600000,"default":5000,"description":"The longest until the remote signer answers."}},"additionalProperties":false},)"
    R"("contracts":{"type":"object","description":"Addresses.","properties":{)"
    R"("task_queue":{"type":"string","minLength":42,"maxLength":42,"description":"Offers activities, and takes their results."},)"
    R"("control_plane":{"type":"string","minLength":42,"maxLength":42,"description":"Knows the workers."},)"
    R"("workflow_engine":{"type":"string","minLength":42,"maxLength":42,"description":"Resumes workflows."}},"additionalProperties":false},)"
    R"("interface":{"type":"object","description":"Functions and events of the contracts, where they are not as known: name to declaration, and \"more\": a list of declarations.",)"
    R"("properties":{"more":{"type":"array","maxItems":1000,"items":{"type":"string"}}},"additionalProperties":{"type":"string"}},)"
    R"("lease_s":{"type":"integer","minimum":0,"maximum":31536000,"description":"Of an activity after it was claimed or a heartbeat; 0: for ever. Absent: as the contract's leaseSeconds() says."},)"
    R"("confirmations":{"anyOf":[{"type":"integer","minimum":0,"maximum":500},{"enum":["finalized"]}],"default":12,"description":"What is so many blocks deep, its own included, is final; or what the node calls finalized."},)"
    R"("poll_ms":{"type":"integer","minimum":10,"maximum":3600000,"default":1000,"description":"Between two questions for the newest block, while somebody waits for something; else 15 s."},)"
    R"("most_lag_blocks":{"type":"integer","minimum":0,"maximum":1000000,"default":5,"description":"An endpoint that is further behind the best is left out."},)"
    R"("lag_ms":{"type":"integer","minimum":0,"maximum":3600000,"default":10000,"description":"But not before it is for so long."},)"
    R"("window":{"type":"integer","minimum":1,"maximum":65536,"default":256,"description":"Transactions that are sent and in no block yet, at most."},)"
    R"("most_open":{"type":"integer","minimum":1,"maximum":1000000,"default":4096,"description":"Transactions that are taken and not final, at most; more are refused."},)"
    R"("gas":{"type":"integer","minimum":21000,"maximum":1000000000,"description":"Of each transaction. Absent: as the node estimates it, and a margin."},)"
    R"("gas_margin_percent":{"type":"integer","minimum":0,"maximum":1000,"default":20,"description":"On top of the node's estimate."},)"
    R"("simulate":{"type":"boolean","default":true,"description":"Try each transaction on the newest block before it is sent, also where \"gas\" is given."},)"
    R"("tip_percentile":{"type":"integer","minimum":0,"maximum":100,"default":50,"description":"Of the tips in the last ten blocks."},)"
    R"("min_tip_wei":{"type":["integer","string"],"default":100000000,"description":"The least tip for one gas."},)"
    R"("max_tip_wei":{"type":["integer","string"],"default":100000000000,"description":"The most of the market's tip for one gas that a new transaction gives."},)"
    R"("max_fee_wei":{"type":["integer","string"],"default":1000000000000,"description":"The most that one gas may cost in all. What would cost more waits, and a person is told."},)"
    R"("bump_after_ms":{"type":"integer","minimum":100,"maximum":86400000,"default":30000,"description":"What is in no block for so long pays more."},)"
    R"("bump_percent":{"type":"number","minimum":10,"maximum":1000,"default":12.5,"description":"So much more at least."},)"
    R"("rebroadcast_ms":{"type":"integer","minimum":100,"maximum":86400000,"default":10000,"description":"What is in no block is sent again so often."},)"
    R"("keep_days":{"type":"integer","minimum":1,"maximum":36500,"default":30,"description":"So long the key of a transaction that is over is remembered."},)"
    R"("most_log_blocks":{"type":"integer","minimum":1,"maximum":1000000,"default":2000,"description":"For one question for events; fewer where a node finds it too many."},)"
    R"("most_batch":{"type":"integer","minimum":1,"maximum":1000,"default":200,"description":"Questions in one request; 1: no batches."},)"
    R"("most_answer_bytes":{"type":"integer","minimum":65536,"maximum":1073741824,"default":33554432,"description":"Of one answer of a node."},)"
    R"("connect_ms":{"type":"integer","minimum":1,"maximum":600000,"default":5000,"description":"The longest until there is a connection."},)"
    R"("answer_ms":{"type":"integer","minimum":1,"maximum":600000,"default":15000,"description":"The longest for an answer."},)"
    R"("ca":{"type":"string","minLength":1,"description":"A PEM file of the authorities that are trusted, instead of those of the system."},)"
    R"("insecure":{"type":"boolean","default":false,"description":"Plain text may be spoken beyond loopback."},)"
    R"("load_balance":{"type":"string","description":"As of remote nodes."},)"
    R"("circuit_breaker":{"type":"object","description":"As of remote nodes, but that \"reset_timeout_ms\" is 1000."}},)"
    R"("required":["endpoints"],"additionalProperties":false}})");

Chain& of(void* self) { return *static_cast<Chain*>(self); }

void complete(heddle_op* op, heddle_status status, std::string_view code, std::string_view why) {
  Value details;
  if (!code.empty()) guard([&] { details = Value::map({{"code", Value::string(code)}}); }, [](heddle_status, std::string_view) {});
  detail::services.op->complete(op, status, details.release(), to_str(why));
}

// `fn` answers by itself unless it throws.
template <class Fn>
void answering(heddle_op* op, Fn&& fn) noexcept {
  guard(
      [&] {
        try {
          fn();
        } catch (const Refusal& why) {
          complete(op, why.status(), why.code(), why.what());
        }
      },
      [&](heddle_status status, std::string_view why) { complete(op, status, status == HEDDLE_INVALID ? "invalid" : "", why); });
}

void destroy(void* self) noexcept { delete static_cast<Chain*>(self); }
void activate(void* self, heddle_op* op) noexcept {
  answering(op, [&] {
    of(self).activate();
    complete(op, HEDDLE_OK, {}, {});
  });
}
void deactivate(void* self, heddle_op* op) noexcept {
  answering(op, [&] {
    of(self).deactivate();
    complete(op, HEDDLE_OK, {}, {});
  });
}
void read(void* self, const heddle_value* question, heddle_op* op) noexcept {
  answering(op, [&] { of(self).read(ValueRef(question), op); });
}
void submit(void* self, heddle_str key, const heddle_value* intent, heddle_op* op) noexcept {
  answering(op, [&] { of(self).submit(std::string(to_view(key)), ValueRef(intent), op); });
}
void events(void* self, const heddle_value* filter, heddle_op* op) noexcept {
  answering(op, [&] { of(self).events(ValueRef(filter), op); });
}
void transactions(void* self, const heddle_value* filter, heddle_op* op) noexcept {
  answering(op, [&] { of(self).transactions(ValueRef(filter), op); });
}

constexpr heddle_chain table() noexcept {
  heddle_chain t{};
  t.struct_size = sizeof t;
  t.base.activate = &activate;
  t.base.deactivate = &deactivate;
  t.base.destroy = &destroy;
  t.read = &read;
  t.submit = &submit;
  t.events = &events;
  t.transactions = &transactions;
  return t;
}

constexpr heddle_type kType = {sizeof(heddle_type), "evm", type_note.desc};

uint32_t count() noexcept { return 1; }
const heddle_type* type(uint32_t i) noexcept { return i == 0 ? &kType : nullptr; }
heddle_status create(const heddle_host* h, const char*, const heddle_value* config, void** self, const void** table_out) noexcept {
  static constexpr heddle_chain kTable = table();
  heddle_status result = HEDDLE_OK;
  guard(
      [&] {
        *self = new Chain(Config(h, ValueRef(config)));
        *table_out = &kTable;
      },
      [&](heddle_status status, std::string_view why) { h->fail(h, result = status, to_str(why), nullptr); });
  return result;
}

const void* get_factory(const char* kind) noexcept {
  static constexpr heddle_factory kFactory = {sizeof(heddle_factory), &count, &type, &create};
  return std::string_view(kind) == HEDDLE_KIND_CHAIN ? &kFactory : nullptr;
}

heddle_status init(const heddle_host* h) noexcept { return detail::init(h); }
void deinit() noexcept {}

}  // namespace
}  // namespace chain_evm

const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, &chain_evm::init, &chain_evm::deinit, &chain_evm::get_factory};
