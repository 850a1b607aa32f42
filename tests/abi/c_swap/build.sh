#!/bin/sh
# build.sh INCLUDE_FOLDER OUTPUT: builds the plugin as a stranger would, with one command line, and checks what it exports and needs, and
# that its note survives strip(1).
set -eu
here=$(dirname "$0")
mkdir -p "$(dirname "$2")"
${CC:-cc} -std=c11 -O2 -Wall -Wextra -pedantic -Werror -shared -fPIC -fvisibility=hidden -Wl,-z,defs -I"$1" "$here/swap.c" -o "$2"

exported=$(nm -D --defined-only "$2" | awk '$2 != "A" { print $3 }')
[ "$exported" = heddle_entry_v1 ] || { echo "$2 exports: $exported" >&2; exit 1; }
if nm -D --undefined-only "$2" | grep heddle_; then
  echo "$2 needs symbols of the host" >&2
  exit 1
fi

# Debian's packaging strips: the note must stay.
strip -o "$2.stripped" "$2"
readelf -n "$2.stripped" | grep -q '^  heddle' || { echo "the note of $2 does not survive strip" >&2; exit 1; }
rm "$2.stripped"
