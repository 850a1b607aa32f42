#include "value/service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <heddle/host.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "value/dlpack.h"
#include "value/value.h"

namespace heddle {
namespace {

const heddle_value_service& s = value_service();

struct Failure {
  heddle_status status = HEDDLE_OK;
  std::string why;
};

Failure last_failure;

class Table : public testing::Test {
 protected:
  Table() {
    last_failure = {};
    host_.struct_size = sizeof host_;
    host_.fail = [](const heddle_host*, heddle_status status, heddle_str why, const heddle_value*) noexcept {
      last_failure = {status, std::string(why.ptr, why.len)};
    };
  }

  const heddle_host* h() const { return &host_; }
  void expect_failure(const void* made, heddle_status status, const char* why) {
    EXPECT_EQ(made, nullptr);
    EXPECT_EQ(last_failure.status, status);
    EXPECT_EQ(last_failure.why, why);
    last_failure = {};
  }

  static heddle_str str(std::string_view text) { return {text.data(), text.size()}; }
  static std::string json_of(const heddle_value* v) {
    heddle_str out{};
    EXPECT_TRUE(s.json(v, &out));
    return {out.ptr, out.len};
  }

  heddle_host host_{};
};

TEST_F(Table, MakesAndShowsEveryKind) {
  heddle_str keys[] = {str("input"), str("counter"), str("node")};
  heddle_value* items[] = {s.make_json(h(), str(" {\"a\": [1, 2]} ")), s.make_int(h(), 7), s.make_string(h(), str("Echo"))};
  Value map = Value::adopt(s.make_map(h(), keys, items, 3));
  EXPECT_EQ(json_of(map.get()), "{\"input\":{\"a\": [1, 2]},\"counter\":7,\"node\":\"Echo\"}");
  heddle_str first{}, again{};
  EXPECT_TRUE(s.json(map.get(), &first) && s.json(map.get(), &again));
  EXPECT_EQ(first.ptr, again.ptr);  // made once
  EXPECT_EQ(s.length(map.get()), 3u);
  heddle_str key{};
  const heddle_value* counter = s.at(map.get(), 1, &key);
  EXPECT_EQ(std::string(key.ptr, key.len), "counter");
  int64_t i = 0;
  EXPECT_TRUE(s.get_int(counter, &i));
  EXPECT_EQ(i, 7);
  EXPECT_EQ(s.find(map.get(), str("counter")), counter);
  EXPECT_EQ(s.find(map.get(), str("nobody")), nullptr);
  EXPECT_EQ(s.at(map.get(), 3, nullptr), nullptr);
  heddle_value* elements[] = {s.make_null(h()), s.make_bool(h(), true), s.make_float(h(), 0.5), s.make_decimal(h(), str("1e400"))};
  Value list = Value::adopt(s.make_list(h(), elements, 4));
  EXPECT_EQ(json_of(list.get()), "[null,true,0.5,1e400]");
  bool b = false;
  EXPECT_TRUE(s.get_bool(s.at(list.get(), 1, nullptr), &b));
  EXPECT_TRUE(b);
  EXPECT_FALSE(s.get_bool(list.get(), &b));
  heddle_str text{};
  EXPECT_TRUE(s.get_text(s.at(list.get(), 3, nullptr), &text));
  EXPECT_EQ(std::string(text.ptr, text.len), "1e400");
  const char* const written[] = {"null", "true", "0.5", "1e400"};
  for (size_t n = 0; n < 4; ++n) EXPECT_EQ(json_of(s.at(list.get(), n, nullptr)), written[n]);
}

TEST_F(Table, FailuresSayWhyAndLeaveWhatWasGiven) {
  expect_failure(s.make_float(h(), NAN), HEDDLE_INVALID, "NaN is no number of JSON");
  expect_failure(s.make_string(h(), str("\xFF")), HEDDLE_INVALID, "the text is not UTF-8");
  expect_failure(s.make_decimal(h(), str("1,5")), HEDDLE_INVALID, "\"1,5\" is no number of JSON");
  expect_failure(s.make_json(h(), str("{\"a\":\n!}")), HEDDLE_INVALID, "line 2, column 1: expected a value");
  expect_failure(s.make_json(h(), {nullptr, 0}), HEDDLE_INVALID, "line 1, column 1: there is no JSON value");
  Value kept = Value::integer(5);
  heddle_value* items[] = {kept.get(), kept.get()};
  heddle_str keys[] = {str("k"), str("k")};
  expect_failure(s.make_map(h(), keys, items, 2), HEDDLE_INVALID, "the key \"k\" comes twice");
  EXPECT_EQ(kept.as_int(), 5);
  items[1] = nullptr;
  expect_failure(s.make_list(h(), items, 2), HEDDLE_INVALID, "an element of the list is missing");
  expect_failure(s.alloc(h(), 8, 3, nullptr), HEDDLE_INVALID, "the alignment is no power of two");
  expect_failure(s.alloc(h(), UINT64_MAX, 0, nullptr), HEDDLE_EXHAUSTED, "out of memory");
  expect_failure(s.make_tensor(h(), nullptr), HEDDLE_INVALID, "there is no tensor");
  const heddle_str nowhere{nullptr, 4711};
  expect_failure(s.make_string(h(), nowhere), HEDDLE_INVALID, "the text has a length, and lies nowhere");
  EXPECT_EQ(s.make_json(h(), nowhere), nullptr);
  EXPECT_EQ(s.make_decimal(h(), nowhere), nullptr);
  EXPECT_EQ(s.make_map(h(), &nowhere, items, 1), nullptr);
  EXPECT_EQ(s.make_float(nullptr, NAN), nullptr);  // nobody to tell
}

TEST_F(Table, BytesAreFilledInPlace) {
  void* writable = nullptr;
  heddle_buffer* buffer = s.alloc(h(), 5, 4096, &writable);
  ASSERT_NE(buffer, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(writable) % 4096, 0u);
  std::memcpy(writable, "hello", 5);
  expect_failure(s.make_bytes(h(), buffer, 3, 3), HEDDLE_INVALID, "the bytes are not inside the buffer");
  Value v = Value::adopt(s.make_bytes(h(), buffer, 1, 3));
  heddle_view view{};
  view.struct_size = sizeof view;
  ASSERT_TRUE(s.get_view(v.get(), &view));
  EXPECT_EQ(view.data, static_cast<char*>(writable) + 1);
  EXPECT_EQ(view.size, 3u);
  EXPECT_EQ(view.fd, -1);
  EXPECT_EQ(json_of(v.get()), "\"ZWxs\"");
  EXPECT_EQ(s.length(v.get()), 3u);
  s.drop_buffer(s.alloc(h(), 0, 0, nullptr));
}

TEST_F(Table, WrappedMemoryIsGivenBackOnce) {
  int freed = 0;
  char memory[] = "abc";
  heddle_view view{sizeof view, HEDDLE_MEM_CPU, 0, -1, memory, 3, 0};
  auto free_fn = [](void* count) noexcept { ++*static_cast<int*>(count); };
  Value v = Value::adopt(s.make_bytes(h(), s.wrap(h(), &view, free_fn, &freed), 0, 3));
  EXPECT_EQ(json_of(v.get()), "\"YWJj\"");
  Value list = Value::list({v});
  v = Value();
  EXPECT_EQ(freed, 0);
  list = Value();
  EXPECT_EQ(freed, 1);
  s.drop_buffer(s.wrap(h(), &view, free_fn, &freed));
  EXPECT_EQ(freed, 2);
  heddle_view nowhere{sizeof nowhere, HEDDLE_MEM_CPU, 0, -1, nullptr, 3, 0};
  expect_failure(s.wrap(h(), &nowhere, free_fn, &freed), HEDDLE_INVALID, "the view shows no memory");
  EXPECT_EQ(freed, 2);
}

TEST_F(Table, BytesBehindADescriptorAreRead) {
  int fd = ::memfd_create("bytes", 0);
  ASSERT_EQ(::write(fd, "0123456789", 10), 10);
  heddle_view view{sizeof view, HEDDLE_MEM_FD, 0, fd, nullptr, 8, 2};
  Value v = Value::adopt(s.make_bytes(h(), s.wrap(h(), &view, nullptr, nullptr), 1, 3));
  EXPECT_EQ(json_of(v.get()), "\"MzQ1\"");
  EXPECT_TRUE(v == Value::bytes("345"));
  ::close(fd);
  Value unreadable = Value::adopt(s.make_bytes(h(), s.wrap(h(), &view, nullptr, nullptr), 1, 3));
  heddle_str out{};
  EXPECT_FALSE(s.json(unreadable.get(), &out));
  EXPECT_EQ(unreadable.json(), "null");
}

// A 2 × 3 tensor of floats in a foreign library's hands.
struct Foreign {
  float data[6] = {1, 2.5, -3, NAN, 0.1f, 6};
  int64_t shape[2] = {2, 3};
  int64_t strides[2] = {1, 2};
  int deleted = 0;
  DLManagedTensorVersioned managed{};

