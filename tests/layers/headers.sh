#!/usr/bin/env bash
# Each public header compiles alone, twice in one file, with warnings and with no library's include paths.
#
#   headers.sh COMPILER...
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile ROOT HEADER COMPILER...
compile() {
    local root=$1 header=$2
    shift 2
    printf '#include "%s"\n#include "%s"\nextern int not_empty;\n' "$header" "$header" >"$work/alone.c"
    "$@" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wundef -Wstrict-prototypes -Werror -I"$root" -fsyntax-only \
        "$work/alone.c"
}

cd "$ICFS_SOURCE_ROOT"
count=0
for header in {codec,fs,gpu,search,src}/*.h; do
    [[ -e $header && $header != *_priv.h ]] || continue
    if ! compile "$ICFS_SOURCE_ROOT" "$header" "$@"; then
        echo "$header does not compile alone"
        exit 1
    fi
    count=$((count + 1))
done
[ "$count" -ge 10 ] || { echo "only $count headers found"; exit 1; }

# The check sees a header that leans on what its users include.
echo 'void lean(uint8_t);' >"$work/leaning.h"
if compile "$work" leaning.h "$@" 2>/dev/null; then
    echo 'a header that does not stand alone was accepted'
    exit 1
fi
