// NameTable: what is found by its name. Names are added and never taken away, so looking one up takes no lock.
#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace heddle {

template <class T>
class NameTable {
 public:
  struct Named {
    const std::string name;
    T value;
  };

  NameTable() = default;
  ~NameTable() {
    for (auto& head : heads_) {
      for (Node* node = head; node;) delete std::exchange(node, node->next);
    }
  }
  NameTable(const NameTable&) = delete;
  NameTable& operator=(const NameTable&) = delete;

  // [any] Null: nothing has that name. What is found stays where it is.
  Named* find(std::string_view name) const {
    for (Node* node = head(name).load(std::memory_order_acquire); node; node = node->next) {
      if (node->named.name == name) return &node->named;
    }
    return nullptr;
  }

  // [one at a time] The first of a name stays.
  Named& add(std::string name, T value) {
    if (Named* const known = find(name)) return *known;
    std::atomic<Node*>& first = head(name);
    Node* const node = new Node{{std::move(name), std::move(value)}, first};
    first.store(node, std::memory_order_release);
    return node->named;
  }

  // [any] In no order.
  template <class Each>
  void each(Each each) const {
    for (const auto& head : heads_) {
      for (const Node* node = head.load(std::memory_order_acquire); node; node = node->next) each(node->named);
    }
  }

 private:
  struct Node {
    Named named;
    Node* const next;
  };
  static constexpr size_t kHeads = 1'024;
  std::atomic<Node*>& head(std::string_view name) const { return heads_[std::hash<std::string_view>()(name) % kHeads]; }

  mutable std::array<std::atomic<Node*>, kHeads> heads_{};
};

}  // namespace heddle
