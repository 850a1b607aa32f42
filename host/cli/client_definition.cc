#include "cli/client_definition.h"

#include "cli/host_address.h"
#include "cli/time_text.h"

namespace heddle {
namespace {

CLI::Validator duration() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const auto ms = read_duration(text);
        if (!ms) return "\"" + text + "\" is no duration: write 250ms, 30s, 5m, 2h or 1d; a bare number is milliseconds";
        text = std::to_string(*ms);
        return {};
      },
      "");
}

CLI::Validator point_in_time() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const auto ms = read_time(text);
        if (!ms) return "\"" + text + "\" is no time: write 2026-11-21T07:45:00Z, \"2026-11-21 07:45\" (local time), or Unix milliseconds";
        text = std::to_string(*ms);
        return {};
      },
      "");
}

class ClientVerbs {
 public:
  ClientVerbs(CLI::App& app, ClientArguments& client, const VerbContext& context) : app_(app), client_(client), context_(context) {}

  void add_submit();
  void add_jobs();
  void add_lanes();
  void add_dlq();
  void add_looking();  // events, top, remotes
  void add_chains();   // tasks, txs
  void add_setting_up();  // apply, doctor
  std::vector<std::pair<CLI::App*, Verb>> take() { return std::move(verbs_); }

 private:
  // Null: its name and summary are all that is wanted.
  CLI::App* verb(const char* name, Verb verb, const char* summary, const char* footer) {
    CLI::App* const app = app_.add_subcommand(name, summary);
    verbs_.emplace_back(app, verb);
    if (!context_.is_wanted(name)) return nullptr;
    app->footer(footer);
    add_all(app);
    return app;
  }
  template <class Action>
  CLI::App* action(CLI::App* group, const char* name, Verb verb, Action& chosen, Action value, const char* summary) {
    CLI::App* const app = group->add_subcommand(name, summary);
    app->footer("");
    app->callback([&chosen, value] { chosen = value; });
    group->require_subcommand(0, 1);
    verbs_.emplace_back(app, verb);
    add_all(app);
    return app;
  }
  void add_all(CLI::App* app);
  void add_list_options(CLI::App* app);
  template <class Ids>
  static CLI::Option* add_ids(CLI::App* app, Ids& ids, const char* what) {
    return app->add_option("ID", ids, what)->type_name("ID");
  }

  CLI::App& app_;
  ClientArguments& client_;
  const VerbContext& context_;
  std::vector<std::pair<CLI::App*, Verb>> verbs_;
};

void ClientVerbs::add_all(CLI::App* app) {
  add_host_options(app, client_.host);
  context_.add_general(app);
}

void ClientVerbs::add_submit() {
  SubmitArguments& submit = client_.submit;
  CLI::App* const app = verb("submit", Verb::kSubmit, "Give a running host a job; prints the job's id",
                             "With --wait it prints the job's result instead, and the exit code is 1 if the job failed.\n"
                             "Examples:\n"
                             "  heddle submit pipeline/hello '{\"score\": 0.7}' --wait\n"
                             "  heddle submit pipeline/report --delay 5m --idempotency-key report-2026-11-21\n"
                             "  heddle submit pipeline/hello - < item.json");
  if (!app) return;
  app->add_option("TYPE", submit.type, "The job's type: pipeline/NAME for a pipeline that the host serves")->required()->type_name("TYPE");
  auto* const payload = app->add_option("PAYLOAD,--payload", submit.payload, "What the job works on, as JSON; - for standard input")->type_name("JSON");
  app->add_option("--payload-file", submit.payload_file, "The same, from a file; - for standard input")->type_name("FILE")->excludes(payload);
  app->add_option("--lane", submit.lane, "The lane it waits in (default: default)")->type_name("LANE");
  app->add_option("--priority", submit.priority, "In a lane that is ordered by priority; 0 is the highest")->check(CLI::Range(0u, 255u).description(""))->type_name("N");
  app->add_option("--key", submit.key, "In a lane that is fair by key: whose job it is")->type_name("TEXT");
  auto* const delay = app->add_option("--delay", submit.delay_ms, "Start it not before so long from now: 250ms, 30s, 5m, 2h; a bare number is milliseconds")->transform(duration())->type_name("TIME");
  app->add_option("--run-at", submit.run_at_ms, "Start it not before then: 2026-11-21T07:45:00Z")->transform(point_in_time())->type_name("TIME")->excludes(delay);
  app->add_option("--deadline", submit.deadline_ms, "When it is due, from now: it rises in its lane as the time runs out")->transform(duration())->type_name("TIME");
  app->add_option("--idempotency-key", submit.idempotency_key, "A second submit with this key gives the first one's job")->type_name("KEY");
  app->add_option("--after", submit.after, "Start it when this job is done (repeatable)")->type_name("ID")->take_all()->expected(1)->allow_extra_args(false);
  auto* const wait = app->add_flag("--wait", submit.wait, "Wait until the job is over; Ctrl-C ends the waiting, not the job");
  app->add_option("--timeout", submit.timeout_ms, "With --wait: wait so long at most")->transform(duration())->type_name("TIME")->needs(wait);
}

