#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The fast transform is near the reference, and as near the source, over real photographs where there are some.
#
#   test-fast-dct.sh FAST_DCT MKIMAGES
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/few"
if [ -n "${ICFS_TEST_DATA:-}" ]; then
    find "$ICFS_TEST_DATA/imagenet-1k-sample" -name '*.JPEG' | sort | sed -n 1,10p | xargs -d '\n' cp -t "$work/few"
else
    "$2" --classes 1 --count 8 "$work/images"
    cp "$work"/images/train/*/* "$work/few"
fi
"$1" "$work/few" s1x1-b8-k15-q8 s1x1-b16-k12-q8
