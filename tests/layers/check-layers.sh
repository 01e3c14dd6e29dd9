#!/usr/bin/env bash
# scripts/check-layers passes this tree, and names each violation in a tree made for it.
set -euo pipefail
check=$ICFS_SOURCE_ROOT/scripts/check-layers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$check" "$ICFS_SOURCE_ROOT"

# put FILE LINE...: a source with the licence in its first line, so that LINE... starts at line 2.
put() {
    local file=$work/$1
    shift
    mkdir -p "$(dirname "$file")"
    printf '%s\n' '/* SPDX-License-Identifier: MIT */' "$@" >"$file"
}

put codec/good.h '#include "codec/other.h"'
put codec/good.c '#include "codec/good.h"' '#include <jpeglib.h>' '#include "codec/bits_priv.h"'
put codec/bits_priv.h '#include <jpeglib.h>'
put codec/bits.h
put codec/bits.c '#include "codec/bits_priv.h"' '#include "codec/bits.h"'
put gpu/kernel.cu '#include "codec/good.h"' '#include <cuda_runtime.h>'
put gpu/gpu.h '#include "codec/good.h"'
put gpu/nvimgcodec/nv_priv.h '#include "codec/good.h"' '#include <nvimgcodec.h>'
put gpu/nvimgcodec/nv_gpu.c '#include "nv_priv.h"' '#include "gpu/gpu.h"'
put search/catalog.c '#include "codec/good.h"' '#include <sqlite3.h>'
put search/ridge.c '#include <cblas.h>' '#include <lapacke.h>'
put fs/mount.c '#include "search/catalog.h"' '#include <fuse3/fuse_lowlevel.h>' '#include <iniparser/iniparser.h>'
put src/main.c '#include "config.h"' '#include "fs/mount.h"' '#include "gpu/gpu.h"' '#include <png.h>'
put tests/codec/test_good.c '#include "codec/bits_priv.h"' '#include <jpeglib.h>' '#include <png.h>'
"$check" "$work"

put codec/upward.c '#include "fs/mount.h"'
put codec/database.c '#include <stdio.h>' '' '#  include  <sqlite3.h>'
put codec/exposed.h '#include <jpeglib.h>'
put search/accelerated.c '#include "gpu/gpu.h"' '#include <cuda_runtime.h>'
put gpu/extended.c '#include "gpu/nvimgcodec/nv_priv.h"' '#include <nvimgcodec.h>'
put gpu/nvimgcodec/nv_cpu.c '#include "nv_priv.h"' '#include "gpu/gpu.h"' '#include <cuda_runtime.h>'
put gpu/stored.c '#include "search/catalog.h"'
put fs/peeking.c '#include "codec/bits_priv.h"' '#include <jpeglib.h>'
put src/mounting.c '#include <fuse.h>' '#include <iniparser.h>' '#include <lapacke.h>'
put fs/late.h
put fs/late.c '#include <stdio.h>' '#include "fs/late.h"'
put tests/main.c
echo '#include <stdio.h>' >"$work/src/unlicensed.c"

printf '\t/* %115s*/\n\t/* %116s*/\n' '' '' >>"$work/tests/main.c" # 128 columns, and 129

cat >"$work/expected" <<'END'
codec/database.c:4: codec/ may not include <sqlite3.h>: it belongs to search/
codec/exposed.h:2: a public header may not include <jpeglib.h>
codec/upward.c:2: codec/ may not include fs/mount.h: codec/ knows codec
fs/late.c:2: the first include is not the own header, fs/late.h
fs/peeking.c:2: codec/bits_priv.h is private to codec/
fs/peeking.c:3: fs/ may not include <jpeglib.h>: it belongs to codec/
gpu/extended.c:2: gpu/ may not include gpu/nvimgcodec/nv_priv.h: gpu/ knows gpu codec
gpu/extended.c:2: gpu/nvimgcodec/nv_priv.h is private to gpu/nvimgcodec/
gpu/extended.c:3: gpu/ may not include <nvimgcodec.h>: it belongs to gpu/nvimgcodec/
gpu/nvimgcodec/nv_cpu.c:3: gpu/nvimgcodec/ may include gpu/gpu.h in *_gpu*.[ch] alone
gpu/nvimgcodec/nv_cpu.c:4: gpu/nvimgcodec/ may not include <cuda_runtime.h>: it belongs to gpu/
gpu/stored.c:2: gpu/ may not include search/catalog.h: gpu/ knows gpu codec
search/accelerated.c:2: search/ may not include gpu/gpu.h: search/ knows search codec
search/accelerated.c:3: search/ may not include <cuda_runtime.h>: it belongs to gpu/
src/mounting.c:2: src/ may not include <fuse.h>: it belongs to fs/
src/mounting.c:3: src/ may not include <iniparser.h>: it belongs to fs/
src/mounting.c:4: src/ may not include <lapacke.h>: it belongs to search/
src/unlicensed.c:1: the first line is not the licence
tests/main.c:1: the name is taken by src/main.c
tests/main.c:3: the line is 129 columns wide
END
status=0
"$check" "$work" >"$work/found" || status=$?
diff -u "$work/expected" "$work/found"
[ "$status" -eq 1 ]

# A tree without sources is a mistake, not a success.
mkdir "$work/empty"
status=0
"$check" "$work/empty" 2>"$work/message" || status=$?
[ "$status" -eq 2 ]
grep -q 'none of the layers' "$work/message"
