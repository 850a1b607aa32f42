// Outside: what nodes of this process may have done elsewhere: other hosts, and worker processes.
#pragma once
#include <memory>

#include "plugin/peers.h"
#include "plugin/sidecars.h"

namespace heddle {

struct Outside {
  Outside(Lanes& lanes, const std::shared_ptr<const Catalog>& catalog) : peers(lanes, catalog), sidecars(lanes, catalog) {}
  // [any] Plugins that are not in use yet come from this one.
  void use(const std::shared_ptr<const Catalog>& catalog) {
    peers.use(catalog);
    sidecars.use(catalog);
  }

  Peers peers;
  Sidecars sidecars;
};

}  // namespace heddle
