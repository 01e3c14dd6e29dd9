# SPDX-License-Identifier: MIT
"""What the suites of icfs search share: a dataset of three classes, and a catalog for each test."""

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from cli import ICFS, MKIMAGES, CliTest

FEW = ["--evaluations=12", "--buckets=8"]


class Searching(CliTest):
    """Each test has a catalog of its own; the dataset has three classes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set = pathlib.Path(tempfile.mkdtemp(prefix="icfs-search-set-")).resolve()
        cls.addClassCleanup(shutil.rmtree, cls.set)
        subprocess.run([MKIMAGES, "--classes", "3", "--count", "12", "--size", "120x90", cls.set], check=True,
                       stdout=subprocess.DEVNULL)

    def setUp(self):
        super().setUp()
        self.dir = self.dir.resolve()
        # A search writes each result to the disk before it goes on; in memory that takes no time.
        memory = pathlib.Path("/dev/shm")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="icfs-search-", dir=memory if memory.is_dir() else None))
        self.addCleanup(shutil.rmtree, folder)
        self.catalog = folder / "catalog.db"
        os.environ["ICFS_CATALOG"] = str(self.catalog)
        self.addCleanup(os.environ.pop, "ICFS_CATALOG")

    def sql(self, query):
        with contextlib.closing(sqlite3.connect(self.catalog, timeout=20)) as db, db:
            return db.execute(query).fetchall()

    def search(self, *args):
        return self.ok("search", *FEW, *args).decode()

    def begin(self, evaluations, directory=None, options=(), **more):
        """A search that has evaluated something and is not done: it stands still until SIGCONT."""
        process = subprocess.Popen([ICFS, "search", f"--evaluations={evaluations}", *options, directory or self.set],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            try:
                if self.sql("SELECT count(*) FROM measurement")[0][0] > 3:
                    break
            except sqlite3.OperationalError:
                pass  # not made yet
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        return process
