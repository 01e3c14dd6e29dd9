#!/usr/bin/env bash
# Run a test with packages from PyPI, in a virtual environment that is made once a build directory, and shared by the
# tests that name the same packages.
#
#   pypi.sh TEST.py PACKAGE... [--no-deps PACKAGE...]
#
# What is installed on the system is seen too, so that Debian's torch is used where a package would bring another: those
# are named after --no-deps. Exits with 77, naming what is missing, where it cannot be installed.
set -euo pipefail
test=$1
shift
wanted=$*
venv=$ICFS_BUILD_ROOT/tests/programs/venv-${1%%==*}

skip() {
    echo "SKIP: cannot install $1: $(grep -i '^error' "$venv.log" | tail -1 || true)"
    exit 77
}

# install PACKAGE...: pip waits long for a network that is not there.
install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 "$@" \
        >>"$venv.log" 2>&1 || skip "${wanted/--no-deps /}"
}

mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9
if [ "$(cat "$venv/made-for" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$venv"
    "$PYTHON" -m venv --system-site-packages "$venv" >"$venv.log" 2>&1 || skip "a virtual environment (python3-venv)"
    with=()
    while [ $# -gt 0 ] && [ "$1" != --no-deps ]; do
        with+=("$1")
        shift
    done
    [ ${#with[@]} -eq 0 ] || install "${with[@]}"
    [ $# -eq 0 ] || install "$@"
    echo "$wanted" >"$venv/made-for"
fi
exec 9>&-
exec "$venv/bin/python" "$test"
