#!/usr/bin/env bash
# Run one fuzz target over a corpus made here, then over mutants of it.
#
#   fuzz.sh TARGET EXECUTABLE MKIMAGES MKOBJECTS SECONDS
#
# ICFS_FUZZ_SEED is the seed of the mutants, 1 unless set.
set -euo pipefail
target=$1 mkimages=$(realpath "$3") mkobjects=$(realpath "$4") seconds=$5
executable=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/corpus"
"$mkimages" --odd "$work/images"
case $target in
encode) mv "$work"/images/* "$work/corpus" ;;
view) "$mkobjects" "$work/corpus" "$work"/images/size-*.jpg "$work"/images/{grayscale,progressive,cmyk-adobe}.jpg ;;
source)
    "$mkobjects" "$work/corpus" "$work"/images/size-*.jpg "$work"/images/{grayscale,progressive}.jpg
    mv "$work"/images/{sampling,exif}*.jpg "$work/corpus"
    ;;
design)
    for text in s1x1-b8-k15-q8 s2x4-b32-k63-q1-c1-fbox-oy s4x1-b1-k1-q3-c2-fdrop-oh s1x1-b16-k31-q8-ol-ox ''; do
        printf '%s' "$text" >"$work/corpus/design-${#text}"
    done
    ;;
esac

# A crashing mutant is kept where the build's logs are.
cd "${ICFS_BUILD_ROOT:?}/meson-logs"
"$executable" --random "$seconds" "${ICFS_FUZZ_SEED:-1}" "$work"/corpus/*
