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
EVALUATIONS = 100
LINE = ["search", f"--evaluations={EVALUATIONS}", "--buckets=20", "--max-bytes=25%"]


class Killed(Searching):
    def start(self, catalog):
        return subprocess.Popen([ICFS, *LINE, self.set], env=os.environ | {"ICFS_CATALOG": str(catalog)},
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def begin_until_costs_are_frozen(self):
        """Those of reading and decoding are when a run begins, those of the model after its sample; what the model takes is
        measured, so only from here on two searches are to be the same."""
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

    def has_ended(self, catalog):
        with contextlib.closing(sqlite3.connect(catalog)) as db:
            return bool(db.execute("SELECT 1 FROM run WHERE ended_s IS NOT NULL").fetchall())

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

    def kill(self, catalog, nmore, seconds):
        """Start the search, and kill it some time after it has done so many evaluations more."""
        wanted = self.count(catalog) + nmore
        with self.start(catalog) as process:
            while process.poll() is None and self.count(catalog) < wanted:
                time.sleep(0.002)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            self.assertIsNone(process.poll())
            process.kill()
        return self.count(catalog)

    def test_a_search_killed_twenty_times_ends_as_one_that_was_not(self):
        self.begin_until_costs_are_frozen()
        begun = time.monotonic()
        wanted = self.ending(self.copy("whole.db"))
        seconds = (time.monotonic() - begun) / EVALUATIONS
        self.assertEqual((len(wanted[0]), len(wanted[2])), (EVALUATIONS, 1))
        catalog, draw = self.copy("killed.db"), random.Random(7)
        # Those that wait for no evaluation fall on its beginning, too.
        done = [self.kill(catalog, draw.choice((0, 0, 1, 2, 3)), draw.uniform(0, 2 * seconds)) for _ in range(KILLS)]
        self.assertEqual(done, sorted(done))
        self.assertLess(self.count(self.catalog), done[-1])
        self.assertLess(done[-1], EVALUATIONS)
        self.assertEqual(self.ending(catalog), wanted)

    def test_one_killed_at_its_end_does_too(self):
        """Once all is evaluated, it is still to be chosen and written down."""
        self.begin_until_costs_are_frozen()
        wanted = self.ending(self.copy("whole.db"))
        catalog, draw = self.copy("killed.db"), random.Random(7)
        self.assertEqual(self.kill(catalog, EVALUATIONS - self.count(catalog), 0), EVALUATIONS)
        for _ in range(5):
            with self.start(catalog) as process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(draw.uniform(0, 0.5))
                process.kill()
            if self.has_ended(catalog):  # the same command would begin another run
                break
        self.assertEqual(self.ending(catalog), wanted)

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
        self.assertEqual({total for _, total in counts}, {EVALUATIONS})
        self.assertRegex(text, r"best so far \S+")
        self.assertRegex(text, r"\bleft\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
