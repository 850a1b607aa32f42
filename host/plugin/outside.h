// Outside: what nodes of this process may have done elsewhere: other hosts, worker processes, and chains.
#pragma once
#include <memory>

#include "plugin/chains.h"
#include "plugin/peers.h"
#include "plugin/sidecars.h"

namespace heddle {

struct Outside {
  Outside(Lanes& lanes, const std::shared_ptr<const Catalog>& catalog) : peers(lanes, catalog), sidecars(lanes, catalog), chains(lanes, catalog) {}
  // [any] Plugins that are not in use yet come from this one.
  void use(const std::shared_ptr<const Catalog>& catalog) {
    peers.use(catalog);
    sidecars.use(catalog);
    chains.use(catalog);
  }

  Peers peers;
  Sidecars sidecars;
  Chains chains;
};

}  // namespace heddle
