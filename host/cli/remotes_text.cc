#include "cli/remotes_text.h"

#include "cli/members.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/time_text.h"

namespace heddle {
namespace {

// "open, 12 s": with the time that is left, if there is one.
std::string with_rest(std::string word, const Value& endpoint, const char* key) {
  const Value rest = endpoint.find(key);
  return rest ? word + ", " + brief_duration(rest.as_float().value_or(0)) : word;
}

std::string breaker_text(const Value& endpoint) {
  const std::string state = text_member(endpoint, "breaker");
  return state.empty() ? "-" : with_rest(state, endpoint, "breaker_opens_in_ms");
}

std::string time_at(const Value& endpoint, const char* key) {
  const auto ms = endpoint.find(key).as_float();
  return ms ? brief_duration(*ms) : "-";
}

std::string error_text(const Value& endpoint) {
  const Value error = endpoint.find("last_error");
  if (!error) return {};
  return brief_duration(static_cast<double>(count_member(error, "age_ms"))) + " ago: " + text_member(error, "message");
}

std::vector<std::string> row_of(const Value& endpoint, const std::string& transport, size_t pool) {
  const auto count = [&](const char* key) { return grouped(count_member(endpoint, key)); };
  return {text_member(endpoint, "address"), transport, std::to_string(pool + 1), with_rest(text_member(endpoint, "state"), endpoint, "back_in_ms"), breaker_text(endpoint),
          count("in_flight"), count("answered"), count("failed"), count("retries"), count("hedges"), time_at(endpoint, "p50_ms"), time_at(endpoint, "p95_ms"),
          count("ejections"), count("breaker_opened"), error_text(endpoint)};
}

}  // namespace

std::string remotes_table(const Value& remotes, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"ENDPOINT", kLeft, true}, {"BY", kLeft}, {"POOL", kRight}, {"STATE", kLeft}, {"BREAKER", kLeft}, {"NOW", kRight}, {"ANSWERED", kRight}, {"FAILED", kRight},
                   {"RETRIES", kRight}, {"HEDGES", kRight}, {"P50", kRight}, {"P95", kRight}, {"EJECTED", kRight}, {"OPENED", kRight}, {"LAST ERROR", kLeft, true}});
  for (size_t r = 0; r < remotes.size(); ++r) {
    const Value remote = remotes.at(r), pools = remote.find("pools");
    const std::string transport = text_member(remote, "transport") + (flag_member(remote, "tls") ? ", TLS" : "");
    for (size_t pool = 0; pool < pools.size(); ++pool) {
      const Value endpoints = pools.at(pool).find("endpoints");
      for (size_t i = 0; i < endpoints.size(); ++i) table.add(row_of(endpoints.at(i), transport, pool));
    }
  }
  return table.empty() ? "this host has called no other host\n" : table.text(columns);
}

std::string sidecars_table(const Value& sidecars, size_t columns) {
  using enum TextTable::Align;
  TextTable table({{"WORKER", kLeft, true}, {"BY", kLeft}, {"STATE", kLeft}, {"BREAKER", kLeft}, {"FREE", kRight}, {"NOW", kRight}, {"WAITING", kRight}, {"DONE", kRight}, {"FAILED", kRight},
                   {"P50", kRight}, {"P95", kRight}, {"LAST ERROR", kLeft, true}});
  for (size_t s = 0; s < sidecars.size(); ++s) {
    const Value sidecar = sidecars.at(s), workers = sidecar.find("workers");
    const std::string type = text_member(sidecar, "sidecar") + (flag_member(sidecar, "tls") ? ", TLS" : "");
    for (size_t i = 0; i < workers.size(); ++i) {
      const Value worker = workers.at(i), endpoint = worker.find("endpoint");
      const auto count = [&](const char* key) { return grouped(count_member(endpoint, key)); };
      const std::string state = flag_member(worker, "refused") ? "refused" : !flag_member(worker, "here") ? "gone" : text_member(endpoint, "state");
      const std::string gone = text_member(worker, "gone");
      table.add({text_member(endpoint, "address"), type, state, breaker_text(endpoint), grouped(count_member(worker, "credit")), count("in_flight"), grouped(count_member(sidecar, "waiting")),
                 count("answered"), count("failed"), time_at(endpoint, "p50_ms"), time_at(endpoint, "p95_ms"), gone.empty() ? error_text(endpoint) : gone});
    }
  }
  return table.empty() ? "" : table.text(columns);
}

std::string remotes_text(const Value& answer, size_t columns) {
  const Value remotes = answer.find("remotes"), sidecars = answer.find("sidecars");
  const std::string workers = sidecars ? sidecars_table(sidecars, columns) : "";
  if (workers.empty()) return remotes_table(remotes, columns);
  return remotes.size() == 0 ? workers : remotes_table(remotes, columns) + "\n" + workers;
}

}  // namespace heddle
