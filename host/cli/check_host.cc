#include "cli/checkup.h"
#include "cli/members.h"
#include "cli/time_text.h"
#include "clock.h"

namespace heddle {
namespace {

constexpr uint64_t kAnswerMs = 5'000;
constexpr uint64_t kOldMs = 5 * 60 * 1000;
constexpr uint64_t kClockMs = 2'000;

std::string counted(uint64_t n, const char* one, const char* many) { return std::to_string(n) + " " + (n == 1 ? one : many); }

// Whether the token has a scope: asks for something that does nothing, because no job has the id 0.
bool may(HostClient& client, const std::string& path) {
  const HostAnswer answer = client.post(path, {}, kAnswerMs);
  return answer.status != 401 && answer.status != 403;
}

void check_token(Checkup& checkup, HostClient& client, bool may_read) {
  std::string has = may_read ? "read" : "", lacks = may_read ? "" : "read";
  const auto sort = [&](const char* scope, bool allowed) {
    std::string& list = allowed ? has : lacks;
    list += (list.empty() ? "" : ", ") + std::string(scope);
  };
  sort("submit", may(client, "/v1/jobs/0/cancel"));
  sort("admin", may(client, "/v1/dlq/0/requeue"));
  const std::string whose = client.address().token.empty() ? "without a token the host allows " : "the host takes the token, which allows ";
  if (has.empty())
    checkup.fail("token", "the token allows nothing that this program asks for", "give it scopes in the host's configuration: auth.tokens[].scopes");
  else
    checkup.ok("token", whose + has + (lacks.empty() ? "" : ", but not " + lacks));
  if (!client.address().token.empty() && !client.address().keeps_secrets())
    checkup.warn("token", "the token goes unencrypted to " + client.address().url, "use https, or a tunnel to the host's machine");
}

void check_ready(Checkup& checkup, HostClient& client) {
  const HostAnswer answer = client.get("/ready", kAnswerMs);
  if (answer)
    checkup.ok("ready", "it is ready for work");
  else if (answer.status == 403 || answer.status == 401)
    checkup.unknown("ready", "not checked: the token does not allow it");
  else
    checkup.fail("ready", "it is not ready: " + answer.error.message, "look at what it logs; it takes no work until it is ready");
}

// Their clocks, as far as an answer's own time tells.
void check_difference(Checkup& checkup, const Value& host) {
  const uint64_t started = count_member(host, "started_ms"), now = wall_ms();
  if (started > now + kClockMs)
    checkup.warn("clock", "the host's clock is ahead of this machine's by " + brief_duration(static_cast<double>(started - now)) + " or more", "set both by NTP: ages and --run-at are wrong until then");
}

}  // namespace

Value check_host(Checkup& checkup, HostClient& client, bool chosen, const std::string& version) {
  const std::string& url = client.address().url;
  const HostAnswer about = client.get("/v1/host", kAnswerMs);
  if (about.status == 0 || about.error.code == "no-heddle-host") {
    if (chosen)
      checkup.fail("host", about.error.message, "start it: heddle serve");
    else
      checkup.warn("host", "no host answers at " + url + ", where one is by default", "start it: heddle serve; or say where it is: --host URL, or HEDDLE_HOST");
    checkup.unknown("host", "not checked without it: version, token, ready, lanes, jobs, dead letters");
    return {};
  }
  if (about.status == 401) {
    checkup.ok("host", "a host answers at " + url);
    if (client.address().token.empty())
      checkup.fail("token", "the host asks for a token", "put it into HEDDLE_TOKEN, or name its file with --token-file");
    else
      checkup.fail("token", "the host does not know the token: " + about.error.message, "compare it with auth.tokens in the host's configuration");
    checkup.unknown("host", "not checked without a token: version, ready, lanes, jobs, dead letters");
    return {};
  }
  std::string text = "a host answers at " + url;
  if (about) text = "heddle " + text_member(about.body, "version") + " answers at " + url + " (pid " + std::to_string(count_member(about.body, "pid")) + ", up " +
                    brief_duration(static_cast<double>(wall_ms() - std::min(wall_ms(), count_member(about.body, "started_ms")))) + ")";
  checkup.ok("host", text);
  if (about && text_member(about.body, "version") != version)
    checkup.warn("version", "the host is " + text_member(about.body, "version") + ", this program is " + version, "start the host again after an upgrade, or use the program of its version");
  check_token(checkup, client, static_cast<bool>(about));
  check_ready(checkup, client);
  if (about) check_difference(checkup, about.body);
  if (about) checkup.ok("store", about.body.find("store").is_null() ? "none: jobs are in memory and do not survive a restart" : text_member(about.body, "store") + ": the jobs of durable lanes survive a restart");
  return about.body ? about.body : Value::boolean(true);
}

void check_work(Checkup& checkup, HostClient& client) {
  const HostAnswer dead = client.get("/v1/dlq?limit=1000", kAnswerMs), lanes = client.get("/v1/lanes", kAnswerMs);
  if (!dead || !lanes) return checkup.unknown("lanes", "not checked: " + (dead ? lanes : dead).error.message);
  if (const size_t n = dead.body.find("jobs").size())
    checkup.warn("dead letters", counted(n, "job has", "jobs have") + " failed for good", "look at them: heddle dlq; then heddle dlq requeue or discard");
  else
    checkup.ok("dead letters", "none");
  if (const uint64_t lost = count_member(dead.body, "lost"))
    checkup.warn("dead letters", counted(lost, "older one went", "older ones went") + ", because there were too many to keep", "raise jobs.dead in the host's configuration, or look at them more often");
  const Value list = lanes.body.find("lanes");
  uint64_t waiting = 0, troubles = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    const Value lane = list.at(i), stats = lane.find("stats");
    const std::string name = text_member(lane, "name");
    const uint64_t waits = count_member(stats, "waiting"), late = count_member(stats, "oldest_waiting_ms");
    const std::string count = counted(waits, "job waits", "jobs wait");
    waiting += waits;
    const auto warn = [&](const std::string& message, const std::string& remedy) {
      ++troubles;
      checkup.warn("lanes", "lane " + name + message, remedy);
    };
    if (flag_member(stats, "paused"))
      warn(" is paused; " + count, "to go on: heddle lanes resume " + name);
    else if (flag_member(stats, "under_pressure"))
      warn(" is under pressure: " + count, "raise its max_concurrency, submit less, or add a host");
    else if (waits && late > kOldMs)
      warn(": the oldest of its waiting jobs waits for " + brief_duration(static_cast<double>(late)), "see what runs: heddle top");
  }
  if (!troubles) checkup.ok("lanes", counted(list.size(), "lane", "lanes") + ", " + counted(waiting, "job waits", "jobs wait"));
}

}  // namespace heddle
