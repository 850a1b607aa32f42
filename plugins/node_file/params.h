// Pieces of descriptors that several types share, and what reads them.
#pragma once
#include <heddle/sdk.h>

#include <string>

// JSON Schema members, to be joined with commas.
#define NODE_FILE_PATH R"("path":{"type":"string","minLength":1,"description":"The file."})"
#define NODE_FILE_MAX_LINE                                                                                       \
  R"("max_line_bytes":{"type":"integer","minimum":1,"maximum":2147483648,"default":268435456,"description":"A )" \
  R"(longer line is not kept in memory: it leaves by the port \"bad\"."})"
#define NODE_FILE_SINK                                                                                        \
  NODE_FILE_PATH                                                                                              \
  ","                                                                                                         \
  R"("append":{"type":"boolean","default":false,"description":"Add to the file instead of replacing it."})"   \
  ","                                                                                                         \
  R"("gzip":{"type":"boolean","description":"Compress. Default: true if the path ends in .gz, else false."})" \
  ","                                                                                                         \
  R"("sync":{"type":"boolean","default":false,"description":"Wait at the end until the data are on the disk (fsync)."})"

// The rest of the descriptors of sources and sinks.
#define NODE_FILE_SOURCE_SHAPE R"("inputs":[],"outputs":[{"name":"out"},{"name":"bad","failures":true}],"lane":"blocking","max_in_flight":1)"
#define NODE_FILE_SINK_SHAPE R"("outputs":[],"lane":"blocking","max_batch":1024)"

namespace node_file {

inline size_t max_line_bytes(const heddle::sdk::Config& config) { return config.get<size_t>("max_line_bytes", size_t{256} << 20); }

// The param "delimiter" of the CSV types.
inline char delimiter_of(const heddle::sdk::Config& config) {
  const std::string text = config.get<std::string>("delimiter", ",");
  if (text.size() != 1 || text == "\"" || text == "\n" || text == "\r")
    throw heddle::sdk::Error(HEDDLE_INVALID, "the param \"delimiter\" is one ASCII character, not a quote or a line end");
  return text[0];
}

}  // namespace node_file
