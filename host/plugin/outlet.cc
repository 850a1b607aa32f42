#include "plugin/outlet.h"

namespace heddle {
namespace {

constexpr uint32_t kClosed = uint32_t{1} << 31;

}  // namespace

void Outlet::open(const heddle_transport* table, void* self) {
  table_ = table;
  self_ = self;
}

bool Outlet::enter() { return (calls_.fetch_add(1) & kClosed) == 0 && table_; }

void Outlet::leave() {
  if (calls_.fetch_sub(1) == (kClosed | 1)) calls_.notify_all();
}

void Outlet::close() {
  calls_.fetch_or(kClosed);
  for (uint32_t now = calls_; now != kClosed; now = calls_) calls_.wait(now);
}

}  // namespace heddle