  explicit Foreign(bool strided) {
    managed.version = {1, 0};
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensorVersioned* t) { ++static_cast<Foreign*>(t->manager_ctx)->deleted; };
    managed.dl_tensor = {data, {dlpack::kCpu, 0}, 2, {dlpack::kFloat, 32, 1}, shape, strided ? strides : nullptr, 0};
  }
};

TEST_F(Table, BytesThatNobodyCanReadAreNullAndNoMemoryIsLookedAt) {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC), file = ::memfd_create("small", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(file, 16), 0);
  void* const wild = reinterpret_cast<void*>(16);
  const heddle_view views[] = {
      {sizeof(heddle_view), HEDDLE_MEM_FD, 0, nothing, nullptr, uint64_t{1} << 60, 0}, {sizeof(heddle_view), HEDDLE_MEM_FD, 0, file, nullptr, uint64_t{1} << 60, 0},
      {sizeof(heddle_view), HEDDLE_MEM_FD, 0, file, nullptr, 8, 12},                   {sizeof(heddle_view), HEDDLE_MEM_FD, 0, file, nullptr, 8, UINT64_MAX - 4},
      {sizeof(heddle_view), HEDDLE_MEM_FD, 0, 1'000'000, nullptr, 16, 0},              {sizeof(heddle_view), HEDDLE_MEM_DEVICE, 0, -1, wild, 16, 0},
      {sizeof(heddle_view), 4711, 0, -1, wild, 16, 0}};
  for (const heddle_view& view : views) {
    const Value v = Value::adopt(s.make_bytes(h(), s.wrap(h(), &view, nullptr, nullptr), 0, view.size));
    EXPECT_EQ(v.json(), "null");
    EXPECT_FALSE(v.as_bytes());
  }
  ASSERT_EQ(::ftruncate(file, off_t{1} << 50), 0);  // a file with nothing in it, larger than memory
  const heddle_view sparse{sizeof(heddle_view), HEDDLE_MEM_FD, 0, file, nullptr, uint64_t{1} << 50, 0};
  EXPECT_EQ(Value::adopt(s.make_bytes(h(), s.wrap(h(), &sparse, nullptr, nullptr), 0, sparse.size)).json(), "null");
  ::close(nothing);
  ::close(file);
}

