# SPDX-License-Identifier: MIT
"""icfs search: with the probe, on small datasets."""

import contextlib
import csv
import fcntl
import io
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from cli import ICFS, icfs
from searching import FEW, Searching


class SearchTest(Searching):
    def test_a_search_chooses_and_tells(self):
        text = self.search("--max-bytes=25%", self.set)
        self.assertIn("run 1: 12 evaluations made, 0 known before, 0 without a result\n", text)
        for name in ("of reading and decoding are off by", "of the model forward are off by",
                     "of the model in training are off by"):
            self.assertRegex(text, rf"\n  times {name} \d+\.\d\d %")
        (design, reason), = self.sql("SELECT design, reason FROM choice")
        self.assertIn(f"{self.set}: {design}\n", text)
        self.assertIn("max-bytes=25% objective=accuracy", reason)
        nbytes, = self.sql("SELECT nbytes FROM choice")[0]
        default = self.sql("SELECT verified FROM frontier WHERE verified IS NOT NULL")
        self.assertTrue(default and nbytes > 0)
        status = self.ok("search", "status").decode()
        self.assertIn("12/12 evaluations, ended", status)
        self.assertIn(str(self.set), status)
        history = self.ok("search", "history", self.set).decode()
        self.assertRegex(history, rf"{design} +chosen .* by run 1, accuracy ")
        shown = self.ok("search", "show", "1").decode()
        self.assertIn("decode.0 = ", shown)
        self.assertIn("   0     0 s1x1-b8-k15-q8 ", shown)
        frontier = self.ok("search", "frontier").decode().splitlines()
        self.assertEqual(len(frontier) - 1, self.sql("SELECT count(*) FROM frontier")[0][0])
        self.assertEqual(frontier, self.ok("search", "frontier", "1").decode().splitlines())
        (self.set / ".icpolicy").write_text("[policy]\ndesign = auto\n")
        self.addCleanup((self.set / ".icpolicy").unlink)
        policy = self.ok("policy", self.set).decode()
        self.assertIn(f"design  {design}", policy)
        self.assertIn("by run 1", policy)

    def test_what_is_known_is_not_evaluated_again(self):
        first = self.search(self.set)
        self.assertIn("12 evaluations are planned, 12 of them known;", self.search("--dry-run", self.set))
        again = self.search(self.set)
        self.assertIn("run 2: 0 evaluations made, 12 known before", again)
        self.assertEqual(*[re.search(r": (s\d.*)\n(.*\n.*)", text).groups() for text in (first, again)])
        moved = self.dir / "moved"
        shutil.copytree(self.set, moved)
        count = self.sql("SELECT count(*) FROM measurement")[0][0]
        text = self.search("--max-loss=10%", moved)
        made = int(text.split(": ")[1].split()[0])
        self.assertLess(made, 8)
        self.assertEqual(self.sql("SELECT count(*) FROM measurement")[0][0], count + made)
        self.assertEqual(len(self.sql("SELECT DISTINCT directory FROM choice")), 2)

    def unequal(self, designs):
        """Those that sample columns and rows unequally."""
        self.assertTrue(designs)
        return [design for design in designs if not re.match(r"s(\d)x\1-", design)]

    def test_proportions_are_kept(self):
        keep = ("--keep-proportions", "--max-bytes=50%", self.set)
        plan = self.search("--dry-run", *keep)
        self.assertIn("8 evaluations are planned, 0 of them known; up to 4 follow", plan)
        self.assertEqual(self.unequal(re.findall(r"^ +\d+ (s\S+)(?: after \d+)?$", plan, re.M)), [])
        self.assertEqual(self.sql("SELECT count(*) FROM run"), [(0,)])
        self.assertRegex(self.search(*keep), r"^run 1: 12 evaluations made, 0 known before")
        (design, reason), = self.sql("SELECT design, reason FROM choice")
        self.assertEqual(self.unequal([design]), [])
        self.assertTrue(reason.startswith("best for keep-proportions max-bytes=50% objective=accuracy: "), reason)
        shown = self.ok("search", "show", "1").decode()
        for text in (shown, self.ok("search", "status").decode()):
            self.assertIn(" model=monotone keep-proportions max-bytes=50% objective=accuracy\n", text)
        self.assertEqual(self.unequal(re.findall(r"^ +\d+ +\d+ (s\S+)", shown, re.M)), [])
        self.assertEqual(self.unequal(re.findall(r"^(s\dx\S+)", self.ok("search", "frontier").decode(), re.M)), [])
        self.assertEqual(self.unequal([d for d, in self.sql("SELECT design FROM frontier")]), [])

    def test_proportions_are_of_a_run(self):
        """The same command finds the same again; without the option it is another search, which knows what was measured."""
        keep = ("--keep-proportions", "--max-bytes=50%", self.set)
        self.search(*keep)
        self.assertIn("run 2: 0 evaluations made, 12 known before", self.search(*keep))
        made, known = (int(n) for n in re.match(r"run 3: (\d+) evaluations made, (\d+) known", self.search(*keep[1:])).groups())
        self.assertTrue(made > 0 and known > 0 and made < 12, (made, known))
        self.assertNotIn("keep-proportions", self.sql("SELECT settings FROM run WHERE id = 3")[0][0])
        self.assertNotEqual(self.unequal([d for d, in self.sql("SELECT design FROM planned WHERE run = 3")]), [])
        self.assertIn("run 4: 0 evaluations made, 12 known before", self.search(*keep))
        self.assertEqual(self.unequal([d for d, in self.sql("SELECT design FROM planned WHERE run = 4")]), [])
        other = self.dir / "other.db"
        self.ok("search", "merge", "--catalog", other, self.catalog)
        text = self.search("--catalog", other, *keep)  # what was measured is merged, and no run
        self.assertIn("run 1: ", text)
        with contextlib.closing(sqlite3.connect(other)) as db:
            self.assertEqual(self.unequal([d for d, in db.execute("SELECT design FROM planned")]), [])

    def test_a_stopped_search_goes_on_keeping_proportions(self):
        process = self.begin(90, options=["--keep-proportions"])
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        self.ok("search", "--evaluations=90", "--keep-proportions", self.set)
        self.assertEqual(self.sql("SELECT count(*) FROM run"), [(1,)])
        self.assertEqual(self.unequal([d for d, in self.sql("SELECT design FROM measurement")]), [])

    def test_a_dry_run_evaluates_nothing(self):
        text = self.search("--dry-run", self.set)
        self.assertIn("8 evaluations are planned, 0 of them known; up to 4 follow", text)
        self.assertIn("   0 s1x1-b8-k15-q8\n", text)
        self.assertRegex(text, r"about \d+ (s|min|h)\b")
        for table in ("measurement", "run", "planned", "choice"):
            self.assertEqual(self.sql(f"SELECT count(*) FROM {table}"), [(0,)])

    def test_buckets_alone_make_the_search_as_long_as_they_need(self):
        for buckets, follow in ((5, 145), (90, 60), (91, 61), (150, 100), (2999, 1105)):
            text = self.ok("search", "--dry-run", f"--buckets={buckets}", self.set).decode()
            self.assertIn(f"\n{buckets} evaluations are planned, 0 of them known; up to {follow} follow", text)

    def test_export_and_merge(self):
        self.search(self.set)
        rows = list(csv.DictReader(io.StringIO(self.ok("search", "export").decode())))
        self.assertEqual(len(rows), 12)
        self.ok("search", "export", "--form=json", "--output", self.dir / "all.json")
        objects = json.loads((self.dir / "all.json").read_text())
        self.assertEqual([r["design"] for r in rows], [o["design"] for o in objects])
        self.assertEqual([float(r["accuracy"]) for r in rows], [o["accuracy"] for o in objects])
        self.assertEqual(rows[0]["split"], "select")
        text = self.ok("search", "export", "--what=times").decode()
        times = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(len(times), 60)
        rows = self.sql("SELECT dataset, hardware, codec, design, nbytes, read_s, decode_s, measured_s FROM cost "
                        "ORDER BY id")
        self.assertEqual([[type(told)(value) for told, value in zip(row, time.values())]
                          for time, row in zip(times, rows)], [list(row) for row in rows])
        objects = json.loads(self.ok("search", "export", "--form=json", "--what=times"))
        self.assertEqual([float(t["decode_s"]) for t in times], [o["decode_s"] for o in objects])
        other = self.dir / "other.db"
        self.assertEqual(self.ok("search", "merge", "--catalog", other, self.catalog), b"72 new measurements\n")
        self.assertEqual(self.ok("search", "merge", "--catalog", other, self.catalog), b"0 new measurements\n")
        for what in ("evaluations", "times"):
            self.assertEqual(self.ok("search", "export", "--catalog", other, "--what", what),
                             self.ok("search", "export", "--what", what))

    def test_a_pin_outlives_a_search(self):
        self.ok("search", "pin", "s1x1-b8-k3-q8", self.set)
        done = icfs("search", *FEW, self.set)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, f"icfs: warning: {self.set}: s1x1-b8-k3-q8 is pinned, "
                         "and stays in force until 'icfs search rollback' takes it back\n"))
        self.assertIn("run 1: 12 evaluations made", done.stdout.decode())

    def test_pin_and_roll_back(self):
        here = str(self.dir)
        self.assertRegex(self.ok("search", "pin", "s2x2-b8-k6-q4", here).decode(), rf"^{here}: s2x2-b8-k6-q4, pinned ")
        self.ok("search", "pin", "s1x1-b8-k3-q8", here)
        self.ok("policy", "--set=auto", here)
        self.assertIn("design  s1x1-b8-k3-q8", self.ok("policy", here).decode())
        self.assertIn("s2x2-b8-k6-q4", self.ok("search", "rollback", here).decode())
        self.assertIn("design  s2x2-b8-k6-q4", self.ok("policy", here).decode())
        self.assertEqual(self.ok("search", "rollback", here).decode(), f"{here}: nothing is chosen\n")
        self.assertIn(f"no search has chosen yet in the catalog {self.catalog}, so the default",
                      self.ok("policy", here).decode())
        self.fails(f"icfs: nothing is chosen for {here}\n", "search", "rollback", here)
        self.assertEqual(self.ok("search", "history", here).decode().count("withdrawn"), 2)

    def test_choices_of_a_catalog_that_is_named(self):
        tree, other = self.dir / "tree", self.dir / "other.db"
        shutil.copytree(self.set, tree)
        self.ok("policy", "--set=auto", tree)
        self.ok("search", "pin", "--catalog", other, "s4x4-b8-k2-q8", tree)
        self.assertIn("design  s4x4-b8-k2-q8", self.ok("policy", "--catalog", other, tree).decode())
        self.assertIn(f"no search has chosen yet in the catalog {self.catalog}, so the default",
                      self.ok("policy", tree).decode())
        warm = "warm", "--dry-run", "--store", self.dir / "store"
        export = "export", "--dry-run"
        for command in ([*warm, tree], [*export, tree, self.dir / "out"]):
            told = [int(re.search(r"(\d+) bytes", self.ok(*command, *more).decode())[1]) for more in ((), ("-c", other))]
            self.assertLess(4 * told[1], told[0], command)
            self.fails(f"icfs: {self.dir}/none.db: no catalog: No such file or directory\n", *command, "-c", self.dir / "none.db")
        self.fails(f"icfs: {self.dir}/none.db: no catalog: No such file or directory\n", "policy",
                   f"--catalog={self.dir}/none.db", tree)

    def test_each_directory_by_itself(self):
        tree = self.dir / "tree"
        for name in ("one", "two"):
            shutil.copytree(self.set, tree / name)
        (tree / "notes").mkdir()
        (tree / "notes" / "a.txt").write_text("no images")
        (tree / "two" / "more.txt").write_text("another dataset")
        done = icfs("search", *FEW, "--per-directory", "--max-bytes=50%", tree)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({d for d, in self.sql("SELECT directory FROM choice")}, {str(tree / "one"), str(tree / "two")})
        self.assertEqual(done.stderr.decode(), f"icfs: warning: {tree}/notes: there is no image in it; it is left out\n")

    def test_what_is_said_of_one_of_many_names_its_directory(self):
        tree = self.dir / "tree"
        for name in ("one", "two"):
            shutil.copytree(self.set, tree / name)
        (tree / "two" / ".icpolicy").write_text("[policy]\nmax-bytes = 10\n")
        done = icfs("search", *FEW, "--dry-run", "--per-directory", tree)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), rf"^icfs: {tree}/two: no design is within max-bytes=10 objective=accuracy: ")
        (tree / "two" / ".icpolicy").unlink()
        told = self.search("--dry-run", "--per-directory", tree)
        self.assertEqual(re.findall(r"^(.*)\n   0 s1x1-b8-k15-q8\n", told, re.M), [f"{tree}/one:", f"{tree}/two:"])
        self.assertNotIn(str(self.set), self.search("--dry-run", self.set))

    def test_a_signal_between_directories_stops_the_search(self):
        """It comes when the first has its choice, and the third is not begun before what is said of the second is read."""
        tree = self.dir / "tree"
        for name in ("1", "3"):
            shutil.copytree(self.set, tree / name)
        (tree / "2").mkdir()
        read, write = os.pipe()
        filler = b"." * fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        os.write(write, filler)
        with subprocess.Popen([ICFS, "search", *FEW, "--per-directory", tree], stdout=subprocess.DEVNULL,
                              stderr=write) as process, open(read, "rb") as errors:
            os.close(write)
            while process.poll() is None and not self.chosen():
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            while process.poll() is None and not self.rests(process.pid):
                time.sleep(0.005)
            said = errors.read().removeprefix(filler).decode()
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertRegex(said, r"^(icfs: warning: \S+/2: there is no image in it; it is left out\n)?"
                         r"icfs: stopped; what was measured is kept, and the same command goes on\n$")
        self.assertEqual(self.chosen(), [(str(tree / "1"),)])

    def chosen(self):
        with contextlib.suppress(sqlite3.OperationalError):  # not made yet
            return self.sql("SELECT directory FROM choice")

    def rests(self, pid):
        """Whether it took the signal, and each thread waits for something."""
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        pending = re.findall(r"^(?:Sig|Shd)Pnd:\s+(\w+)$", status, re.M)
        stats = [path.read_text().rsplit(")", 1)[1].split()[0] for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
        return not any(int(mask, 16) for mask in pending) and set(stats) == {"S"}

    def test_policy_files_give_the_budget(self):
        tree = self.dir / "tree"
        budgets = {"one": "max-bytes = 40%\nobjective = space\n", "two": "max-bytes = 10%\n", "three": ""}
        for name, lines in budgets.items():
            shutil.copytree(self.set, tree / name)
            (tree / name / ".icpolicy").write_text(f"[policy]\n{lines}")
        (tree / ".icpolicy").write_text("[policy]\ndesign = auto\nmax-loss = 90%\n")
        self.search("--per-directory", tree)
        reasons = dict(self.sql("SELECT directory, reason FROM choice"))
        self.assertIn("max-loss=0.9 max-bytes=40% objective=space", reasons[f"{tree}/one"])
        self.assertIn("max-loss=0.9 max-bytes=10% objective=time", reasons[f"{tree}/two"])
        self.assertIn("max-loss=0.9 objective=time", reasons[f"{tree}/three"])
        self.search("--max-bytes=30%", "--objective=accuracy", tree / "two")  # what the command says comes first
        (reason,), = self.sql("SELECT reason FROM choice ORDER BY id DESC LIMIT 1")
        self.assertIn("max-loss=0.9 max-bytes=30% objective=accuracy", reason)
        (tree / "two" / ".icpolicy").write_text("[policy]\nmax-bytes = 30 %\n")
        done = icfs("search", *FEW, "--per-directory", tree)
        self.assertEqual(done.returncode, 1)  # and the others are searched
        self.assertRegex(done.stderr.decode(),
                         r"^icfs: \S+two/\.icpolicy:2: max-bytes: '30 %' is not of the form 2000, 20K or 12%\n$")
        self.assertEqual(done.stdout.decode().count(" evaluations made"), 2)

    def test_sides_of_a_dataset_are_no_datasets(self):
        done = icfs("search", *FEW, "--per-directory", self.set)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertRegex(done.stderr, rb"^icfs: \S+: its train/ and what it is tested on are one dataset, .*\n$")

    def test_a_signal_that_is_ignored(self):
        """As nohup has it."""
        process = self.begin(90, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors), (0, b""))
        self.assertEqual(len(self.chosen()), 1)

    def interrupt(self, number):
        """A search that is sent a signal once something was evaluated; its exit status and stderr."""
        process = self.begin(90)
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors.decode()

    def test_a_stopped_search_goes_on(self):
        self.assertEqual(self.interrupt(signal.SIGINT),
                         (-signal.SIGINT, "icfs: stopped; what was measured is kept, and the same command goes on\n"))
        before = self.sql("SELECT count(*) FROM measurement")[0][0]
        self.assertEqual(self.interrupt(signal.SIGKILL)[0], -signal.SIGKILL)
        self.assertGreaterEqual(self.sql("SELECT count(*) FROM measurement")[0][0], before)
        self.assertEqual(len(self.sql("SELECT id FROM run")), 1)
        text = self.ok("search", "--evaluations=90", self.set).decode()
        made, known = (int(word) for word in (text.split(": ")[1].split()[0], text.split(", ")[1].split()[0]))
        self.assertEqual(made + known, 90)
        self.assertGreaterEqual(known, before)
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT measurement) FROM planned"), [(90, 90)])

    def test_a_damaged_row_names_its_catalog(self):
        self.search("--max-bytes=25%", self.set)
        damaged = f"icfs: {self.catalog}: a row in it is damaged\n"
        self.sql("UPDATE frontier SET design = 'x' WHERE design = (SELECT min(design) FROM frontier)")
        self.fails(damaged, "search", "frontier")
        self.sql("UPDATE measurement SET design = 'x' WHERE id = 2")
        self.fails(damaged, "search", "export")

    def test_wrong_command_lines(self):
        for message, *args in (
                ("--max-loss: max-loss: 'much' is not of the form 0.5% or 0.005", "--max-loss=much", "."),
                ("--evaluator: unknown evaluator 'x'; known: probe, command", "--evaluator=x", "."),
                ("--evaluations: '3' is no whole number from 4 to 4104", "--evaluations=3", "."),
                ("--buckets is less than --evaluations, which counts what follows, too", "--buckets=150", "--evaluations=150", "."),
                ("--buckets is less than --evaluations, which counts what follows, too", "--buckets=4104", "."),
                ("--memory: '127M' is no whole number from 134217728 to 9223372036854775807", "--memory=127M", "."),
                ("--set: 'images' is not of the form NAME=VALUE", "--set=images", "."),
                ("expected DATASET",)):
            self.fails(f"icfs search: {message}\nTry 'icfs search --help'.\n", "search", *args, status=2)
        self.fails("icfs search show: expected RUN\nTry 'icfs search show --help'.\n", "search", "show", status=2)
        self.ok("search", "pin", "s1x1-b8-k3-q8", self.dir)
        self.fails("icfs: the catalog has no run 7\n", "search", "show", "7")
        self.fails("icfs: no search has ended yet\n", "search", "frontier")


if __name__ == "__main__":
    unittest.main()
