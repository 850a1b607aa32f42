/* Notes, and no code behind them. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_no_entry");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR("BrokenNoEntry", ""));
