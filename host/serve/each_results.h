// Many items of one request, each executed as if it had been asked for alone, and the one answer that tells what came of each.
#pragma once
#include <string>
#include <vector>

#include "plugin/request.h"
#include "serve/control_state.h"
#include "serve/served_pipelines.h"

namespace heddle {

inline constexpr size_t kMostOfEach = 1024;  // items of a request

// [any] Answers `request` with parts {"results": [{"item", "outputs", "failed", "more"}]}: an item is over with the one result of it that says no "more". What comes within a few
// milliseconds goes together. A pipeline that keeps items apart by itself runs once, for all of them; else there is an execution for each. `chain`: see call_chain.h.
void answer_each(Control::State& control, ServedPipelinePtr pipeline, std::string chain, std::vector<Value> items, Request request);

}  // namespace heddle
