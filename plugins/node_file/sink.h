// What the writing nodes share: one file per activation, which is ended by finish, or, where a run is stopped before that, by deactivate.
#pragma once
#include <heddle/sdk.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "output_file.h"

namespace node_file {

inline OutputOptions output_options(const heddle::sdk::Config& config) {
  OutputOptions options;
  options.path = config.get<std::string>("path");
  options.append = config.get<bool>("append", false);
  options.gzip = config.get<bool>("gzip", options.path.ends_with(".gz"));
  options.sync = config.get<bool>("sync", false);
  return options;
}

// Format: a constructor from Config; begin(bool file_is_empty); write(ValueRef, std::string& out), which throws Error for a value that it
// cannot write and has then not changed anything.
template <class Format>
class Sink {
 public:
  explicit Sink(const heddle::sdk::Config& config) : options_(output_options(config)), format_(config) {}

  void activate() {
    file_ = std::make_unique<OutputFile>(options_);
    format_.begin(file_->was_empty());
  }

  // A call is complete once its bytes are written: as many calls as possible with one write.
  void process(std::span<heddle::sdk::Call> calls) {
    waiting_.clear();
    file_->drop_buffer();  // of a batch that ended in an exception
    for (heddle::sdk::Call& call : calls) {
      try {
        text_.clear();
        format_.write(call.input(), text_);
      } catch (const heddle::sdk::Error& refused) {
        call.fail(refused.status(), refused.what());
        continue;
      }
      waiting_.push_back(&call);
      file_->add(text_);
      if (file_->is_full()) answer();
    }
    answer();
  }

  void finish(heddle::sdk::Call& call) {
    end();
    call.complete();
  }

  void deactivate() { end(); }

 private:
  // Writes, and answers the calls that waited for it.
  void answer() {
    const size_t written = file_->flush();
    for (size_t i = 0; i < waiting_.size(); ++i) {
      if (i < written)
        waiting_[i]->complete();
      else
        waiting_[i]->fail(file_->failure()->status(), file_->failure()->what());
    }
    waiting_.clear();
  }

  void end() {
    if (const auto file = std::move(file_)) file->commit();
  }

  OutputOptions options_;
  Format format_;
  std::unique_ptr<OutputFile> file_;
  std::string text_;
  std::vector<heddle::sdk::Call*> waiting_;  // for their bytes to be written
};

}  // namespace node_file
