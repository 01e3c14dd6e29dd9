#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Add up what test runs came to.

    tally.py [--require SUITE]... [--passed WHAT]... [--skipped WHAT]... [--failed WHAT]... [--reports LABEL=DIR]...
             LABEL=LOG...

LOG is a log of `meson test` (meson-logs/*.json); DIR holds what sanitizers wrote, a file for each process that had
something to say; WHAT is anything else that was tried. Names each test that was skipped, with its reason (the line of
its output that starts with "SKIP: "), and each that failed; the last line is "N passed, N failed, N skipped". A skipped
test of a required suite counts as failed, and so does a required suite of which nothing passed, a log that is not there
or holds no tests, and a sanitizer's report, of which the beginning is shown. Exit status 1 where anything failed.
"""
import argparse
import json
import pathlib
import re
import sys

# What LeakSanitizer says of a process that a test kills in the middle of the check at its end: the registers of a thread
# that is gone are not to be had. It goes on without them, or dies with the process, having opened its report. Under
# log_exe_name lines begin with the program's name, too.
OF_THE_KILLED = re.compile(r"==(?:[^=]+==)?\d+==Unable to get registers from thread \d+\.")
SHOWN_LINES, SHOWN_COLUMNS = 60, 200


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


def complaints_in(reports):
    """The lines of each report of a fault."""
    for report in sorted(pathlib.Path(reports).iterdir()):
        lines = report.read_text(encoding="utf-8", errors="replace").splitlines()
        if not all(OF_THE_KILLED.fullmatch(line) for line in lines):
            yield report.name, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--require", action="append", default=[], metavar="SUITE")
    for result in ("--passed", "--skipped", "--failed"):
        parser.add_argument(result, action="append", default=[], metavar="WHAT")
    parser.add_argument("--reports", action="append", default=[], metavar="LABEL=DIR")
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
    for label, _, reports in (reports.partition("=") for reports in arguments.reports):
        for name, lines in complaints_in(reports):
            print(f"{label}: {name}", *(line[:SHOWN_COLUMNS] for line in lines[:SHOWN_LINES]), "", sep="\n")
            failed.append(f"{label}: {name}")
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