TEST_F(Table, TensorsShareTheirMemoryAndAreGivenBackOnce) {
  Foreign foreign(false);
  Value v = Value::adopt(s.make_tensor(h(), &foreign.managed));
  ASSERT_TRUE(v);
  EXPECT_EQ(v.kind(), HEDDLE_TENSOR);
  EXPECT_EQ(json_of(v.get()), "{\"dtype\":\"float32\",\"shape\":[2,3],\"data\":[1,2.5,-3,null,0.1,6]}");
  EXPECT_GE(v.weight(), sizeof foreign.data);
  DLManagedTensorVersioned* shown = nullptr;
  ASSERT_TRUE(s.export_tensor(v.get(), &shown));
  EXPECT_EQ(shown->dl_tensor.data, foreign.data);
  EXPECT_TRUE(shown->flags & dlpack::kReadOnly);
  v = Value();
  EXPECT_EQ(foreign.deleted, 0);
  shown->deleter(shown);
  EXPECT_EQ(foreign.deleted, 1);
}

TEST_F(Table, StridedTensorsAreWrittenRowByRow) {
  Foreign foreign(true), same(true), other(false);
  Value v = Value::adopt(s.make_tensor(h(), &foreign.managed));
  EXPECT_EQ(json_of(v.get()), "{\"dtype\":\"float32\",\"shape\":[2,3],\"data\":[1,-3,0.1,2.5,null,6]}");
  EXPECT_TRUE(v == Value::adopt(s.make_tensor(h(), &same.managed)));
  EXPECT_FALSE(v == Value::adopt(s.make_tensor(h(), &other.managed)));
}

