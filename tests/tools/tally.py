#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Add up what test runs came to.

    tally.py [--require SUITE]... [--passed WHAT]... [--skipped WHAT]... [--failed WHAT]... LABEL=LOG...

LOG is a log of `meson test` (meson-logs/*.json); WHAT is anything else that was tried. Names each test that was
skipped, with its reason (the line of its output that starts with "SKIP: "), and each that failed; the last line is "N
passed, N failed, N skipped". A skipped test of a required suite counts as failed, and so does a required suite of which
nothing passed, and a log that is not there or holds no tests. Exit status 1 where anything failed.
"""
import argparse
import json
import sys


def suites_of(name):
    """Meson writes PROJECT:SUITE+SUITE / NAME."""
    head = name.partition(" / ")[0] if " / " in name else ""
    return head.partition(":")[2].split("+")


def reason_of(test):
    for line in (test.get("stdout") or "").splitlines():
        if line.startswith("SKIP: "):
            return line[len("SKIP: "):]
    return "no reason given"


def read_log(path):
    try:
        with open(path, encoding="utf-8") as log:
            return [json.loads(line) for line in log]
    except OSError as error:
        return error.strerror


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--require", action="append", default=[], metavar="SUITE")
    for result in ("--passed", "--skipped", "--failed"):
        parser.add_argument(result, action="append", default=[], metavar="WHAT")
    parser.add_argument("logs", nargs="*", metavar="LABEL=LOG")
    arguments = parser.parse_intermixed_args()

    npassed, passed_suites = len(arguments.passed), set()
    skipped, failed = list(arguments.skipped), list(arguments.failed)
    for label, _, path in (log.partition("=") for log in arguments.logs):
        tests = read_log(path)
        if not isinstance(tests, list) or not tests:
            failed.append(f"{label}: no tests ran: {tests or path}")
            continue
        for test in tests:
            what = f"{label}: {test['name']}"
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                npassed += 1
                passed_suites.update(suites_of(test["name"]))
            elif test["result"] != "SKIP":
                failed.append(f"{what}: {test['result']}")
            elif set(arguments.require) & set(suites_of(test["name"])):
                failed.append(f"{what}: skipped, but required: {reason_of(test)}")
            else:
                skipped.append(f"{what}: {reason_of(test)}")
    failed += [f"suite {suite} is required, and no test of it passed" for suite in arguments.require
               if suite not in passed_suites]

    for what in skipped:
        print(f"skipped: {what}")
    for what in failed:
        print(f"failed: {what}")
    print(f"{npassed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
