// TaskJournal: the tasks of one worker in a store, with how far it has read the chain's events.
//
// Keys, each after the worker's own prefix: "act/ID/RUN" the record of a task that is not over, "result/ID/RUN" what it computed, "done/ID/RUN" the record of one that is, "cursor" the value
// that the next question for events goes on from.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "chain/task.h"
#include "plugin/store_handle.h"
#include "result.h"

namespace heddle {

class TaskJournal {
 public:
  using Done = std::function<void(Result<void>)>;

  // `store` is active as long as this lives.
  TaskJournal(StoreHandle& store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}

  // [any] All of it or nothing. `done`: when it is on the medium; any thread, perhaps before this returns; it must not block. `cursor`: empty: as it was.
  void write(const std::vector<Task>& tasks, const Value& cursor, Done done);

  struct Content {
    std::vector<Task> open;
    Value cursor = {};  // empty: there is none
  };
  // [start] What it has of tasks that are not over. One whose result is missing is worked on again: the chain takes one outcome of a run. Errors: what the store says, "bad-record".
  Result<Content> read();
  // [start] Of tasks that are over, the last ones, newest first.
  Result<std::vector<Task>> read_over(size_t most);
  // [start] Forgets tasks that are over, and ended before then. How many there were.
  Result<size_t> forget_over(uint64_t before_ms);

 private:
  using Row = std::function<Result<void>(std::string_view key, std::string_view value)>;
  Result<void> each(const std::string& begin, const Row& row);

  StoreHandle& store_;
  const std::string prefix_;
};

}  // namespace heddle