TEST_F(Table, TensorsOfOtherTypes) {
  Foreign foreign(false);
  auto written = [&](DLDataType type, const void* data, int64_t count) {
    int64_t shape[] = {count};
    foreign.managed.dl_tensor.dtype = type;
    foreign.managed.dl_tensor.data = const_cast<void*>(data);
    foreign.managed.dl_tensor.shape = shape;
    foreign.managed.dl_tensor.ndim = 1;
    return json_of(Value::adopt(s.make_tensor(h(), &foreign.managed)).get());
  };
  const int8_t bytes[] = {-1, 0, 1};
  EXPECT_EQ(written({dlpack::kInt, 8, 1}, bytes, 3), "{\"dtype\":\"int8\",\"shape\":[3],\"data\":[-1,0,1]}");
  EXPECT_EQ(written({dlpack::kUint, 8, 1}, bytes, 1), "{\"dtype\":\"uint8\",\"shape\":[1],\"data\":[255]}");
  EXPECT_EQ(written({dlpack::kBool, 8, 1}, bytes, 2), "{\"dtype\":\"bool\",\"shape\":[2],\"data\":[true,false]}");
  const uint16_t halves[] = {0x3C00, 0xC000, 0x7C00, 0x0001};
  EXPECT_EQ(written({dlpack::kFloat, 16, 1}, halves, 4), "{\"dtype\":\"float16\",\"shape\":[4],\"data\":[1,-2,null,5.9604645e-08]}");
  const uint16_t brains[] = {0x3F80, 0xC040};
  EXPECT_EQ(written({dlpack::kBfloat, 16, 1}, brains, 2), "{\"dtype\":\"bfloat16\",\"shape\":[2],\"data\":[1,-3]}");
  EXPECT_EQ(written({dlpack::kComplex, 64, 1}, bytes, 0), "{\"dtype\":\"complex64\",\"shape\":[0],\"data\":\"\"}");
  EXPECT_EQ(written({dlpack::kInt, 8, 3}, bytes, 1), "{\"dtype\":\"int8x3\",\"shape\":[1],\"data\":\"/wAB\"}");
}

TEST_F(Table, UnsoundTensorsAreRefusedAndNotConsumed) {
  Foreign foreign(false);
  foreign.managed.version.major = 2;
  expect_failure(s.make_tensor(h(), &foreign.managed), HEDDLE_INVALID, "the tensor is not of DLPack 1");
  foreign.managed.version.major = 1;
  foreign.shape[0] = -1;
  expect_failure(s.make_tensor(h(), &foreign.managed), HEDDLE_INVALID, "the tensor has a negative extent");
  foreign.shape[0] = INT64_MAX;
  foreign.shape[1] = INT64_MAX;
  expect_failure(s.make_tensor(h(), &foreign.managed), HEDDLE_INVALID, "the tensor is larger than memory can be");
  EXPECT_EQ(foreign.deleted, 0);
}

}  // namespace
}  // namespace heddle
