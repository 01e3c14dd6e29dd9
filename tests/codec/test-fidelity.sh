#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# With everything kept, every block size comes within 42 dB of its source: over real photographs where there are some.
#
#   test-fidelity.sh FIDELITY MKIMAGES
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -n "${ICFS_TEST_DATA:-}" ]; then
    "$1" --full-only "$ICFS_TEST_DATA/imagenet-1k-sample"
else
    "$2" --classes 2 --count 8 "$work/images"
    "$1" --full-only "$work"/images/train/*
fi
