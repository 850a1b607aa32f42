#!/bin/sh
# headers_compile.sh INCLUDE_FOLDER: every header of plugin-api compiles alone, in every language and with every compiler that is promised, and so
# does a plugin's use of its macros.
set -eu
include=$1
here=$(dirname "$0")
compilers=0
for pair in gcc:g++ clang:clang++; do
  c=${pair%:*} cxx=${pair#*:}
  command -v "$c" >/dev/null && command -v "$cxx" >/dev/null || continue
  compilers=$((compilers + 1))
  check() { # check NAME LANGUAGE: compiles standard input
    case $2 in
      c++*) compiler=$cxx form=c++ ;;
      *) compiler=$c form=c ;;
    esac
    "$compiler" -x $form -std="$2" -Wall -Wextra -pedantic -Werror -I"$include" -fsyntax-only - ||
      { echo "$1 does not compile as $2 with $compiler" >&2; exit 1; }
  }
  for language in c11 c17 c++17 c++20; do
    check macros.c $language <"$here/macros.c"
  done
  for header in "$include"/heddle/*.h "$include"/heddle/draft/*.h; do
    name=heddle/${header#"$include"/heddle/}
    for language in c11 c17 c++17 c++20; do
      # Twice: the include guard is part of the promise.
      printf '#include <%s>\n#include <%s>\n' "$name" "$name" | check "$name" $language
    done
  done
done
[ $compilers -gt 0 ] || { echo "no compiler found" >&2; exit 1; }
echo "headers compile with $compilers compilers"
