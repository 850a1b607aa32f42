// What the writing nodes share: one file per activation, which is ended by finish, or, where a run is stopped before that, by deactivate.
#pragma once
#include <heddle/sdk.h>

#include <memory>
#include <string>
#include <utility>

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

  void process(heddle::sdk::Call& call) {
    text_.clear();
    format_.write(call.input(), text_);
    file_->add(text_);
    call.complete();
  }

  void finish(heddle::sdk::Call& call) {
    end();
    call.complete();
  }

  void deactivate() { end(); }

 private:
  void end() {
    if (const auto file = std::move(file_)) file->commit();
  }

  OutputOptions options_;
  Format format_;
  std::unique_ptr<OutputFile> file_;
  std::string text_;
};

}  // namespace node_file
