// What is written of durable jobs, and how they come back.
#include <algorithm>
#include <future>

#include "lanes/job_record.h"
#include "lanes/job_state.h"

namespace heddle {
namespace {

constexpr size_t kForgottenAtOnce = 64;

// Record 0 is the journal's own: how often it was opened, and up to which one ids may have been given.
std::string own_record(uint64_t boot, JobId reserved) { return "{\"boot\":" + std::to_string(boot) + ",\"reserved_id\":" + std::to_string(reserved) + "}"; }

}  // namespace

thread_local Jobs::State::Gathered* Jobs::State::gathered = nullptr;

// [no lock held] `of` is null where the outcome does not matter. False: it is gathered, and written later by this thread.
bool Jobs::State::write(std::vector<JobJournal::Change> changes, RecordPtr of, bool ends) {
  writes.fetch_add(1, std::memory_order_relaxed);
  Gathered single;
  const bool gathers = gathered && gathered->state == this;
  Gathered& to = gathers ? *gathered : single;
  for (JobJournal::Change& change : changes) {
    to.bytes += change.record.size();
    to.changes.push_back(std::move(change));
  }
  to.of.push_back({std::move(of), ends});
  if (gathers && to.of.size() < kMostGathered && to.bytes < kMostGatheredBytes) return false;
  send(to);
  return !gathers;
}

void Jobs::State::send(Gathered& all) {
  Gathered now = std::exchange(all, {.state = all.state});
  std::vector<RecordPtr> held;  // while it was gathered nothing newer of these could be written
  for (const Written& one : now.of) {
    if (all.state && one.of) held.push_back(one.of);
  }
  journal->write(std::move(now.changes), [self = shared_from_this(), of = std::move(now.of)](const Result<void>& outcome) { self->answered(of, outcome); });
  Gathered* const before = std::exchange(gathered, nullptr);
  for (const RecordPtr& record : held) {
    std::unique_lock lock(record->mutex);
    write_unsaved(*record, lock);
  }
  gathered = before;
}

// A journal that is busy is not kept from its work: a worker takes the answers. Where there are few, that would only make them late.
void Jobs::State::answered(const std::vector<Written>& of, const Result<void>& outcome) {
  {
    std::lock_guard lock(answers_mutex);
    for (const Written& one : of) answers.push_back({one, outcome});
    if (std::exchange(taking, true)) return;
  }
  if (writes < kFewWrites) return take_answers();
  taking_job.state = this;
  taking_job.run = [](Job* job) noexcept { static_cast<Taking*>(job)->state->take_answers(); };
  lanes.post(system, &taking_job);
}

// What is to be written because of them goes to the journal together: it is a group from the beginning.
void Jobs::State::take_answers() {
  const auto self = shared_from_this();
  Gathered mine = {.state = this};
  Gathered* const before = std::exchange(gathered, &mine);
  std::vector<Answer> taken;
  for (;;) {
    {
      std::lock_guard lock(answers_mutex);
      taken.clear();
      taken.swap(answers);
      if (taken.empty()) {
        taking = false;
        break;
      }
    }
    for (Answer& answer : taken) {
      if (const RecordPtr record = std::move(answer.written.of)) saved(*record, answer.written.ends, std::move(answer.outcome));
    }
    if (!mine.of.empty()) send(mine);
    if (writes.fetch_sub(taken.size(), std::memory_order_acq_rel) == taken.size()) writes.notify_all();
  }
  gathered = before;
}

// Until everything that was written so far is answered.
void Jobs::State::wait_for_writes() {
  for (size_t open = writes; open != 0; open = writes) writes.wait(open);
}

// [lock held on entry, not after] Writes the record as it is now. The calls of the journal for one job follow each other, each with the newest state; they need not
// have been answered.
void Jobs::State::save(Record& r, std::unique_lock<std::mutex>& lock) {
  r.unsaved = true;
  if (std::exchange(r.saving, true)) return lock.unlock();
  write_unsaved(r, lock);
}

// [lock held on entry, not after; r.saving]
void Jobs::State::write_unsaved(Record& r, std::unique_lock<std::mutex>& lock) {
  const RecordPtr keep = r.shared_from_this();
  while (std::exchange(r.unsaved, false)) {
    const bool ends = r.now == JobState::kEnding;
    std::vector<JobJournal::Change> changes;
    changes.push_back({r.id, ends && !r.outlives_its_end() ? std::string() : job_record(r)});
    lock.unlock();
    take_forgotten(shard_of(r.id), changes);
    if (!write(std::move(changes), keep, ends)) return;  // send() goes on
    lock.lock();
  }
  r.saving = false;
  lock.unlock();
}

void Jobs::State::saved(Record& r, bool ends, Result<void> outcome) {
  std::unique_lock lock(r.mutex);
  if (r.acceptance == Record::Acceptance::kPending) {
    accepting.fetch_sub(1, std::memory_order_relaxed);
    if (!outcome) return withdraw(r, lock, std::move(outcome).error());
    settle(r, lock);
    if (r.durability == Durability::kDurable && !ends) {
      enter(r);
      preempt_for(r);
    }
    lock.lock();
  }
  if (!ends || r.now != JobState::kEnding) return;
  if (outcome || !r.is_kept()) return publish(r, lock);
  if (closed) return leave(r, lock);
  lanes.post_at(now_ns() + kWriteAgainNs, system, &r);
}

// [lock held on entry, not after] It was not accepted after all; it may run already.
void Jobs::State::withdraw(Record& r, std::unique_lock<std::mutex>& lock, Error why) {
  settle(r, lock, Error("not-written", "the job could not be written, and is not accepted", ErrorClass::kRetryable).because(std::move(why)));
  r.book->count(JobCount::kRejected);
  forget_key(r.idempotency_key(), r.id);
  lock.lock();
  if (r.now == JobState::kEnding) return publish(r, lock);
  if (r.durability == Durability::kDurable) return finish(r, lock, JobState::kCancelled, *r.rare->refusal, {});
  lock.unlock();
  cancel(r, Stop::kCancelled);
}

// Adds records that are not wanted any more to what is written anyway.
void Jobs::State::take_forgotten(Shard& shard, std::vector<JobJournal::Change>& changes) {
  std::lock_guard lock(shard.mutex);
  while (!shard.forgotten.empty() && changes.size() < kForgottenAtOnce) {
    changes.push_back({shard.forgotten.back()});
    shard.forgotten.pop_back();
  }
}

// The end of this start: the next one goes on right after the last id.
void Jobs::State::write_last_id() {
  if (journal) write({{0, own_record(boot, last_id)}}, nullptr, false);
}

// One that fails to be erased is erased by the next start that finds too many.
void Jobs::State::write_forgotten() {
  for (Shard& shard : shards) {
    for (;;) {
      std::vector<JobJournal::Change> changes;
      take_forgotten(shard, changes);
      if (changes.empty()) break;
      write(std::move(changes), nullptr, false);
    }
  }
}

// Ids up to some way after this one may be given from here on: a next start begins after them.
void Jobs::State::reserve_ids(JobId id) {
  JobId reserved;
  {
    std::lock_guard lock(mutex);
    if (id + kReservedIds / 2 <= reserved_id) return;
    reserved = reserved_id = id + kReservedIds;
  }
  write({{0, own_record(boot, reserved)}}, nullptr, false);
}

// Finds what runs it, and where; or says what is missing.
std::optional<Error> Jobs::State::find_function(Record& r, const std::string& type, const std::string& lane) {
  JobBook* const its_book = find_book(lane);
  if (!its_book) return Error("no-lane", "there is no lane \"" + lane + "\"", ErrorClass::kConfig);
  const auto* const its_type = types.find(type);
  if (!its_type) return Error("no-type", "nothing here runs jobs of type \"" + type + "\"", ErrorClass::kConfig);
  r.type = &its_type->name;
  r.lane_name = &its_book->name;
  r.function = &its_type->value;
  r.book = its_book;
  r.state = this;
  r.may_be_shed = true;
  r.run = &State::start;
  return std::nullopt;
}

// [r.mutex held]
void Jobs::State::strand(Record& r) {
  r.now = JobState::kStranded;
  std::lock_guard lock(mutex);
  stranded.emplace(r.id, r.shared_from_this());
}

void Jobs::State::unstrand(JobId id) {
  std::lock_guard lock(mutex);
  stranded.erase(id);
}

void Jobs::State::revive() {
  std::map<JobId, RecordPtr> all;
  {
    std::lock_guard lock(mutex);
    all.swap(stranded);
  }
  for (const auto& [id, record] : all) {
    std::unique_lock lock(record->mutex);
    if (record->now != JobState::kStranded || record->left) continue;
    if (auto missing = find_function(*record, *record->type, *record->lane_name)) {
      record->error = std::make_unique<const Error>(*std::move(missing));
      strand(*record);
      continue;
    }
    record->error.reset();
    record->now = JobState::kBlocked;
    lock.unlock();
    enter(*record);
  }
}

Result<Jobs::Restored> Jobs::State::restore(std::shared_ptr<JobJournal> from) {
  journal = std::move(from);
  Restored restored;
  std::vector<RecordPtr> active_ones, over_ones;
  JobId reserved = 0;
  auto read = journal->read([&](JobId id, std::string_view text) -> Result<void> {
    if (id == 0) {
      const Result<Value> own = Value::parse(text);
      if (!own || !own->find("boot") || !own->find("reserved_id")) return Error("bad-record", "the journal's own record is not what this program writes");
      boot = static_cast<uint64_t>(own->find("boot").as_int().value_or(0));
      reserved = static_cast<JobId>(own->find("reserved_id").as_int().value_or(0));
      return {};
    }
    const auto record = std::allocate_shared<Record>(PoolAllocator<Record>());
    record->id = id;
    const auto names = read_job_record(text, *record);
    if (!names) return Error("bad-record", "the record of job " + std::to_string(id) + " cannot be read").because(names.error());
    if (auto missing = find_function(*record, names->type, names->lane)) {
      record->state = this;
      record->type = &missing_names.add(names->type, {}).name;
      record->lane_name = &missing_names.add(names->lane, {}).name;
      if (!is_over(record->now)) record->error = std::make_unique<const Error>(*std::move(missing));
    }
    record->acceptance = Record::Acceptance::kAccepted;
    (is_over(record->now) ? over_ones : active_ones).push_back(record);
    last_id = std::max(last_id.load(), id);
    return {};
  });
  if (!read) return std::move(read).error();
  for (Shard& shard : shards) shard.jobs.reserve((active_ones.size() + over_ones.size()) / kShards + 1);
  for (const auto* records : {&active_ones, &over_ones}) {
    for (const RecordPtr& record : *records) {
      shard_of(record->id).jobs.insert(record->id, record);
      claim_key(record);
    }
  }
  ++boot;
  last_id = std::max(last_id.load(), reserved);
  reserved_id = last_id + kReservedIds;
  // On the medium before anything runs: no two starts have the same number, and so no two attempts the same fence.
  std::promise<Result<void>> written;
  journal->write({{0, own_record(boot, reserved_id)}}, [&](Result<void> outcome) { written.set_value(std::move(outcome)); });
  if (auto outcome = written.get_future().get(); !outcome) return std::move(outcome).error();

  std::sort(over_ones.begin(), over_ones.end(), [](const RecordPtr& a, const RecordPtr& b) { return a->ended_ms < b->ended_ms; });
  for (const RecordPtr& record : over_ones) keep_over(*record, record->now == JobState::kDead);
  restored.over = over_ones.size();
  taken_on = active_ones.size();
  std::map<std::string, size_t> missing;
  for (const RecordPtr& record : active_ones) {
    // What is not there any more was done before: had it failed, this one had been written as dead.
    for (size_t i = 0; record->rare && i < record->rare->after.size(); ++i) {
      if (RecordPtr other = find(record->rare->after[i])) record->rare->needs.push_back(std::move(other));
    }
    if (record->function) {
      ++restored.waiting;
      record->now = JobState::kBlocked;
      continue;
    }
    ++restored.stranded;
    ++missing[record->error->code == "no-lane" ? "lane \"" + *record->lane_name + "\"" : "type \"" + *record->type + "\""];
    strand(*record);
  }
  for (const auto& [what, count] : missing) restored.missing.push_back(what + " (" + std::to_string(count) + (count == 1 ? " job)" : " jobs)"));
  // Only now: a job that runs may submit others.
  for (const RecordPtr& record : active_ones) {
    if (record->function) enter(*record);
  }
  write_forgotten();
  return restored;
}

Result<Jobs::Restored> Jobs::restore(std::shared_ptr<JobJournal> journal) { return state_->restore(std::move(journal)); }

}  // namespace heddle
