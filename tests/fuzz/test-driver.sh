#!/usr/bin/env bash
# The driver notices a target that fails, and keeps what it failed of.
#
#   test-driver.sh FUZZ_FAULTY
set -euo pipefail
faulty=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
head -c 90 /dev/zero >short
head -c 101 /dev/zero >long

"$faulty" short | grep -qx '1 files'
if "$faulty" short long 2>message; then exit 1; fi
grep -q 'more than 100 bytes' message

status=0
"$faulty" --random 20 1 short 2>message || status=$?
[ "$status" -eq 1 ]
kept=$(echo crash-1-*)
[ "$(stat -c %s "$kept")" -gt 100 ]
grep -q "it is in $kept" message
if "$faulty" "$kept" 2>/dev/null; then exit 1; fi

for arguments in '' 'no-such-file' '--random 1 2' '--no-such x'; do
    status=0
    # shellcheck disable=SC2086  # words
    "$faulty" $arguments 2>/dev/null || status=$?
    [ "$status" -eq 2 ]
done
