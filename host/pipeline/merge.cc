#include "pipeline/merge.h"

#include <algorithm>

#include "clock.h"

namespace heddle {
namespace {

// A join holds at most this many items that wait for a partner.
constexpr size_t kMaxWaiting = 65'536;

Value peek(const RawItem& item) { return Value::share(item.value); }

}  // namespace

InputMerge::InputMerge(Merge settings, std::vector<EdgeQueue*> queues, std::vector<EdgeBooks>& books, std::vector<uint32_t> edges)
    : settings_(std::move(settings)), queues_(std::move(queues)), books_(books), edges_(std::move(edges)) {}

InputMerge::~InputMerge() { drop_waiting(); }

InputMerge::State InputMerge::pull(size_t most, ItemList& out, uint64_t* wake_at) {
  *wake_at = 0;
  switch (settings_.mode) {
    case MergeMode::kRoundRobin: return pull_round_robin(most, out);
    case MergeMode::kBySequence: return pull_by_sequence(most, out);
    case MergeMode::kZip: return pull_zip(most, out);
    case MergeMode::kJoin: return pull_join(most, out, wake_at);
    case MergeMode::kArrival: break;
  }
  return pull_arrival(most, out, wake_at);
}

bool InputMerge::all_ended() const {
  return std::all_of(queues_.begin(), queues_.end(), [](EdgeQueue* q) {
    const auto look = q->look();
    return look.ended && look.items == 0;
  });
}

InputMerge::State InputMerge::pull_arrival(size_t most, ItemList& out, uint64_t* wake_at) {
  const size_t before = out.size();
  bool ended = true;
  for (size_t k = 0; k < queues_.size() && out.size() - before < most; ++k) {
    const size_t input = (next_ + k) % queues_.size();
    EdgeQueue& queue = *queues_[input];
    const BatchSettings& batch = queue.edge().batch;
    size_t room = most - (out.size() - before);
    if (batch.items > 0) {
      const auto look = queue.look();
      ended = ended && look.ended && look.items == 0;
      if (look.items == 0) continue;
      const uint64_t due = look.waiting_since + batch.linger_ms * kNsPerMs;
      if (look.items < batch.items && !look.ended && now_ns() < due) {
        if (*wake_at == 0 || due < *wake_at) *wake_at = due;
        continue;
      }
      room = std::min<size_t>(room, batch.items);
    }
    const size_t from = out.size();
    const bool was_ended = queue.look().ended;
    const size_t n = queue.pop(room, out);
    for (size_t i = from; i < out.size(); ++i) {
      out[i].edge = edges_[input];
      out[i].port = queue.edge().to_port;
    }
    ended = ended && was_ended && n < room;
    if (batch.items > 0 && n > 0) break;  // one batch is one call of process()
  }
  if (!queues_.empty()) next_ = (next_ + 1) % queues_.size();
  if (out.size() > before) return State::kItems;
  return ended ? State::kEnded : State::kNothing;
}

bool InputMerge::pop_one(size_t input, ItemList& out) {
  if (queues_[input]->pop(1, out) == 0) return false;
  out.back().edge = edges_[input];
  out.back().port = queues_[input]->edge().to_port;
  return true;
}

InputMerge::State InputMerge::pull_round_robin(size_t most, ItemList& out) {
  const size_t before = out.size();
  size_t ended_in_a_row = 0;
  while (out.size() - before < most && ended_in_a_row < queues_.size()) {
    const bool was_ended = queues_[next_]->look().ended;
    if (pop_one(next_, out)) {
      ended_in_a_row = 0;
    } else if (was_ended) {
      ++ended_in_a_row;
    } else {
      break;  // its turn, and it may still give one
    }
    next_ = (next_ + 1) % queues_.size();
  }
  if (out.size() > before) return State::kItems;
  return ended_in_a_row == queues_.size() ? State::kEnded : State::kNothing;
}

InputMerge::State InputMerge::pull_by_sequence(size_t most, ItemList& out) {
  const size_t before = out.size();
  std::vector<EdgeQueue::Look> looks;
  while (out.size() - before < most) {
    looks.clear();
    for (EdgeQueue* queue : queues_) looks.push_back(queue->look());
    size_t first = queues_.size();
    for (size_t i = 0; i < looks.size(); ++i) {
      if (looks[i].items > 0 && (first == queues_.size() || looks[i].first_sequence < looks[first].first_sequence)) first = i;
    }
    if (first == queues_.size()) {
      const bool ended = std::all_of(looks.begin(), looks.end(), [](const auto& look) { return look.ended; });
      return out.size() > before ? State::kItems : ended ? State::kEnded : State::kNothing;
    }
    // An empty input may still bring an earlier one, unless it has passed this sequence.
    const uint64_t sequence = looks[first].first_sequence;
    const bool safe = std::all_of(looks.begin(), looks.end(), [&](const auto& look) { return look.items > 0 || look.ended || look.passed >= sequence; });
    if (!safe) break;
    pop_one(first, out);
  }
  return out.size() > before ? State::kItems : State::kNothing;
}

RawItem InputMerge::combine(ItemList parts) {
  RawItem whole = parts.front();
  std::vector<Value> values;
  for (RawItem& part : parts) {
    EdgeBooks::add(books_[part.edge].out, 1);
    whole.sequence = std::min(whole.sequence, part.sequence);
    if (part.deadline_ns != 0 && (whole.deadline_ns == 0 || part.deadline_ns < whole.deadline_ns)) whole.deadline_ns = part.deadline_ns;
    values.push_back(Value::adopt(part.value));
  }
  whole.value = Value::list(std::move(values)).release();
  whole.edge = kNoEdge;
  whole.port = 0;
  return whole;
}

void InputMerge::unmatched(size_t input, RawItem item, std::string why) {
  EdgeBooks::add(books_[edges_[input]].failed, 1);
  unmatched_.push_back({item, Error("unmatched", std::move(why))});
}

std::vector<InputMerge::Unmatched> InputMerge::take_unmatched() { return std::exchange(unmatched_, {}); }

InputMerge::State InputMerge::pull_zip(size_t most, ItemList& out) {
  size_t made = 0;
  for (;;) {
    bool all = true, over = false;
    for (EdgeQueue* queue : queues_) {
      const auto look = queue->look();
      all = all && look.items > 0;
      over = over || (look.items == 0 && look.ended);
    }
    if (all && made < most) {
      ItemList parts;
      for (size_t i = 0; i < queues_.size(); ++i) pop_one(i, parts);
      out.push_back(combine(std::move(parts)));
      ++made;
      continue;
    }
    if (made > 0) return State::kItems;
    if (!over) return State::kNothing;
    // One input has ended: what the others still bring has no partner.
    for (size_t i = 0; i < queues_.size(); ++i) {
      ItemList rest;
      while (pop_one(i, rest)) unmatched(i, rest.back(), "no partner to zip with: another input has ended");
    }
    return all_ended() ? State::kEnded : State::kNothing;
  }
}

void InputMerge::expire(uint64_t now, bool all, uint64_t* wake_at) {
  for (auto it = partners_.begin(); it != partners_.end();) {
    const uint64_t due = settings_.timeout_ms == 0 ? UINT64_MAX : it->second.since + settings_.timeout_ms * kNsPerMs;
    if (!all && now < due) {
      if (due != UINT64_MAX && (*wake_at == 0 || due < *wake_at)) *wake_at = due;
      ++it;
      continue;
    }
    for (size_t input = 0; input < it->second.items.size(); ++input) {
      for (RawItem& item : it->second.items[input]) {
        --waiting_;
        unmatched(input, item, all ? "no partner to join with: the inputs have ended"
                                   : "no partner to join with within " + std::to_string(settings_.timeout_ms) + " ms");
      }
    }
    it = partners_.erase(it);
  }
}

InputMerge::State InputMerge::pull_join(size_t most, ItemList& out, uint64_t* wake_at) {
  size_t made = 0;
  const uint64_t now = now_ns();
  bool progress = true;
  while (progress && made < most) {
    progress = false;
    for (size_t input = 0; input < queues_.size() && made < most; ++input) {
      ItemList one;
      if (!pop_one(input, one)) continue;
      progress = true;
      const Value key = peek(one[0]).pointer(settings_.key);
      if (!key) {
        unmatched(input, one[0], "cannot be joined: it has no " + settings_.key);
        continue;
      }
      if (waiting_ >= kMaxWaiting) {
        unmatched(input, one[0], "cannot be joined: " + std::to_string(kMaxWaiting) + " items already wait for a partner");
        continue;
      }
      const std::string text = key.json();
      Partner& partner = partners_[text];
      if (partner.items.empty()) {
        partner.items.resize(queues_.size());
        partner.since = now;
      }
      partner.items[input].push_back(one[0]);
      ++waiting_;
      if (std::any_of(partner.items.begin(), partner.items.end(), [](const auto& items) { return items.empty(); })) continue;
      ItemList parts;
      bool none_left = true;
      for (auto& items : partner.items) {
        parts.push_back(items.front());
        items.pop_front();
        none_left = none_left && items.empty();
      }
      waiting_ -= parts.size();
      if (none_left) partners_.erase(text);
      out.push_back(combine(std::move(parts)));
      ++made;
    }
  }
  const bool ended = all_ended();
  expire(now, ended && made == 0, wake_at);
  if (made > 0) return State::kItems;
  return ended ? State::kEnded : State::kNothing;
}

void InputMerge::discard() {
  for (EdgeQueue* queue : queues_) queue->discard();
  drop_waiting();
}

void InputMerge::drop_waiting() {
  for (auto& [key, partner] : partners_) {
    for (auto& items : partner.items) {
      for (RawItem& item : items) {
        EdgeBooks::add_shared(books_[item.edge].dropped, 1);
        item.drop();
      }
    }
  }
  partners_.clear();
  waiting_ = 0;
  for (Unmatched& u : unmatched_) u.item.drop();
  unmatched_.clear();
}

void InputMerge::count_inside(std::vector<uint64_t>& per_edge) const {
  for (size_t i = 0; i < queues_.size(); ++i) per_edge[edges_[i]] += queues_[i]->look().items;
  for (const auto& [key, partner] : partners_) {
    for (const auto& items : partner.items) {
      for (const RawItem& item : items) ++per_edge[item.edge];
    }
  }
}

}  // namespace heddle
