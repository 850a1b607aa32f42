#include <algorithm>

#include "serve/control_calls.h"
#include "serve/control_state.h"
#include "serve/gathering.h"
#include "serve/members.h"
#include "serve/task_answers.h"
#include "value/json_value.h"

namespace heddle {
namespace {

constexpr uint64_t kMostListed = 1'000, kDefaultListed = 100;

// A chain of this process, and the workers that work with it: none where only nodes do.
struct Account {
  std::string chain;
  std::shared_ptr<ChainHandle> handle;
  std::vector<Value> workers;
};

std::vector<Account> accounts(const Control::State& control) {
  std::vector<Account> all;
  for (Chains::Opened& one : control.host.outside->chains.all()) all.push_back({.chain = std::move(one.type), .handle = std::move(one.chain), .workers = {}});
  if (!control.host.workers) return all;
  for (const ChainWorkers::Standing& one : control.host.workers->all()) {
    const auto its = std::find_if(all.begin(), all.end(), [&](const Account& a) { return one.worker && a.handle.get() == &one.worker->chain(); });
    if (its != all.end()) its->workers.push_back(json_text(one.name));
  }
  return all;
}

bool has(const Account& account, const std::string& worker) {
  return std::any_of(account.workers.begin(), account.workers.end(), [&](const Value& one) { return one.as_text() == worker; });
}

std::vector<Account> asked_accounts(const Control::State& control, Members& fields) {
  std::vector<Account> all = accounts(control);
  const auto worker = fields.text("worker");
  if (!worker) return all;
  std::vector<std::string> names;
  for (const Account& one : all)
    for (const Value& name : one.workers) names.emplace_back(name.as_text().value_or(""));
  std::erase_if(all, [&](const Account& one) { return !has(one, *worker); });
  if (all.empty()) fields.wrong("no worker \"" + *worker + "\" works here" + suggestion(*worker, names));
  return all;
}

struct Part {
  std::string chain;
  std::vector<Value> workers;
  Result<Value> said;
};

Value transaction_json(const Part& part, const Value& transaction) {
  std::vector<std::pair<std::string, Value>> members = {{"chain", json_text(part.chain)}, {"workers", Value::list(part.workers)}};
  const Value clean = without_secrets(transaction);
  for (size_t i = 0; i < clean.size(); ++i) {
    std::string_view key;
    const Value one = clean.at(i, &key);
    members.emplace_back(std::string(key), one);
  }
  return json_object(std::move(members));
}

// The newest first. What a chain cannot say is told beside what the others have.
Value page_of(const std::vector<Part>& parts, size_t most) {
  std::vector<Value> all, failed;
  for (const Part& part : parts) {
    if (!part.said) {
      failed.push_back(json_object({{"chain", json_text(part.chain)}, {"workers", Value::list(part.workers)}, {"error", error_json(part.said.error())}}));
      continue;
    }
    for (size_t i = 0; part.said->kind() == HEDDLE_LIST && i < part.said->size(); ++i) all.push_back(transaction_json(part, part.said->at(i)));
  }
  const auto stored = [](const Value& one) { return one.find("stored_unix").as_int().value_or(0); };
  std::stable_sort(all.begin(), all.end(), [&](const Value& a, const Value& b) { return stored(a) > stored(b); });
  if (all.size() > most) all.resize(most);
  return json_object({{"transactions", Value::list(std::move(all))}, {"failed", Value::list(std::move(failed))}});
}

}  // namespace

void list_transactions(Control::State& control, Request request) {
  Members fields = Members::of_parameters(request.parameters());
  const std::vector<Account> all = asked_accounts(control, fields);
  const bool is_open = fields.count("open", 0, 1).value_or(0) == 1;
  const auto most = static_cast<size_t>(fields.count("limit", 1, kMostListed).value_or(kDefaultListed));
  if (auto read = fields.end(); !read) return refuse(request, read.error());
  const auto asked = std::make_shared<Request>(std::move(request));  // a std::function wants to be copied
  const auto told = Gathering<Part>::open(control, [asked, most](const std::vector<Part>& parts, bool is_late) {
    if (is_late && parts.empty()) return refuse(*asked, Error("not-ready", "the chains do not answer in time", ErrorClass::kRetryable));
    asked->answer(page_of(parts, most));
  });
  const Value filter = json_object({{"open", Value::boolean(is_open)}, {"most", json_count(most)}});
  for (const Account& one : all) {
    one.handle->transactions(filter, [told, chain = one.chain, workers = one.workers](Result<Value> said) { told->add({.chain = chain, .workers = workers, .said = std::move(said)}); });
  }
}

}  // namespace heddle