void ClientVerbs::add_list_options(CLI::App* app) {
  JobsArguments& jobs = client_.jobs;
  app->add_option("--lane", jobs.lane, "Only those of this lane")->type_name("LANE");
  app->add_option("--type", jobs.type, "Only those of this type")->type_name("TYPE");
  app->add_option("--state", jobs.state, "Only those in this state: waiting, running, backing-off, blocked, stranded, done, dead, cancelled")->type_name("STATE");
  app->add_option("--limit", jobs.limit, "So many at most (default: 50)")->check(CLI::Range(1u, 1'000u).description(""))->type_name("N");
  auto* after = app->add_option("--after", jobs.after, "Only those with larger ids, the oldest first")->type_name("ID");
  app->add_option("--before", jobs.before, "Only those with smaller ids")->type_name("ID")->excludes(after);
}

void ClientVerbs::add_jobs() {
  JobsArguments& jobs = client_.jobs;
  CLI::App* const group = verb("jobs", Verb::kJobs, "The jobs of a running host: list, show, wait, cancel",
                               "Without an action it lists.\n"
                               "Examples:\n  heddle jobs --state running\n  heddle jobs show 17\n  heddle jobs cancel 17 18");
  if (!group) return;
  add_list_options(group);
  add_list_options(action(group, "list", Verb::kJobs, jobs.action, JobsAction::kList, "List jobs"));
  add_ids(action(group, "show", Verb::kJobs, jobs.action, JobsAction::kShow, "Show all that is known of a job"), jobs.ids, "The job")->required()->expected(1);
  CLI::App* const wait = action(group, "wait", Verb::kJobs, jobs.action, JobsAction::kWait, "Wait until a job is over, and print its result");
  add_ids(wait, jobs.ids, "The job")->required()->expected(1);
  wait->add_option("--timeout", jobs.timeout_ms, "Wait so long at most: 250ms, 30s, 5m, 2h")->transform(duration())->type_name("TIME");
  add_ids(action(group, "cancel", Verb::kJobs, jobs.action, JobsAction::kCancel, "Cancel jobs"), jobs.ids, "The jobs")->required()->expected(1, 10'000);
}

void ClientVerbs::add_lanes() {
  LanesArguments& lanes = client_.lanes;
  CLI::App* const group = verb("lanes", Verb::kLanes, "The lanes of a running host: list, show, pause, resume, set",
                               "Without an action it lists.\n"
                               "Examples:\n  heddle lanes\n  heddle lanes pause prompt\n  heddle lanes set prompt max_concurrency=4 depth=1000");
  if (!group) return;
  action(group, "list", Verb::kLanes, lanes.action, LanesAction::kList, "List the lanes");
  const auto named = [&](const char* name, LanesAction value, const char* summary) {
    CLI::App* const app = action(group, name, Verb::kLanes, lanes.action, value, summary);
    app->add_option("NAME", lanes.name, "The lane")->required()->type_name("LANE");
    return app;
  };
  named("show", LanesAction::kShow, "Show a lane's settings and counts");
  named("pause", LanesAction::kPause, "Start nothing more in a lane; what runs, runs on");
  named("resume", LanesAction::kResume, "Start its jobs again");
  CLI::App* const set = named("set", LanesAction::kSet, "Change settings of a lane, until the host is started or reloaded again");
  set->add_option("SETTING", lanes.settings, "As in the host's configuration: max_concurrency=4; a value is JSON, or text")->required()->type_name("KEY=VALUE")->expected(1, 100);
}

void ClientVerbs::add_dlq() {
  DlqArguments& dlq = client_.dlq;
  CLI::App* const group = verb("dlq", Verb::kDlq, "The dead letters of a running host: jobs that failed for good: list, show, requeue, discard",
                               "Without an action it lists.\n"
                               "Examples:\n  heddle dlq\n  heddle dlq requeue 17\n  heddle dlq discard --all");
  if (!group) return;
  for (CLI::App* const app : {group, action(group, "list", Verb::kDlq, dlq.action, DlqAction::kList, "List the dead, the oldest first")}) {
    app->add_option("--limit", dlq.limit, "So many at most (default: 50)")->check(CLI::Range(1u, 1'000u).description(""))->type_name("N");
    app->add_option("--after", dlq.after, "Only those that follow this one")->type_name("ID");
  }
  add_ids(action(group, "show", Verb::kDlq, dlq.action, DlqAction::kShow, "Show a dead job with its payload and attempts"), dlq.ids, "The job")->required()->expected(1);
  const auto change = [&](const char* name, DlqAction value, const char* summary) {
    CLI::App* const app = action(group, name, Verb::kDlq, dlq.action, value, summary);
    auto* const ids = add_ids(app, dlq.ids, "The jobs")->expected(1, 10'000);
    app->add_flag("--all", dlq.all, "All of them")->excludes(ids);
  };
  change("requeue", DlqAction::kRequeue, "Run dead jobs again, with the payload they had");
  change("discard", DlqAction::kDiscard, "Throw dead jobs away");
}

void ClientVerbs::add_looking() {
  EventsArguments& events = client_.events;
  CLI::App* const follow = verb("events", Verb::kEvents, "Follow what happens in a running host, a line each",
                                "It ends with Ctrl-C, or with exit code 69 when the host goes.\n"
                                "Examples:\n  heddle events\n  heddle events --prefix queue.job.dead --json\n  heddle events --job 17");
  if (follow) {
    follow->add_option("--prefix", events.prefix, "Only events whose name begins so: queue.job.")->type_name("TEXT");
    follow->add_option("--lane", events.lane, "Only those of this lane")->type_name("LANE");
    follow->add_option("--job", events.job, "Only those of this job")->type_name("ID");
  }

  CLI::App* const top = verb("top", Verb::kTop, "Watch a running host: its lanes and what runs now",
                             "On a terminal the screen is drawn again each second; q ends it.\n"
                             "Examples:\n  heddle top\n  heddle top --once --json");
  if (top) top->add_flag("--once", client_.top.once, "Print one screen and end");

  CLI::App* const remotes = verb("remotes", Verb::kRemotes, "Watch the endpoints of other hosts that a running host calls, and its sidecars' workers",
                                 "How each stands, what became of the attempts to call it, how long those took, and what went wrong last. On a terminal it is drawn\n"
                                 "again each second; q ends it. Elsewhere it is printed once.\n"
                                 "STATE: unhealthy, says the last probe; ejected: left out for a while, because of failures in a row; slow-start: back, with a part of its\n"
                                 "load. BREAKER: open, it is not called; half-open: a few calls try it. POOL: tried in this order.\n"
                                 "Of a worker: gone: it is not there; refused: its versions and ours do not meet. FREE: what it would take now; WAITING: what waits for it and its like.\n"
                                 "Examples:\n  heddle remotes\n  heddle remotes --once\n  heddle remotes --json");
  if (remotes) remotes->add_flag("--once", client_.remotes.once, "Print the table and end");
}

void ClientVerbs::add_chains() {
  TasksArguments& tasks = client_.tasks;
  const auto add_limit = [](CLI::App* app, uint64_t& limit) {
    app->add_option("--limit", limit, "So many at most (default: 50)")->check(CLI::Range(1u, 1'000u).description(""))->type_name("N");
  };
  CLI::App* const group = verb("tasks", Verb::kTasks, "The chain workers of a running host and their tasks: list, show, cancel",
                               "Without an action it lists: the workers with their accounts, then the tasks that are open, then the last ones that are over.\n"
                               "An ACTIVITY is the id that the chain gave, or the beginning of it where no other begins so.\n"
                               "Examples:\n  heddle tasks --state running\n  heddle tasks show 0x1234\n  heddle tasks cancel 0x1234 --reason 'the input is wrong'");
  if (group) {
    for (CLI::App* const app : {group, action(group, "list", Verb::kTasks, tasks.action, TasksAction::kList, "List workers and tasks")}) {
      app->add_option("--worker", tasks.worker, "Only those of this worker")->type_name("WORKER");
      app->add_option("--state", tasks.state, "Only tasks in this state: offered, claimed, running, computed, submitted, settled, failed, lost")->type_name("STATE");
      add_limit(app, tasks.limit);
    }
    const auto one = [&](const char* name, TasksAction value, const char* summary) {
      CLI::App* const app = action(group, name, Verb::kTasks, tasks.action, value, summary);
      app->add_option("ACTIVITY", tasks.activity, "Its id, or the beginning of it")->required()->type_name("ACTIVITY");
      return app;
    };
    one("show", TasksAction::kShow, "Show a task with its history and its transaction");
    one("cancel", TasksAction::kCancel, "Give a task up; the chain is told that it failed")
        ->add_option("--reason", tasks.reason, "Why, for the chain and whoever asked for the work")
        ->type_name("TEXT");
  }

  TxsArguments& txs = client_.txs;
  CLI::App* const app = verb("txs", Verb::kTxs, "The transactions of a running host on its chains, the newest first",
                             "STAGE: stored, sent, included (in a block), final, reverted, replaced (it was too late: its number went to one that does nothing), refused (it\n"
                             "cannot be sent), conflict (somebody else has used its number, and it has another one).\n"
                             "The exit code is 1 if a chain does not say its transactions.\n"
                             "Examples:\n  heddle txs --open\n  heddle txs --worker video --json");
  if (!app) return;
  app->add_option("--worker", txs.worker, "Only those of the account of this worker")->type_name("WORKER");
  app->add_flag("--open", txs.open, "Only those that are not over");
  add_limit(app, txs.limit);
}

void ClientVerbs::add_setting_up() {
  verb("apply", Verb::kApply, "Let a running host read its configuration and pipelines again; prints what has changed",
       "What did not change goes on untouched; with an error anywhere nothing changes, and the exit code is 78.\n"
       "Example:\n  heddle apply");

  CLI::App* const doctor = verb("doctor", Verb::kDoctor, "Check a host, its configuration and this machine, and say what to do",
                                "It works without a running host too. The exit code is 1 if something is wrong.\nExample:\n  heddle doctor --config /etc/heddle/heddle.json");
  if (doctor) doctor->add_option("-c,--config", client_.doctor.config, "The host's configuration (default: where heddle serve finds it)")->type_name("FILE");
}

}  // namespace

void add_host_options(CLI::App* app, HostArguments& host) {
  app->add_option("--host", host.url, std::string("The host's address (default: HEDDLE_HOST, then client.host of the configuration, then ") + kDefaultHost + ")")->type_name("URL");
  app->add_option("--token-file", host.token_file, "The file of the token that the host asks for (default: HEDDLE_TOKEN holds the token, or client.token)")->type_name("FILE");
  app->add_option("--ca-file", host.ca_file, "PEM: the authorities whose certificates are believed (default: HEDDLE_CA_FILE, client.ca_file, or those of this machine)")->type_name("FILE");
}

std::vector<std::pair<CLI::App*, Verb>> define_client_verbs(CLI::App& app, ClientArguments& client, const VerbContext& context) {
  ClientVerbs verbs(app, client, context);
  verbs.add_submit();
  verbs.add_jobs();
  verbs.add_lanes();
  verbs.add_dlq();
  verbs.add_looking();
  verbs.add_chains();
  verbs.add_setting_up();
  return verbs.take();
}

std::string client_fault(const CommandLine& line) {
  const DlqArguments& dlq = line.client.dlq;
  if (line.verb == Verb::kDlq && dlq.action >= DlqAction::kRequeue && !dlq.all && dlq.ids.empty())
    return std::string("heddle dlq ") + (dlq.action == DlqAction::kRequeue ? "requeue" : "discard") + " wants the ids of dead jobs, or --all";
  const LanesArguments& lanes = line.client.lanes;
  for (const std::string& setting : lanes.settings) {
    const size_t equals = setting.find('=');
    if (equals == 0 || equals == std::string::npos) return "heddle lanes set wants KEY=VALUE, not \"" + setting + "\"";
  }
  return {};
}

}  // namespace heddle
