#!/usr/bin/env bash
# libic as a stranger meets it: installed, found by pkg-config, and README's program compiled against it and run.
#
#   test-libic.sh ICFS MKIMAGES COMPILER...
set -euo pipefail
icfs=$(realpath "$1") mkimages=$(realpath "$2")
shift 2
for tool in pkg-config meson readelf nm; do
    command -v "$tool" >/dev/null || { echo "SKIP: no $tool"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

meson install -C "$ICFS_BUILD_ROOT" --no-rebuild --destdir "$work/root" >install.log
pc=$(find root -name libic.pc)
[ -n "$pc" ] || { echo 'no libic.pc was installed'; exit 1; }
export PKG_CONFIG_PATH=$work/${pc%/*} PKG_CONFIG_SYSROOT_DIR=$work/root
read -ra cflags < <(pkg-config --cflags libic)
read -ra libs < <(pkg-config --libs libic)
library=$(find root -name 'libic.so.*.*')
export LD_LIBRARY_PATH=$work/${library%/*}

# A versioned name, and nothing needed but the C library.
readelf -d "$library" >dynamic
grep -q 'SONAME.*\[libic\.so\.[0-9]*\]' dynamic
grep NEEDED dynamic | grep -v 'libc\.so\|ld-linux\|libpthread\|libgcov' && { echo 'libic needs more than libc'; exit 1; }

# compare LIBRARY LEAST HEADER...: what it exports is what these declare, all of it and no more, and so many at least.
compare() {
    sed -n 's/^IC_API .*[ *]\(ic_[a-z0-9_]*\)(.*/\1/p' "${@:3}" | sort >declared
    nm -D --defined-only "$1" | awk '{ print $3 }' | sort >exported
    diff -u declared exported
    [ "$(wc -l <declared)" -ge "$2" ]
}

folder=$(dirname "$(find root -name tensor.h)")
headers=("$folder"/*.h)
gpu=$(find root -name 'libic_gpu.so.*.*')
for header in "${headers[@]}"; do
    [ "${header##*/}" = gpu.h ] || own+=("$header")
done
compare "$library" 30 "${own[@]}"
if [ -n "$gpu" ]; then
    compare "$gpu" 10 "$folder/gpu.h"
    pkg-config --exists libic_gpu
fi

# Each header alone, in C and, where there is a compiler for it, C++.
for header in "${headers[@]}"; do
    printf '#include <icfs/%s>\n' "${header##*/}" >alone.c
    "$@" -std=c11 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" -fsyntax-only alone.c
    if command -v g++ >/dev/null; then
        g++ -x c++ -std=c++17 -Wall -Wextra -Werror "${cflags[@]}" -fsyntax-only alone.c
    fi
done

# README's program, which reads files by name.
awk '/^    #include <icfs/ { on = 1 } on && /^    cc / { exit } on { print substr($0, 5) }' \
    "$ICFS_SOURCE_ROOT/README.md" >batch.c
grep -q 'int main' batch.c
"$@" -Wall -Wextra -Werror batch.c "${cflags[@]}" "${libs[@]}" -o batch
"$mkimages" --odd images >/dev/null
count=0
for image in images/*.jpg; do
    if "$icfs" encode --design s2x2-b8-k6-q8 "$image" "$count.ic" 2>/dev/null; then
        count=$((count + 1))
    fi
done
[ "$count" -ge 4 ]
[ "$(./batch ./*.ic)" = "0 of $count could not be decoded. " ]
head -c 100 0.ic >bad.ic
status=0
./batch ./*.ic >said || status=$?
[ "$status" -eq 1 ] && grep -q '^1 of .*asks for' said
