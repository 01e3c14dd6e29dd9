# SPDX-License-Identifier: MIT
"""scripts/judge-judges on results that were made up: ranks, choices and costs come out as by hand."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ["ICFS_SOURCE_ROOT"]) / "scripts" / "judge-judges"
# Design, accuracy, forward s, wall s; the last one failed.
SCRATCH = [("s1x1-b8-k15-q8", "0.80", "0.004", "30"), ("s1x1-b8-k6-q8", "0.80", "0.003", "20"),
           ("s2x2-b8-k6-q8", "0.77", "0.002", "10"), ("s4x4-b8-k6-q8", "0.50", "0.001", "12"),
           ("s4x4-b8-k1-q8", "", "", "")]


def rows(text, column):
    """The rows of a Markdown table of which the first column is headed so."""
    lines = text.split(f"| {column} |", 1)[1].splitlines()[2:]
    end = next((i for i, line in enumerate(lines) if not line), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


class JudgeJudges(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="icfs-judges-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def export(self, name, results, passes_on=False):
        """An export of trainings; of those that pass weights on, the first begins with none, and trainings from scratch are
        in the same catalog."""
        lines = ["evaluator,design,lineage,accuracy,infer_s,wall_s"]
        if passes_on:
            lines += [f"\"command, and so on\",{design},,0.123,{infer},1000" for design, _, infer, _ in SCRATCH[:4]]
        for number, (design, accuracy, infer, wall) in enumerate(results):
            lineage = SCRATCH[0][0] if passes_on and number else ""
            evaluator = "another command" if passes_on else "command, and so on"
            lines.append(f"\"{evaluator}\",{design},{lineage},{accuracy},{infer},{wall}")
        (self.dir / name).write_text("\n".join(lines) + "\n")
        return self.dir / name

    def run_on(self, *arguments):
        return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)

    def told(self, *arguments):
        done = self.run_on(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_ranks(self):
        """The probe has three of the four in the truth's order, with a tie where the truth has one; transfer is the
        truth upside down."""
        probe = self.dir / "probe.csv"
        probe.write_text("# select 10 truth 10\n# 8x8x3 4\ndesign,select,select_loss,truth_loss\n"
                         "s1x1-b8-k15-q8,9,0.1,0.1\ns1x1-b8-k6-q8,9,0.1,0.1\ns4x4-b8-k6-q8,3,0.9,0.9\n"
                         "s1x4-b8-k1-q1,10,0.0,0.0\n")
        transfer = self.export("transfer.csv", [(row[0], str(1 - float(row[1])), *row[2:]) for row in SCRATCH[:4]], True)
        found = rows(self.told(self.export("scratch.csv", SCRATCH), "--probe", probe, "--transfer", transfer), "judge")
        self.assertEqual([row[:3] for row in found], [
            ["the probe, accuracy", "3", "1.00"], ["the probe, log-loss", "3", "1.00"], ["transfer", "3", "-1.00"],
            ["forward time", "4", "0.95"]])  # 0.95: the tie of two is none there

    def test_choices(self):
        """A judge that knows no difference takes the fastest, and loses what that one loses."""
        transfer = self.export("transfer.csv", [(row[0], "0.9", *row[2:]) for row in SCRATCH[:4]], True)
        found = rows(self.told(self.export("scratch.csv", SCRATCH), "--transfer", transfer), "may lose, points")
        self.assertEqual(found[0], ["0", "from scratch", "`s1x1-b8-k6-q8`", "0.0", "1.3"])
        self.assertEqual(found[1], ["0", "transfer", "`s4x4-b8-k6-q8`", "30.0", "4.0"])
        self.assertEqual(found[-4], ["2", "from scratch", "`s1x1-b8-k6-q8`", "0.0", "1.3"])
        self.assertEqual(found[-2], ["5", "from scratch", "`s2x2-b8-k6-q8`", "3.0", "2.0"])

    def test_costs(self):
        transfer = self.export("transfer.csv", [(*row[:3], "4.5") for row in SCRATCH[:4]], True)
        found = rows(self.told(self.export("scratch.csv", SCRATCH), "--transfer", transfer), "evaluations")
        self.assertEqual([row[1:] for row in found], [
            ["4104", "18", "20.5", "1"], ["4", "18", "0.02", "1026.0"], ["4", "4", "0.01", "4104.0"]])

    def test_a_truth_without_the_reference(self):
        done = self.run_on(self.export("scratch.csv", SCRATCH[1:]))
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no result of s1x1-b8-k15-q8", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
