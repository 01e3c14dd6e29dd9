#!/usr/bin/env bash
# tally.py adds up what Meson logs and sanitizers report, and cannot be made to pass by a test that did not run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
tally() {
    status=0
    "$PYTHON" "$ICFS_SOURCE_ROOT/tests/tools/tally.py" "$@" >found || status=$?
}
expect() {
    cat >expected
    diff -u expected found
}

cat >good.json <<'END'
{"name": "icfs:codec / design", "stdout": "100%", "result": "OK"}
{"name": "icfs:mount+long / storm", "stdout": "", "result": "OK"}
{"name": "icfs:fs / other", "stdout": "one\nSKIP: no /dev/fuse\n", "result": "SKIP"}
{"name": "alone", "result": "SKIP"}
END
cat >bad.json <<'END'
{"name": "icfs:codec / design", "stdout": "", "result": "FAIL"}
{"name": "icfs:mount / read", "stdout": "SKIP: no /dev/fuse", "result": "SKIP"}
{"name": "icfs:mount / hang", "stdout": "", "result": "TIMEOUT"}
END
: >empty.json

tally one=good.json
[ "$status" -eq 0 ]
expect <<'END'
skipped: one: icfs:fs / other: no /dev/fuse
skipped: one: alone: no reason given
2 passed, 0 failed, 2 skipped
END

tally --require mount --passed this --skipped 'that: no time' one=good.json
[ "$status" -eq 0 ]
expect <<'END'
skipped: that: no time
skipped: one: icfs:fs / other: no /dev/fuse
skipped: one: alone: no reason given
3 passed, 0 failed, 3 skipped
END

tally one=bad.json --failed 'the build' --require mount two=empty.json three=missing.json
[ "$status" -eq 1 ]
expect <<'END'
failed: the build
failed: one: icfs:codec / design: FAIL
failed: one: icfs:mount / read: skipped, but required: no /dev/fuse
failed: one: icfs:mount / hang: TIMEOUT
failed: two: no tests ran: empty.json
failed: three: no tests ran: No such file or directory
failed: suite mount is required, and no test of it passed
0 passed, 7 failed, 0 skipped
END

mkdir reports none
: >reports/report.killed.1
echo '==3==Unable to get registers from thread 3.' >reports/report.killed.3
echo '==icfs-search==6==Unable to get registers from thread 5.' >reports/report.icfs-search.5
tally --reports clean=none --reports asan=reports one=good.json
[ "$status" -eq 0 ]

{
    echo '==icfs==4==Unable to get registers from thread 4.'
    printf '==4==ERROR: LeakSanitizer: %0250d\n' 0
    seq 100
} >reports/report.icfs.4
echo 'main.c:1:2: runtime error: ==5==Unable to get registers from thread 5.' >reports/report.icfs.5
tally --reports clean=none --reports asan=reports one=good.json
[ "$status" -eq 1 ]
expect <<END
asan: report.icfs.4
$(head -n 60 reports/report.icfs.4 | cut -c-200)

asan: report.icfs.5
$(cat reports/report.icfs.5)

skipped: one: icfs:fs / other: no /dev/fuse
skipped: one: alone: no reason given
failed: asan: report.icfs.4
failed: asan: report.icfs.5
2 passed, 2 failed, 2 skipped
END
