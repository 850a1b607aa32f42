// Source: which pipeline runs at the other hosts: one that they serve, or one whose manifest goes along with each item, known here or fetched first.
#pragma once
#include <heddle/sdk.h>

#include <string>
#include <string_view>

namespace node_remote {

struct Source {
  std::string name = {};              // that it is served under; empty: a manifest goes along
  heddle::sdk::Value manifest = {};   // that goes along; empty: none, or not yet
  std::string url = {};               // where that is fetched; empty: nowhere
  std::string authorization = {};     // for the url; a secret

  bool is_sent() const { return manifest || !url.empty(); }
};

// From "manifest_source", or the words of the older family. Throws Error where they contradict each other, or name what is no source.
Source read_source(heddle::sdk::ValueRef params);

// A MAP, or the STRING that is its JSON. `what` says in messages what it is. Throws Error for anything else.
heddle::sdk::Value read_manifest(heddle::sdk::ValueRef manifest, std::string_view what);
// What it calls itself; "a manifest" where it does not.
std::string name_of(heddle::sdk::ValueRef manifest);

}  // namespace node_remote
