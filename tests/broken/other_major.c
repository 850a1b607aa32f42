/* Built for ABI major 2: its note says so, and its entry symbol. */
#include "broken_node.h"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"broken_other_major\",\"version\":\"1.0.0\",\"abi\":[2,0]}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, "{\"node\":{\"name\":\"BrokenMajor\"},\"form\":\"of a later major\"}");

extern const heddle_entry heddle_entry_v2;
HEDDLE_EXPORT const heddle_entry heddle_entry_v2 = {sizeof(heddle_entry), 0, NULL, NULL, NULL};
