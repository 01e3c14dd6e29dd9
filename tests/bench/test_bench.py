# SPDX-License-Identifier: MIT
"""scripts/bench on a few files: it runs, and its table and its JSON are complete."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from mounting import BUILD, why_not

PROGRAM = pathlib.Path(os.environ["ICFS_SOURCE_ROOT"]) / "scripts" / "bench"
NFIGURES = 10


class Bench(unittest.TestCase):
    def test_it_tells_every_figure(self):
        with tempfile.TemporaryDirectory(prefix="icfs-bench-") as work:
            results = pathlib.Path(work, "results.json")
            done = subprocess.run([sys.executable, PROGRAM, "--build", BUILD, "--work", work, "--rounds", "2",
                                   "--images", "20", "--json", results], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(os.listdir(work), ["results.json"])
            told = json.loads(results.read_text())
        self.assertTrue(told["machine"])
        self.assertEqual(len(told["results"]), NFIGURES)
        for result in told["results"]:
            self.assertEqual(len(result["ratios"]), 2, result["name"])
            self.assertGreater(min(result["ratios"]), 0, result["name"])
            self.assertIn(f'| {result["name"]} | {result["goal"]} |', done.stdout)


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print("SKIP:", reason)
        sys.exit(77)
    unittest.main(verbosity=2)
