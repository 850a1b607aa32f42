// Tests only: a store of one of our plugins, through the host's own door, with answers that can be waited for.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "plugin/store_handle.h"
#include "value/service.h"

namespace heddle {

struct Put {
  std::string key, value;
};
struct Erase {
  std::string key;
};
struct Check {
  std::string key;
  uint64_t version;
};

inline heddle_bytes bytes_of(const std::string& s) { return {s.data(), s.size()}; }
inline heddle_write raw(const Put& w) { return {HEDDLE_PUT, bytes_of(w.key), bytes_of(w.value), 0}; }
inline heddle_write raw(const Erase& w) { return {HEDDLE_ERASE, bytes_of(w.key), {}, 0}; }
inline heddle_write raw(const Check& w) { return {HEDDLE_CHECK, bytes_of(w.key), {}, w.version}; }

inline std::string content(const Value& bytes) {
  heddle_view view{};
  view.struct_size = sizeof view;
  EXPECT_TRUE(value_service().get_view(bytes.get(), &view));
  return std::string(static_cast<const char*>(view.data), view.size);
}

// "key=value" per row.
inline std::vector<std::string> rows_of(const Result<Value>& page) {
  std::vector<std::string> out;
  EXPECT_TRUE(page) << page.error().text();
  const Value rows = page ? page->find("rows") : Value();
  for (size_t i = 0; rows && i < rows.size(); ++i) out.push_back(content(rows.at(i).at(0)) + "=" + content(rows.at(i).at(1)));
  return out;
}

class Answer {
 public:
  StoreHandle::Done done() {
    return [p = promise_](Result<Value> outcome) { p->set_value(std::move(outcome)); };
  }
  Result<Value> wait() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<Result<Value>>> promise_ = std::make_shared<std::promise<Result<Value>>>();
};

class OpenedStore {
 public:
  OpenedStore(const std::string& type, const std::string& params) {
    static const Catalog catalog = Catalog::scan({HEDDLE_OUR_PLUGINS});
    auto made = StoreHandle::create(catalog.find("store", type), "kept", *Value::parse(params), nullptr, LaneId{0});
    EXPECT_TRUE(made) << made.error().text();
    if (made) handle_ = std::move(*made);
  }
  ~OpenedStore() { close(); }

  Result<void> open() {
    auto outcome = handle_->activate();
    open_ = outcome.has_value();
    return outcome;
  }
  void close() {
    if (!std::exchange(open_, false)) return;
    EXPECT_TRUE(handle_->deactivate());
    EXPECT_EQ(handle_->faults(), 0u);
  }
  StoreHandle* operator->() { return handle_.get(); }

  template <class... Writes>
  Answer start(const Writes&... writes) {
    const heddle_write all[] = {raw(writes)...};
    Answer answer;
    handle_->commit(all, answer.done());
    return answer;
  }
  template <class... Writes>
  Result<Value> commit(const Writes&... writes) {
    return start(writes...).wait();
  }
  // The commit's number, or 0 with a test failure.
  template <class... Writes>
  uint64_t must(const Writes&... writes) {
    auto outcome = commit(writes...);
    EXPECT_TRUE(outcome) << outcome.error().text();
    return outcome ? static_cast<uint64_t>(outcome->as_int().value_or(0)) : 0;
  }
  Result<Value> get(const std::string& key) {
    Answer answer;
    handle_->get(key, answer.done());
    return answer.wait();
  }
  // "value@version", or the error's code.
  std::string seen(const std::string& key) {
    auto outcome = get(key);
    if (!outcome) return outcome.error().code;
    return content(outcome->at(0)) + "@" + std::to_string(*outcome->at(1).as_int());
  }
  std::string value(const std::string& key) {
    auto outcome = get(key);
    return outcome ? content(outcome->at(0)) : outcome.error().code;
  }
  Result<Value> scan(const StoreRange& range = {}) {
    Answer answer;
    handle_->scan(range, answer.done());
    return answer.wait();
  }

 private:
  std::unique_ptr<StoreHandle> handle_;
  bool open_ = false;
};

// A folder of one test's own.
class TestFolder {
 public:
  TestFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "heddle_store_XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  ~TestFolder() {
    std::error_code failed;
    std::filesystem::remove_all(path_, failed);
    EXPECT_FALSE(failed) << path_ << ": " << failed.message();
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string path_param(const std::string& path) { return R"({"path":")" + path + R"("})"; }

// The stores of ours, by type.
class EveryStore : public testing::TestWithParam<const char*> {
 protected:
  EveryStore() : store(GetParam(), std::string(GetParam()) == "Memory" ? "{}" : path_param(folder / "db")) {
    auto opened = store.open();
    EXPECT_TRUE(opened) << opened.error().text();
  }
  TestFolder folder;
  OpenedStore store;
};

}  // namespace heddle
