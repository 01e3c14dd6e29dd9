# SPDX-License-Identifier: MIT
"""scripts/bench-loader --quick with what is installed here: it runs, and its tables and its JSON are complete."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from bench_loader import loaders, peers
from mounting import BUILD, why_not

PROGRAM = pathlib.Path(os.environ["ICFS_SOURCE_ROOT"]) / "scripts" / "bench-loader"
VARIANTS = ("s1x1-b8-k4-q8,jpeg", "s2x2-b8-k6-q8,bmp")
SIZES = ("s1x1", "s2x2")


class BenchLoader(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="icfs-bench-")
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def run_program(self, *arguments):
        line = [sys.executable, PROGRAM, "--build", BUILD, "--work", self.work, *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def assert_figure(self, figure, what):
        self.assertEqual(set(figure), {"min", "median", "max"}, what)
        self.assertLess(0, figure["min"], what)
        self.assertLessEqual(figure["min"], figure["median"], what)
        self.assertLessEqual(figure["median"], figure["max"], what)

    def assert_cell(self, cell, source, what):
        measures = {"ms", "ratio", "fastest"} | ({"of_files", "of_files_fastest"} if source == "mount" else set())
        self.assertEqual(set(cell), measures, what)
        for name, figure in cell.items():
            self.assert_figure(figure, (*what, name))

    def assert_rows(self, result):
        rows = {(row["served"], row["from"]): row for row in result["rows"]}
        expected = {(variant, source) for variant in VARIANTS for source in ("files", "mount", "cold mount")}
        floors = set() if "one colour" in result["missing"] else {f"one colour {size},jpeg" for size in SIZES}
        self.assertEqual(set(rows), {("JPEG tree", "files"), *((name, "files") for name in floors), *expected})
        for (served, source), row in rows.items():
            face = served.partition(",")[2] or "jpeg"
            usable = {loader.name for loader in loaders.LOADERS if face in loader.faces} & set(result["loaders"])
            self.assertEqual(set(row["cells"]), usable, (served, source))
            for name, cell in row["cells"].items():
                self.assert_cell(cell, source, (served, source, name))
        self.assertEqual(rows["JPEG tree", "files"]["share"], 1)
        for variant in VARIANTS:
            self.assertEqual(len({rows[variant, source]["bytes"] for source in ("files", "mount", "cold mount")}), 1)
        self.assertLess(rows[VARIANTS[0], "files"]["share"], 1)
        for name in floors:
            self.assertLess(rows[name, "files"]["share"], rows[VARIANTS[0], "files"]["share"])

    def assert_peers(self, result):
        timed = {(peer["name"], peer["pixels"]) for peer in result["peers"]}
        for peer in peers.PEERS:
            missing = f"{peer.name} ({peer.pixels})" in result["missing"]
            self.assertNotEqual((peer.name, peer.pixels) in timed, missing, peer.name)
        for peer in result["peers"]:
            self.assert_figure(peer["ms"], peer["name"])
            self.assert_figure(peer["ratio"], peer["name"])
            self.assert_figure(peer["fastest"], peer["name"])
            self.assertLess(0, peer["bytes"])

    def assert_printed(self, result, printed):
        for row in result["rows"]:
            lines = [line for line in printed.splitlines() if line.startswith(f"| {row['served']} ")]
            for cell in row["cells"].values():
                self.assertTrue(any(f"{cell['ms']['median']:.3f}" in line for line in lines), row["served"])
        for peer in result["peers"]:
            self.assertIn(f"| {peer['name']} ", printed)
        for name in result["missing"]:
            self.assertIn(f"  {name}: ", printed)

    def test_quick(self):
        target = self.work / "result.json"
        variants = [word for variant in VARIANTS for word in ("--variant", variant)]
        done = self.run_program("--quick", "--json", target, *variants)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(target.read_text())
        self.assertLess(0, result["images"])
        self.assertTrue(set(result["loaders"]))
        self.assertEqual({loader.name for loader in loaders.LOADERS},
                         set(result["loaders"]) | {name for name in result["missing"] if " (" not in name} - {"one colour"})
        self.assert_rows(result)
        self.assert_peers(result)
        self.assert_printed(result, done.stdout)
        self.assertEqual([path.name for path in self.work.iterdir()], ["result.json"])  # copies and mounts are gone

    def test_no_peers(self):
        done = self.run_program("--quick", "--no-peers", "--variant", VARIANTS[0])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("Peers", done.stdout)

    def test_nothing_to_time(self):
        empty = self.work / "empty"
        empty.mkdir()
        done = self.run_program("--quick", empty)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(f"no JPEG was found below {empty}", done.stderr)

    def test_no_such_design(self):
        done = self.run_program("--quick", "--variant", "s3x3,jpeg")
        self.assertEqual(done.returncode, 1)
        self.assertIn("s3x3", done.stderr)


def main():
    reason = why_not() or loaders.why_missing(["torchvision"]) and "no torchvision; it comes with python3-torchvision"
    if reason:
        print("SKIP:", reason)
        sys.exit(77)
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
