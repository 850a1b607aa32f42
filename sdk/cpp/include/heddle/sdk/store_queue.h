// SPDX-License-Identifier: Apache-2.0
//
// StoreQueue: heddle.queue/1 on the ordered keys of any medium (store.h).
//
// Three keys per job, all big-endian, so that their order is the order of leasing:
//   "d" queue \0 due id → ""            when it is due: a lease makes it due when it ends
//   "j" id              → a Job         what is known of it
//   "u" queue \0 dedupe → id            if it has a dedupe key
#pragma once
#include <algorithm>
#include <chrono>

#include "store_request.h"

namespace heddle::sdk::detail {

inline void append_number(std::string& out, uint64_t n) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
}
inline uint64_t read_number(std::string_view bytes, size_t at) {
  if (bytes.size() < at + 8) throw Error(HEDDLE_UNAVAILABLE, "the store's own records are damaged");
  uint64_t n = 0;
  for (size_t i = 0; i < 8; ++i) n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
  return n;
}

template <class Medium>
class StoreQueue {
 public:
  static constexpr uint64_t kMaxLease = 10'000;               // jobs at once
  static constexpr size_t kMaxLeaseBytes = size_t{32} << 20;  // of their payloads

  explicit StoreQueue(Medium& medium) : medium_(medium) {}

  // Each in a transaction of the medium; `number` is that of the commit.
  void enqueue(Request& r, uint64_t number) {
    const std::string_view queue = r.parts()[0].key, payload = r.parts()[0].value, dedupe = r.parts()[1].key;
    if (typename Medium::Stored found; !dedupe.empty() && medium_.get(dedupe_key(queue, dedupe), found)) {
      r.result = id_and(read_number(found.value, 0), false);
      return;
    }
    r.result = id_and(number, true);
    Job job;
    job.id = number;
    job.due = r.time;
    job.queue = queue;
    job.dedupe = dedupe;
    job.payload = payload;
    write(job, number);
    medium_.put(due_key(queue, job.due, job.id), "", number);
    if (dedupe.empty()) return;
    std::string id;
    append_number(id, number);
    medium_.put(dedupe_key(queue, dedupe), id, number);
  }

  void lease(Request& r, uint64_t number) {
    const std::string_view queue = r.parts()[0].key, owner = r.parts()[1].key;
    const uint64_t now = now_ms(), limit = std::min(r.limit, kMaxLease);
    std::optional<uint64_t> next_due;
    const std::vector<uint64_t> ids = due_jobs(queue, now, limit, next_due);
    std::vector<Value> jobs;
    size_t bytes = 0;
    for (const uint64_t id : ids) {
      Job job = read(id);
      if (!jobs.empty() && bytes + job.payload.size() > kMaxLeaseBytes) {
        next_due = job.due;
        break;
      }
      bytes += job.payload.size();
      ++job.attempt;
      job.returned = false;
      job.owner = owner;
      move(job, later(now, r.time), number);
      jobs.push_back(Value::list({integer(id), integer(job.attempt), Value::bytes(std::as_bytes(std::span(job.payload)))}));
    }
    std::vector<Value::Entry> entries;
    entries.push_back({"jobs", Value::list(std::move(jobs))});
    if (next_due) entries.push_back({"next_ms", integer(*next_due)});
    r.result = Value::map(entries);
  }

  void extend(Request& r, uint64_t number) {
    if (std::optional<Job> job = leased(r)) move(*job, later(now_ms(), r.time), number);
  }
  void ack(Request& r) {
    const std::optional<Job> job = leased(r);
    if (!job) return;
    medium_.erase(due_key(job->queue, job->due, job->id));
    medium_.erase(job_key(job->id));
    if (!job->dedupe.empty()) medium_.erase(dedupe_key(job->queue, job->dedupe));
  }
  void nack(Request& r, uint64_t number) {
    std::optional<Job> job = leased(r);
    if (!job) return;
    job->returned = true;
    move(*job, later(now_ms(), r.time), number);
  }

 private:
  struct Job {
    uint64_t id = 0, due = 0;  // due: CLOCK_REALTIME in ms
    uint64_t attempt = 0;      // of the last lease
    bool returned = false;     // by nack, since
    std::string queue, dedupe, owner, payload;
  };

