// For tests of plugins that use gRPC.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <mutex>

namespace heddle {

// gRPC's threads may be on their way out when everything of it has been shut down, with what they are about to free: what they still hold then is not lost.
class UntilTheThreadsHaveGone : public ::testing::Environment {
 public:
  void TearDown() override {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable never;
    const auto are_there = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}) > 1; };
    for (int i = 0; i < 1000 && are_there(); ++i) never.wait_for(lock, std::chrono::milliseconds(10));
  }
};

}  // namespace heddle
