#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a running mount takes to serve what was chosen, for docs/search.md: choice_delay.py [BUILD]

From the end of `icfs search pin` until a file has the design, thirty times, at any phase of the mount's looks.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
ICFS, MKIMAGES = BUILD / "src/icfs", BUILD / "tests/tools/mkimages"
DESIGNS = ("s1x1-b8-k5-q8", "s1x1-b8-k4-q8")


def switch(catalog, source, file, design):
    subprocess.run([ICFS, "search", "pin", f"--catalog={catalog}", design, source], check=True, stdout=subprocess.DEVNULL)
    start = time.monotonic()
    while os.getxattr(file, "user.icfs.design").decode() != design:
        time.sleep(0.001)
    return time.monotonic() - start


def main():
    with tempfile.TemporaryDirectory(prefix="icfs-delay-") as name:
        folder = pathlib.Path(name).resolve()
        source, point, catalog = folder / "source", folder / "mount", folder / "catalog.db"
        point.mkdir()
        subprocess.run([MKIMAGES, "--classes", "2", "--count", "5", "--size", "120x90", source], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([ICFS, "mount", "-o", f"catalog={catalog},design=auto", source, point], check=True,
                       stdout=subprocess.DEVNULL)
        try:
            file = next(point.rglob("*.ic"))
            took = []
            for i in range(30):
                time.sleep(0.037 * (i % 11))
                took.append(switch(catalog, source, file, DESIGNS[i % 2]))
        finally:
            subprocess.run(["umount" if os.geteuid() == 0 else "fusermount3", *(["-u"] if os.geteuid() else []), point],
                           check=True)
    print(f"{statistics.median(took):.2f} s ({min(took):.2f} to {max(took):.2f}), {len(took)} times")


if __name__ == "__main__":
    main()
