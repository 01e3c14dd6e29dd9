# SPDX-License-Identifier: MIT
"""icfs search with the probe, killed at random again and again: it ends as one that nobody killed. And what a terminal is
shown meanwhile."""

import contextlib
import os
import pty
import random
import re
import sqlite3
import subprocess
import time
import unittest

from cli import ICFS
from searching import Searching

KILLS = 20
LINE = ["search", "--evaluations=60", "--buckets=20", "--max-bytes=25%"]


class Killed(Searching):
    def start(self, catalog):
        return subprocess.Popen([ICFS, *LINE, self.set], env=os.environ | {"ICFS_CATALOG": str(catalog)},
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def begin_until_costs_are_frozen(self):
        """Those of reading and decoding are when a run begins, those of the model after the first part of the plan; what the
        model takes is measured, so only from here on two searches are to be the same."""
        with self.start(self.catalog) as process:
            while True:
                self.assertIsNone(process.poll())
                with contextlib.suppress(sqlite3.OperationalError):  # not made yet
                    if self.sql("SELECT 1 FROM parameter WHERE name = 'infer.0'"):
                        break
                time.sleep(0.002)
            process.kill()
        self.assertEqual(self.sql("SELECT count(*) FROM run WHERE ended_s IS NULL"), [(1,)])

    def copy(self, name):
        """Of all that a killed process left, its log of writes among it."""
        path = self.catalog.with_name(name)
        with contextlib.closing(sqlite3.connect(self.catalog)) as whole, contextlib.closing(sqlite3.connect(path)) as part:
            whole.backup(part)
        return path

    def count(self, catalog):
        with contextlib.closing(sqlite3.connect(catalog)) as db:
            return db.execute("SELECT count(*) FROM planned WHERE measurement IS NOT NULL").fetchone()[0]

    def ending(self, catalog):
        """What came of the run, which is ended first where it has not ended."""
        with contextlib.closing(sqlite3.connect(catalog)) as db:
            if db.execute("SELECT 1 FROM run WHERE ended_s IS NULL").fetchall():
                with self.start(catalog) as process:
                    self.assertEqual(process.wait(), 0)
            self.assertEqual(db.execute("SELECT count(*) FROM run WHERE ended_s IS NOT NULL").fetchall(), [(1,)])
            return [db.execute(query).fetchall() for query in (
                "SELECT round, planned.design, parent, accuracy, log_loss FROM planned JOIN measurement ON measurement.id = measurement "
                "WHERE run = 1 ORDER BY position",
                "SELECT * FROM frontier WHERE run = 1 ORDER BY design",
                "SELECT design, reason, predicted, uncertainty, verified, nbytes, infer_s, train_s FROM choice WHERE run = 1")]

    def test_a_killed_search_ends_as_one_that_was_not(self):
        self.begin_until_costs_are_frozen()
        wanted = self.ending(self.copy("whole.db"))
        self.assertEqual((len(wanted[0]), len(wanted[2])), (60, 1))
        draw, kills, searches, left = random.Random(7), 0, 0, []
        while kills < KILLS:
            self.assertLess(searches, 10 * KILLS)
            catalog, has_ended = self.copy(f"killed-{searches}.db"), False
            searches += 1
            while kills < KILLS and not has_ended:
                with self.start(catalog) as process:
                    try:
                        process.wait(draw.uniform(0.02, 0.5) * (1 + kills / 10))
                        has_ended = True
                    except subprocess.TimeoutExpired:
                        process.kill()
                        kills += 1
            left.append(self.count(catalog))
            self.assertEqual(self.ending(catalog), wanted)
        # Some were killed, or had been, when they had done something.
        self.assertGreater(max(left), self.count(self.catalog), left)

    def test_a_terminal_is_shown_how_far_it_is(self):
        master, slave = pty.openpty()
        shown = b""
        with subprocess.Popen([ICFS, *LINE, self.set], stdout=subprocess.DEVNULL, stderr=slave) as process:
            os.close(slave)
            with contextlib.suppress(OSError):  # its end is an error of the terminal's
                while chunk := os.read(master, 65536):
                    shown += chunk
        os.close(master)
        self.assertEqual(process.returncode, 0)
        text = shown.decode()
        counts = [(int(done), int(total)) for done, total in re.findall(r"(\d+)/(\d+) evaluations", text)]
        self.assertTrue(counts, text)
        self.assertEqual(counts, sorted(counts))
        self.assertEqual({total for _, total in counts}, {60})
        self.assertRegex(text, r"best so far \S+")
        self.assertRegex(text, r"\bleft\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
