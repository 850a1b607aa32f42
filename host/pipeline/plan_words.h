// What the plan for people and the plan as data share: the names of modes, and the ends of a connection.
#pragma once
#include <string>
#include <string_view>

#include "pipeline/pipeline.h"

namespace heddle {

// As in a manifest: "drop_newest", "by_key", "round_robin", "dead_letter".
std::string_view name_of(OnFull on_full);
std::string_view name_of(OrderMode order);
std::string_view name_of(MergeMode merge);
std::string_view name_of(OnError on_error);

// Whether the type's params have a member of this name.
bool has_param(const TypeDescriptor& type, std::string_view name);

// The port's name, "error" or, for the run's input, empty.
std::string from_port_of(const Pipeline& pipeline, const PipelineEdge& edge);
std::string to_port_of(const Pipeline& pipeline, const PipelineEdge& edge);

// Whether the stage hands items from node to node without a queue between them, and nothing in it runs more than once at a time.
bool is_inline(const PipelineStage& stage);

// Every text with the secrets replaced. Escaped, in a finished JSON text, one might not be recognised.
JsonNode without_secrets(JsonNode node);

}  // namespace heddle