  static uint64_t now_ms() {
    using namespace std::chrono;
    return static_cast<uint64_t>(std::max<int64_t>(0, duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()));
  }
  static uint64_t later(uint64_t now, uint64_t by) { return now + std::min(by, UINT64_MAX / 4); }
  static Value integer(uint64_t n) { return Value::integer(static_cast<int64_t>(n)); }
  static Value id_and(uint64_t id, bool added) { return Value::list({integer(id), Value::boolean(added)}); }

  static std::string due_prefix(std::string_view queue) { return "d" + std::string(queue) + '\0'; }
  static std::string due_key(std::string_view queue, uint64_t due, uint64_t id) {
    std::string key = due_prefix(queue);
    append_number(key, due);
    append_number(key, id);
    return key;
  }
  static std::string job_key(uint64_t id) {
    std::string key = "j";
    append_number(key, id);
    return key;
  }
  static std::string dedupe_key(std::string_view queue, std::string_view dedupe) {
    return "u" + std::string(queue) + '\0' + std::string(dedupe);
  }

  // Up to `limit` jobs that are due, and when the one after them will be.
  std::vector<uint64_t> due_jobs(std::string_view queue, uint64_t now, uint64_t limit, std::optional<uint64_t>& next_due) {
    const std::string from = due_prefix(queue);
    std::string until = from;
    until.back() = '\1';
    std::vector<uint64_t> ids;
    medium_.scan(from, until, [&](std::string_view key, std::string_view, uint64_t) {
      const uint64_t due = read_number(key, from.size());
      if (due > now || ids.size() >= limit) {
        next_due = due;
        return false;
      }
      ids.push_back(read_number(key, from.size() + 8));
      return true;
    });
    return ids;
  }

  // The job whose lease the request names; else the request has failed.
  std::optional<Job> leased(Request& r) {
    typename Medium::Stored found;
    const std::string_view queue = r.parts()[0].key;
    std::optional<Job> job;
    if (medium_.get(job_key(r.id), found)) job = parse(r.id, found.value);
    if (!job || job->queue != queue) {
      r.fail(HEDDLE_NOT_FOUND, "the queue \"" + std::string(queue) + "\" has no job " + std::to_string(r.id));
      return {};
    }
    if (job->attempt == r.attempt && job->attempt > 0 && !job->returned) return job;
    const std::string which = "attempt " + std::to_string(r.attempt) + " of job " + std::to_string(r.id);
    r.fail(HEDDLE_CONFLICT, job->attempt == r.attempt  ? which + " is not leased any more: it was given back"
                            : job->attempt < r.attempt ? which + " was never leased"
                                                     : which + " is over: attempt " + std::to_string(job->attempt) + " was leased to \"" +
                                                           job->owner + '"');
    return {};
  }

  Job read(uint64_t id) {
    typename Medium::Stored found;
    if (!medium_.get(job_key(id), found)) throw Error(HEDDLE_UNAVAILABLE, "the store's own records are damaged: job " + std::to_string(id) + " is gone");
    return parse(id, found.value);
  }
  // A job's record: due, attempt, returned, then four texts, each after its length.
  static Job parse(uint64_t id, std::string_view record) {
    Job job;
    job.id = id;
    job.due = read_number(record, 0);
    job.attempt = read_number(record, 8);
    job.returned = read_number(record, 16) != 0;
    size_t at = 24;
    for (std::string* text : {&job.queue, &job.dedupe, &job.owner, &job.payload}) {
      const uint64_t size = read_number(record, at);
      at += 8;
      if (size > record.size() - at) throw Error(HEDDLE_UNAVAILABLE, "the store's own records are damaged");
      *text = record.substr(at, size);
      at += size;
    }
    return job;
  }
  void write(const Job& job, uint64_t number) {
    std::string record;
    for (const uint64_t n : {job.due, job.attempt, uint64_t{job.returned}}) append_number(record, n);
    for (const std::string* text : {&job.queue, &job.dedupe, &job.owner, &job.payload}) {
      append_number(record, text->size());
      record += *text;
    }
    medium_.put(job_key(job.id), record, number);
  }
  void move(Job& job, uint64_t due, uint64_t number) {
    medium_.erase(due_key(job.queue, job.due, job.id));
    job.due = due;
    write(job, number);
    medium_.put(due_key(job.queue, job.due, job.id), "", number);
  }

  Medium& medium_;
};

}  // namespace heddle::sdk::detail
