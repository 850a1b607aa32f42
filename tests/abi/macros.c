/* The macros of the headers in use; compiled as C and as C++. */
#include <heddle/heddle.h>

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"macros\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI "}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, "{\"node\":\"Macros\",\"params\":{}}");

int has_resume(const heddle_node *table);
int has_resume(const heddle_node *table) { return HEDDLE_HAS(table, resume) ? 1 : 0; }
