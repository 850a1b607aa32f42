#include "value/json_write.h"

#include <vector>

#include "value/buffer.h"
#include "value/json_text.h"
#include "value/number.h"
#include "value/tensor.h"

namespace heddle {
namespace {

bool append_bytes(std::string& out, const heddle_view& view) {
  std::string copy;
  std::string_view bytes;
  if (!read_view(view, &copy, &bytes)) {
    out += "null";
    return false;
  }
  out.push_back('"');
  append_base64(out, bytes);
  out.push_back('"');
  return true;
}

void append_scalar(std::string& out, const heddle_value* v) {
  char number[kNumberRoom];
  switch (kind_of(v)) {
    case HEDDLE_BOOL:
      out += v->integer ? "true" : "false";
      break;
    case HEDDLE_INT:
      out.append(number, write_integer(number, v->integer));
      break;
    case HEDDLE_FLOAT:
      out.append(number, write_real(number, v->real));
      break;
    default:
      out += "null";
      break;
  }
}

bool is_made_container(const heddle_value* v) { return v->storage == Storage::kList || v->storage == Storage::kMap; }

// Appends a value that is no made container.
bool append_leaf(std::string& out, const heddle_value* v) {
  switch (v->storage) {
    case Storage::kText:
    case Storage::kMember:
      out.append(v->text, v->size);
      return true;
    case Storage::kString:
      if (kind_of(v) == HEDDLE_STRING) {
        append_quoted(out, v->view());
      } else {
        out.append(v->text, v->size);
      }
      return true;
    case Storage::kBytes:
      return append_bytes(out, static_cast<const BytesObject*>(v)->shown);
    case Storage::kTensor:
      return append_tensor(out, v);
    default:
      append_scalar(out, v);
      return true;
  }
}

// A made container on the way, and how many of its children are written or begun.
struct Open {
  const heddle_value* container;
  size_t done;
};

}  // namespace

bool append_json_of(std::string& out, const heddle_value* v) {
  if (!is_made_container(v)) return append_leaf(out, v);
  bool complete = true;
  std::vector<Open> parents;  // not the call stack: made values can be nested to any depth
  Open now{v, 0};
  for (;;) {
    const heddle_value* container = now.container;
    bool is_map = container->storage == Storage::kMap;
    if (now.done == container->size) {
      if (now.done == 0) out.push_back(is_map ? '{' : '[');
      out.push_back(is_map ? '}' : ']');
      if (parents.empty()) return complete;
      now = parents.back();
      parents.pop_back();
      continue;
    }
    const heddle_value* child;
    if (is_map) {
      auto* map = static_cast<const MapObject*>(container);
      append_key(out, now.done > 0 ? ',' : '{', map->key(now.done));
      child = map->entries()[now.done].value;
    } else {
      out.push_back(now.done > 0 ? ',' : '[');
      child = static_cast<const ListObject*>(container)->items()[now.done];
    }
    ++now.done;
    if (is_made_container(child)) {
      parents.push_back(now);
      now = {child, 0};
    } else {
      complete &= append_leaf(out, child);
    }
  }
}

}  // namespace heddle
