// equal(): are two values the same, whatever they are made of?
#pragma once
#include <heddle/sdk.h>

namespace heddle::node_std {

// Numbers by their exact value (1 equals 1.0), objects without regard to the order of their members. Tensors equal only themselves.
bool equal(sdk::ValueRef a, sdk::ValueRef b);

}  // namespace heddle::node_std
