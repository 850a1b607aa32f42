// JobStore: the journal of durable jobs in a store: one key a job, "job/" and its id in 16 hexadecimal digits.
#pragma once
#include <atomic>
#include <string>

#include "lanes/job_journal.h"
#include "plugin/store_handle.h"

namespace heddle {

class JobStore : public JobJournal {
 public:
  // `store` is active, and stays so as long as this is used.
  explicit JobStore(StoreHandle& store) : store_(store) {}
  void write(std::vector<Change> changes, Done done) override;
  Result<void> read(const std::function<Result<void>(JobId id, std::string_view record)>& each) override;

 private:
  void outcome(const Result<Value>& answer);

  StoreHandle& store_;
  std::atomic<bool> failing_{false};  // the log has said so
};

}  // namespace heddle
