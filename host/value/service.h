// heddle.value/1 as a table over Value. Failures of its makers go to h->fail.
#pragma once
#include <heddle/value.h>

namespace heddle {

const heddle_value_service& value_service();

}  // namespace heddle
