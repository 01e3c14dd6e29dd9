# SPDX-License-Identifier: MIT
"""The parts of scripts/bench-loader that need no images: timing in turns, ratios, choosing files, tables."""

import itertools
import pathlib
import tempfile
import unittest

from bench_loader import loaders, peers, report, timing, trees


class Clock:
    """Time passes where a cell is passed, and nowhere else."""

    def __init__(self):
        self.now = 0.0
        self.log = []

    def __call__(self):
        return self.now

    def cell(self, name, times):
        supply = itertools.cycle(times)

        def run():
            self.log.append(name)
            self.now += next(supply)
        return run


class Timing(unittest.TestCase):
    def test_every_other_round_goes_backwards(self):
        clock = Clock()
        timing.measure({name: clock.cell(name, [1.0]) for name in "abc"}, 3, 0, clock)
        self.assertEqual("".join(clock.log), "abc" "abc" "cba" "abc")  # the first warms, and is not counted

    def test_short_cells_are_passed_often(self):
        clock = Clock()
        times = timing.measure({"short": clock.cell("short", [0.25]), "long": clock.cell("long", [3.0])}, 2, 1.0, clock)
        self.assertEqual(times, {"short": [0.25, 0.25], "long": [3.0, 3.0]})
        self.assertEqual((clock.log.count("short"), clock.log.count("long")), (1 + 2 * 4, 1 + 2))

    def test_the_warming_pass_is_not_counted(self):
        clock = Clock()
        self.assertEqual(timing.measure({"a": clock.cell("a", [9.0, 1.0, 2.0])}, 2, 0, clock), {"a": [1.0, 2.0]})

    def test_spread(self):
        self.assertEqual(timing.spread([3.0, 1.0, 2.0]), (1.0, 2.0, 3.0))

    def test_ratios_are_of_neighbours_in_time(self):
        self.assertEqual(timing.ratios([2.0, 20.0], [1.0, 10.0]), [2.0, 2.0])
        with self.assertRaises(ValueError):
            timing.ratios([2.0], [1.0, 1.0])


class Choosing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="icfs-bench-")
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name, "data")
        self.tree = pathlib.Path(folder.name, "tree")

    def put(self, name, content=b"\xff\xd8\xff and so on"):
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def test_evenly(self):
        self.assertEqual(trees.evenly(range(10), 5), [0, 2, 4, 6, 8])
        self.assertEqual(trees.evenly(range(3), 5), [0, 1, 2])

    def test_jpegs_alone_below_a_folder_each(self):
        for name in ("one.jpg", "a/two.JPEG", "b/c/three.jpe"):
            self.put(name)
        self.put("a/drawing.jpg", b"\x89PNG")
        self.put("labels.txt")
        self.assertEqual(trees.copy_jpegs(self.data, self.tree, 100), 3)
        found = sorted(str(path.relative_to(self.tree)) for path in self.tree.rglob("*") if path.is_file())
        self.assertEqual(found, ["a/two.JPEG", "all/one.jpg", "b/c/three.jpe"])
        self.assertEqual(trees.mean_bytes(self.tree), len(b"\xff\xd8\xff and so on"))

    def test_no_jpeg(self):
        self.put("labels.txt")
        with self.assertRaises(trees.NoData):
            trees.copy_jpegs(self.data, self.tree, 100)

    def test_batches_hold_all_images(self):
        self.assertEqual([peers.batch_size(count) for count in (125, 64, 31, 37)], [25, 32, 31, 1])


class Tables(unittest.TestCase):
    def test_cell(self):
        made = report.cell([0.5, 1.0, 1.0], [1.0, 3.0, 4.0], [0.5, 0.5, 1.0], 1000)
        self.assertEqual(made["ms"], {"min": 0.5, "median": 1.0, "max": 1.0})
        self.assertEqual(made["ratio"], {"min": 2.0, "median": 3.0, "max": 4.0})
        self.assertEqual(made["of_files"], {"min": 0.5, "median": 1.0, "max": 1.0})
        self.assertEqual(made["fastest"], {"min": 2.0, "median": 2.0, "max": 2.0})
        self.assertEqual(made["of_files_fastest"], {"min": 1.0, "median": 1.0, "max": 1.0})

    def test_a_cold_pass_is_compared_with_the_median(self):
        made = report.cell([2.0], [1.0, 3.0, 4.0], None, 1)
        self.assertEqual(made["ratio"], {"min": 1.5, "median": 1.5, "max": 1.5})
        self.assertNotIn("of_files", made)

    def test_between(self):
        self.assertEqual(report.between({"min": 1.0, "median": 2.0, "max": 3.0}), "2.00 (1.00-3.00)")
        self.assertEqual(report.between({"min": 1.0, "median": 1.0, "max": 1.0}, 3), "1.000")

    def test_table(self):
        self.assertEqual(report.table(["a", "long"], [["wide one", "b"]]).splitlines(),
                         ["| a        | long |", "|----------|------|", "| wide one | b    |"])


class Modules(unittest.TestCase):
    def test_what_is_missing_is_told(self):
        self.assertEqual(loaders.why_missing(["json", "no_such_module"]),
                         "no_such_module: No module named 'no_such_module'")
        self.assertIsNone(loaders.why_missing(["json"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
