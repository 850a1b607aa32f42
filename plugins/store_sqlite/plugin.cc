#include <heddle/sdk/store.h>

#include "database.h"

HEDDLE_PLUGIN("store_sqlite", "0.1.0", "Apache-2.0", "A store in one SQLite file", R"("package":"heddle-plugins-base")");

namespace store_sqlite {

HEDDLE_STORE(Database, "Sqlite", R"("summary":"Ordered keys in one SQLite file; a commit is on the disk when it is answered",
"params":{"type":"object","required":["path"],"additionalProperties":false,"properties":{
"path":{"type":"string","minLength":1,"description":"the file; made if there is none. Beside it lie path-wal and, while it is in use, path-lock"}}})");

}  // namespace store_sqlite
