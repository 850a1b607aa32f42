// Program: a compiled jq program. libjq's values and state do not leave program.cc.
//
// Numbers become IEEE doubles on their way through libjq 1.6: an integer beyond 2^53 or a long decimal loses digits. So what only decides
// (Filter, Route) hands on the original value and not what came back from here.
#pragma once
#include <heddle/sdk.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace node_jq {

// One thread at a time, any thread. A run cannot be interrupted: a program that never ends keeps its thread.
class Program {
 public:
  // `vars`: an object of JSON text, whose members the program sees as $name. Throws Error (INVALID) with jq's message; `what` names the
  // program in it.
  Program(std::string_view what, const std::string& text, std::string_view vars_json);

  // Gives each output as JSON text to `take` until that answers false. Throws Error (INVALID) with jq's message where the program fails.
  void run(heddle::sdk::ValueRef input, const std::function<bool(std::string_view json)>& take);

  // Whether one of the outputs is neither false nor null; asks for no more of them than it takes to know.
  bool holds_for(heddle::sdk::ValueRef input);

 private:
  struct State;
  struct Close {
    void operator()(State* state) const;
  };
  // Where one output goes: true for more.
  template <class Take>
  void each(heddle::sdk::ValueRef input, Take take);

  std::unique_ptr<State, Close> state_;
};

}  // namespace node_jq
