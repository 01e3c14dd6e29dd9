#!/usr/bin/env bash
# mkimages makes what it says, and the same again.
#
#   test-mkimages.sh MKIMAGES
set -euo pipefail
mkimages=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$mkimages" --classes 3 --count 11 --size 64x48 tree
"$mkimages" --classes 3 --count 11 --size 64x48 again
diff -r tree again
[ "$(find tree -iname '*.jp*g' ! -name really-a-png.jpg | wc -l)" -eq 33 ]
[ "$(find tree/val -mindepth 1 -type d | wc -l)" -eq 3 ]
[ "$(find tree/train/bark -iname '*.jp*g' ! -name really-a-png.jpg | wc -l)" -eq 9 ]
[ "$(find tree -type f -exec md5sum {} + | cut -d' ' -f1 | sort | uniq -d | wc -l)" -eq 1 ] # the two PNGs alone
head -c 4 tree/val/bark/really-a-png.jpg | grep -q PNG

"$mkimages" --odd odd
"$mkimages" --odd odd2
diff -r odd odd2
[ "$(find odd -type f | wc -l)" -ge 70 ]
[ ! -s odd/empty.jpg ]

for arguments in '' '--count 0 x' '--count 1 x' '--size 10 x' '--size 0x5 x' '--classes 2x x' '--no-such x' 'a b'; do
    status=0
    # shellcheck disable=SC2086  # words
    "$mkimages" $arguments 2>message || status=$?
    [ "$status" -eq 2 ]
    grep -q 'usage:' message
done
status=0
"$mkimages" no/such/place 2>message || status=$?
[ "$status" -eq 1 ]
grep -q 'no/such/place: No such file or directory' message
