// What the command line says to the verbs that talk to a running host.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heddle {

// Where the host is, and how it and we prove who we are.
struct HostArguments {
  std::string url = {};         // empty: host_address() says where it is looked for, as for the others
  std::string token_file = {};
  std::string ca_file = {};
};

struct SubmitArguments {
  std::string type;
  std::optional<std::string> payload;       // JSON; "-": standard input
  std::optional<std::string> payload_file;  // "-": standard input
  std::string lane;
  std::optional<unsigned> priority;
  std::optional<std::string> key;
  std::optional<uint64_t> delay_ms, run_at_ms, deadline_ms;
  std::string idempotency_key;
  std::vector<uint64_t> after;
  bool wait = false;
  std::optional<uint64_t> timeout_ms;
};

enum class JobsAction : uint8_t { kList, kShow, kWait, kCancel };

struct JobsArguments {
  JobsAction action = JobsAction::kList;
  std::string lane, type, state;
  uint64_t limit = 50, after = 0;
  uint64_t before = INT64_MAX;  // the newest first, unless `after` is given
  std::vector<uint64_t> ids;
  std::optional<uint64_t> timeout_ms;
};

enum class LanesAction : uint8_t { kList, kShow, kPause, kResume, kSet };

struct LanesArguments {
  LanesAction action = LanesAction::kList;
  std::string name;
  std::vector<std::string> settings;  // "max_concurrency=4"
};

enum class DlqAction : uint8_t { kList, kShow, kRequeue, kDiscard };

struct DlqArguments {
  DlqAction action = DlqAction::kList;
  uint64_t limit = 50, after = 0;
  std::vector<uint64_t> ids;
  bool all = false;
};

struct EventsArguments {
  std::string prefix, lane;
  uint64_t job = 0;
};

struct TopArguments {
  bool once = false;
};

struct RemotesArguments {
  bool once = false;
};

enum class TasksAction : uint8_t { kList, kShow, kCancel };

struct TasksArguments {
  TasksAction action = TasksAction::kList;
  std::string worker, state;
  uint64_t limit = 50;
  std::string activity;  // or the beginning of its id
  std::string reason;    // empty: the host's own
};

struct TxsArguments {
  std::string worker;
  bool open = false;
  uint64_t limit = 50;
};

struct DoctorArguments {
  std::optional<std::string> config;  // unset: those of the usual places
};

struct ClientArguments {
  HostArguments host;
  SubmitArguments submit;
  JobsArguments jobs;
  LanesArguments lanes;
  DlqArguments dlq;
  EventsArguments events;
  TopArguments top;
  RemotesArguments remotes;
  TasksArguments tasks;
  TxsArguments txs;
  DoctorArguments doctor;
};

}  // namespace heddle
