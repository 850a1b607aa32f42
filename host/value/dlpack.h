// The structures of DLPack 1.x, as its specification lays them out; only what the host needs.
#pragma once
#include <cstdint>

struct DLPackVersion {
  uint32_t major, minor;
};

struct DLDevice {
  int32_t device_type;
  int32_t device_id;
};

struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};

struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: compact, row by row
  uint64_t byte_offset;
};

struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned* self);
  uint64_t flags;
  DLTensor dl_tensor;
};

namespace heddle::dlpack {

enum Device : int32_t { kCpu = 1, kCudaHost = 3, kRocmHost = 11, kCudaManaged = 13 };
enum Code : uint8_t { kInt = 0, kUint = 1, kFloat = 2, kOpaque = 3, kBfloat = 4, kComplex = 5, kBool = 6 };
inline constexpr uint64_t kReadOnly = 1;

}  // namespace heddle::dlpack
