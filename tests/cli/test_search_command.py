# SPDX-License-Identifier: MIT
"""icfs search --command: programs of the user's as judges, most of them hostile."""

import csv
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

from cli import ICFS, SOURCE, SetTest, icfs, preload

FEW = ("--evaluations=6", "--buckets=5", "--max-loss=100%")
# A judge that tells designs apart, the same each time: by the bytes of the tree that it is shown.
BYTES = "cat {data}/train/*/* | wc -c | awk '{ printf \"accuracy=%.6f\\n\", $1 / ($1 + 20000) }'"


class Command(SetTest):
    def setUp(self):
        super().setUp()
        memory = pathlib.Path("/dev/shm")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="icfs-command-", dir=memory if memory.is_dir() else None))
        self.addCleanup(shutil.rmtree, folder)
        self.catalog = folder / "catalog.db"
        self.work = folder / "catalog.db-work"

    def line(self, command, *options):
        return ["search", *FEW, "--catalog", self.catalog, "--command", command, *options, self.set]

    def search(self, command, *options, **more):
        return icfs(*self.line(command, *options), **more)

    def sql(self, query):
        with sqlite3.connect(self.catalog, timeout=20) as db:
            return db.execute(query).fetchall()

    def logs(self):
        return {path.name: path.read_bytes() for path in self.work.glob("command-*/*.log")}

    def works(self, command, *options):
        done = self.search(command, *options)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
        return done.stdout.decode()

    def stops(self, reason, command, *options):
        """The reference has no result: the search ends, says why and where the log is, and keeps nothing of it."""
        done = self.search(command, *options)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"s1x1-b8-k15-q8: {reason}", done.stderr.decode())
        self.assertEqual(self.sql("SELECT count(*) FROM measurement"), [(0,)])
        self.assertIn("s1x1-b8-k15-q8-1.log", self.logs())
        self.assertEqual(list(self.work.glob("tree-*")), [])
        return done.stderr.decode()

    def failures(self, command, *options):
        """Why designs but the reference have no result."""
        guarded = f"case {{design}} in s1x1-b8-k15-q8) echo accuracy=0.9; exit;; esac; {command}"
        self.catalog = pathlib.Path(tempfile.mkdtemp(dir=self.catalog.parent)) / "catalog.db"
        self.assertIn(b"only 1 of 5 evaluations had a result", self.search(guarded, *options).stderr)
        return {reason.split("; log")[0].split(": ", 1)[1]
                for reason, in self.sql("SELECT failure FROM measurement WHERE failure IS NOT NULL")}

    def other_set(self):
        """Another dataset, with a mark for judges to know it by."""
        other = self.dir / "other-set"
        shutil.copytree(self.set, other)
        next(other.glob("train/*/*")).unlink()
        (other / "other").touch()
        return other

    def beside(self, judge, first, second):
        """Both searches succeed, the second one during the first one's first evaluation, which `judge` stands still in
        until there is `done`."""
        with subprocess.Popen([ICFS, *first], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                while not (self.dir / "waiting").exists():
                    self.assertIsNone(process.poll())
                    time.sleep(0.005)
                done = icfs(*second)
            finally:
                (self.dir / "done").touch()
            _, errors = process.communicate(timeout=100)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual((process.returncode, errors), (0, b""))


class Judges(Command):
    def test_a_line_of_the_shell(self):
        text = self.works(BYTES)
        self.assertIn("run 1: 6 evaluations made, 0 known before, 0 without a result", text)
        accuracies = self.sql("SELECT accuracy FROM measurement")
        self.assertEqual(len(set(accuracies)), 6)
        self.assertTrue(all(0 < accuracy < 1 for accuracy, in accuracies))
        (identity,), = self.sql("SELECT DISTINCT evaluator FROM measurement")
        self.assertRegex(identity, r"^command 1 metric=accuracy better=larger face=jpeg tag= [0-9a-f]{32} cat ")
        self.assertRegex(self.logs()["s1x1-b8-k15-q8-1.log"].decode(),
                         r"\[icfs: exit status 0 after \d+\.\d\d s, \d+\.\d\d s of processor, \d+\.\d % waiting\]\n$")
        self.assertEqual(list(self.work.glob("tree-*")), [])
        self.assertRegex(self.works(BYTES), r"run 2: [01] evaluations made, [56] known before")

    def check_bytes(self):
        """What was measured is what `icfs export` makes."""
        for design, accuracy in self.sql("SELECT design, accuracy FROM measurement"):
            tree = self.dir / design
            if not tree.exists():
                self.ok("export", "--design", design, "--face", "jpeg", self.set, tree)
            n = sum(path.stat().st_size for path in tree.glob("train/*/*"))
            self.assertEqual(accuracy, round(n / (n + 20000), 6))

    def test_trees_of_a_mount_and_exported(self):
        self.works(BYTES)
        self.assertRegex((self.work / "trees.log").read_text(), ": mounted\n|written: ")  # a mount where there can be one
        self.check_bytes()
        can_mount = ": mounted" in (self.work / "trees.log").read_text()
        for name, env in ("a,b\\c", None), ("exported", preload("no_mount")):
            self.catalog = self.catalog.parent / f"{name}.db"
            work = self.catalog.parent / name
            done = self.search(BYTES, "--work", work, env=env)
            self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
            self.assertIn(": mounted" if can_mount and not env else "written: ", (work / "trees.log").read_text())
            self.check_bytes()
            self.assertEqual(list(work.glob("tree-*")) + list(work.glob(".tree-*")), [])

    def test_images_that_are_links_to_the_outside(self):
        """They belong to the dataset, so programs see them."""
        linked = self.dir / "linked"
        for path in sorted(self.set.rglob("*.*")):
            to = linked / path.relative_to(self.set)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.symlink_to(path)
        (self.dir / "outside").mkdir()
        shutil.copy(next(self.set.glob("train/*/*")), self.dir / "outside")
        (linked / "train" / "none-of-it").symlink_to(self.dir / "outside")
        for env in None, preload("no_mount"):
            self.catalog = pathlib.Path(tempfile.mkdtemp(dir=self.catalog.parent)) / "catalog.db"
            done = icfs("search", *FEW, "--catalog", self.catalog, "--command", BYTES, linked, env=env)
            self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
            self.check_bytes()

    def test_what_a_killed_search_left(self):
        self.work.mkdir(parents=True)
        (self.work / ".tree-abcdef").touch()
        (self.work / "tree-abcdef").mkdir()
        (self.work / "tree-abcdef.ready").touch()
        (self.work / "tree-abcdef-s1x1-b8-k15-q8,jpeg").mkdir()
        (self.work / ".tree-living").touch()
        (self.work / "tree-living").mkdir()
        with open(self.work / ".tree-living", "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.works(BYTES)
        self.assertEqual(sorted(path.name for path in self.work.glob("*tree-*")), [".tree-living", "tree-living"])

    def test_searches_beside_one_another(self):
        """With one catalog and the same line, on two datasets and on one: each has its programs' own results."""
        wait = f"if mkdir {self.dir}/waiting 2>&-; then while [ ! -e {self.dir}/done ]; do sleep 0.01; done; fi"
        judge = f"if [ -e {{data}}/other ]; then a=0.25; else a=0.5; fi; echo accuracy=$a > {{result}}; {wait}"
        self.beside(judge, self.line(judge), self.line(judge)[:-1] + [self.other_set()])
        self.assertEqual(sorted(self.sql("SELECT DISTINCT run.directory, accuracy FROM run JOIN measurement USING (dataset)")),
                         sorted([(str(self.set), 0.5), (str(self.dir / "other-set"), 0.25)]))
        self.assertEqual(len(list(self.work.glob("command-*/s1x1-b8-k15-q8-1.log"))), 2)  # nor overwrites another's log
        (self.dir / "done").unlink()
        (self.dir / "waiting").rmdir()
        self.catalog = self.catalog.parent / "second.db"
        self.beside(judge, self.line(judge), self.line(judge, "--evaluations=10"))
        self.assertEqual(self.sql("SELECT DISTINCT accuracy FROM measurement"), [(0.5,)])
        logs = {path.name for path in self.catalog.with_name("second.db-work").glob("command-*/*.log")}
        self.assertLessEqual({"s1x1-b8-k15-q8-1.log", "s1x1-b8-k15-q8-1.2.log"}, logs)

    def test_what_a_program_is_given(self):
        self.works("test -d {data}/train && test -z \"$(cat)\" && echo {design} {seed} {threads} > {result} && "
                   "echo accuracy=0.25 {other} ${HOME:+x} && printf 'accuracy=0.5\\ninfer_s=0.25\\nimages=7\\n"
                   "log_loss=1.5\\nimages_per_s=10\\nwait_share=0.2\\n' >> {result}", "--seed=7", "--threads=3")
        self.assertEqual(self.sql("SELECT DISTINCT accuracy, infer_s, nimages, log_loss, round(train_s, 6) "
                                  "FROM measurement"), [(0.5, 0.25, 7, 1.5, 0.08)])
        self.assertEqual(list(self.work.glob("command-*/*.result")), [])

    def test_the_judge_of_the_manual(self):
        try:
            import numpy, PIL.Image  # noqa: F401
        except ImportError as missing:
            self.skipTest(str(missing))
        text = (SOURCE / "docs" / "evaluators.md").read_text()
        begin, end = text.index("    import pathlib, sys\n"), text.index("\n\n    icfs search --command 'python3 nearest.py")
        judge = self.dir / "nearest.py"
        judge.write_text(textwrap.dedent(text[begin:end]))
        self.assertEqual(len(judge.read_text().splitlines()), 10)
        self.works(f"{sys.executable} {judge} {{data}}")
        self.assertGreater(self.sql("SELECT max(accuracy) FROM measurement")[0][0], 0.6)

    def test_what_is_not_known_is_exported_as_such(self):
        self.works("echo accuracy=0.5 # {data}")
        rows = json.loads(self.ok("search", "export", "--form=json", "--catalog", self.catalog))
        self.assertEqual({row["images"] for row in rows}, {None})
        table = csv.DictReader(self.ok("search", "export", "--catalog", self.catalog).decode().splitlines())
        self.assertEqual({row["images"] for row in table}, {""})

    def test_smaller_is_better(self):
        self.works("echo {data} > /dev/null; echo map.err=4e-1", "--set=metric=map.err", "--set=better=smaller")
        self.assertEqual(self.sql("SELECT DISTINCT accuracy FROM measurement"), [(-0.4,)])

    def test_several_at_once(self):
        """Three that wait for each other: one after the other they would wait for ever."""
        meet = self.dir / "meet"
        meet.mkdir()
        self.works(f"case {{design}} in s1x1-b8-k15-q8) ;; *) : > {meet}/{{design}}; i=0; while [ $(ls {meet} | wc -l) "
                   f"-lt 3 ]; do i=$((i + 1)); [ $i -lt 400 ] || exit 1; sleep 0.05; done;; esac; echo accuracy=0.5",
                   "--jobs=3", "--evaluations=13", "--buckets=12")  # the sample is the reference and three more

    def test_another_try(self):
        count = self.dir / "count"
        self.works(f"echo {{design}} >> {count}; [ $(grep -cxF {{design}} {count}) = 3 ] && echo accuracy=1",
                   "--set=tries=3")
        self.assertEqual(len(count.read_text().split()), 18)


class Weights(Command):
    """A judge whose weights are the designs that they went through, so that every checkpoint tells where it is from."""

    EVALUATIONS = 14

    def judge(self, more=""):
        self.calls = self.dir / "calls"
        return (f"echo {{design}} >> {self.calls}; {more} : > {{save}}; f={{init}}; [ -z \"$f\" ] || cat \"$f\" > {{save}}; "
                "echo {design} >> {save}; cat {save} {data}/train/*/* | wc -c | "
                "awk '{ printf \"accuracy=%.6f\\n\", $1 / ($1 + 20000) }'")

    def many(self, line, *options):
        return self.line(line, f"--evaluations={self.EVALUATIONS}", "--buckets=8", *options)

    def run_many(self, line, *options):
        done = icfs(*self.many(line, *options))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def test_two_catalogs_in_one_directory(self):
        """The first search stands still in an evaluation that begins with weights while the second makes all of its own."""
        wait = f"if [ -n {{init}} ] && mkdir {self.dir}/waiting 2>&-; then while [ ! -e {self.dir}/done ]; do sleep 0.01; done; fi;"
        other, options = self.other_set(), (f"--work={self.dir}", "--keep-weights")
        judge = self.judge(f"{wait} [ -e {{data}}/other ] && w=other || w=one; printf '%s ' $w > {{save}}.w;"
                           ).replace("echo {design} >> {save};", "cat {save}.w >> {save}; rm {save}.w; echo {design} >> {save};")
        first = self.many(judge, *options)
        self.catalog = self.catalog.parent / "second.db"
        self.beside(judge, first, self.many(judge, *options)[:-1] + [other])
        folders = {folder: {word for path in folder.iterdir() for word in path.read_text().split() if "-" not in word}
                   for folder in self.dir.glob("run-1-*")}
        self.assertEqual(sorted(map(sorted, folders.values())), [["one"], ["other"]])

    def found(self):
        return [self.sql("SELECT design, lineage, seed, accuracy FROM measurement ORDER BY design, lineage"),
                self.sql("SELECT position, round, design, parent FROM planned ORDER BY position"),
                self.sql("SELECT design, predicted, uncertainty, verified FROM frontier ORDER BY design"),
                self.sql("SELECT design, reason FROM choice")]

    def lineages(self):
        """Position: what its weights went through, as the plan says."""
        ways = []
        for design, parent in self.sql("SELECT design, parent FROM planned WHERE run = 1 ORDER BY position"):
            ways.append(([] if parent is None else ways[parent]) + [design])
        return ways

    def test_each_begins_with_its_parent(self):
        self.run_many(self.judge(), "--keep-weights")
        ways = self.lineages()
        self.assertEqual(len(ways), self.EVALUATIONS)
        self.assertGreater(max(map(len, ways)), 2)
        for position, way in enumerate(ways):
            weights, = self.work.glob(f"run-1-*/{position}")
            self.assertEqual(weights.read_text().split(), way)
        self.assertEqual({(way[-1], ">".join(way[:-1])) for way in ways},
                         set(self.sql("SELECT design, lineage FROM measurement")))

    def test_weights_are_removed(self):
        """While the last ones run, only what those begin with is there; in the end nothing."""
        self.run_many(self.judge(f"ls {self.work}/run-1-* | grep -vc part >> {self.dir}/there;"))
        there = [int(line) for line in (self.dir / "there").read_text().split()]
        self.assertEqual(len(there), self.EVALUATIONS)
        self.assertLess(there[-1], self.EVALUATIONS - 1)
        self.assertEqual(list(self.work.glob("run-*")), [])

    def test_what_is_known_is_trained_again_for_its_children_alone(self):
        self.run_many(self.judge())
        way = max(self.lineages()[:8], key=len)
        self.assertGreater(len(way), 2)
        with sqlite3.connect(self.catalog) as db:
            db.execute("UPDATE planned SET measurement = NULL")
            db.execute("DELETE FROM measurement WHERE design = ?", way[-1:])
        self.calls.unlink()
        self.run_many(self.judge())
        self.assertEqual(self.calls.read_text().split()[:len(way)], way)  # from the first on, each once

    def test_a_failure_passes_its_parent_on(self):
        self.run_many(self.judge())
        ways = self.lineages()
        inner = next(way for way in ways if len(way) > 2)[-2]
        self.catalog.unlink()
        self.run_many(self.judge(f"[ {{design}} != {inner} ] || exit 1;"), "--keep-weights")
        for design, lineage in self.sql("SELECT design, lineage FROM measurement WHERE failure IS NULL"):
            self.assertNotIn(inner, lineage.split(">"))
            if design != "s1x1-b8-k15-q8":
                self.assertTrue(lineage.startswith("s1x1-b8-k15-q8"))

    def test_killed_at_random(self):
        """The same evaluations and the same choice as of a search that nothing stopped, and nothing made twice but what
        was under way."""
        judge = self.judge("sleep 0.05;")
        planned = icfs(*self.many(judge, "--dry-run"))  # costs are measured, and both searches go by them
        self.assertRegex(planned.stdout, rb"\nby command .*; what an evaluation takes is known once one was made\n$")
        first, second = self.catalog, self.catalog.parent / "second.db"
        shutil.copy(first, second)
        self.run_many(judge)
        wanted = self.found()
        self.calls.unlink()
        self.catalog, kills, draw = second, 0, random.Random(5)
        while True:
            with subprocess.Popen([ICFS, *self.many(judge, "--jobs=3")], stdout=subprocess.DEVNULL) as process:
                while not kills and not self.calls.exists() and process.poll() is None:
                    time.sleep(0.005)  # the first kill is during an evaluation, however long it takes to get there
                try:
                    # The later, the longer: on a slow machine none of the first may get anywhere.
                    process.wait(draw.uniform(0.05, 0.9) * (1 + kills / 5) if kills else 0)
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
            if self.sql("SELECT 1 FROM run WHERE ended_s IS NOT NULL"):
                break  # the kill came when all was done but to say so; the same command would begin another run
        self.assertGreater(kills, 0)
        self.assertEqual(self.found(), wanted)
        self.assertLessEqual(len(self.calls.read_text().split()), self.EVALUATIONS + 3 * kills)
        if process.returncode == 0:
            self.assertEqual(list(second.with_name("second.db-work").glob("run-*")), [])
        else:
            self.assertEqual(process.returncode, -signal.SIGKILL)


class Hostile(Command):
    def test_failing(self):
        self.assertEqual(self.failures("exit 3"), {"exit status 3"})
        self.assertEqual(self.failures("kill -SEGV $$"), {"ended by signal 11, Segmentation fault"})

    def test_a_judge_that_was_mended(self):
        """A search that came to nothing has ended, leaves nothing behind, and the same command asks again."""
        mended = self.dir / "mended"
        command = (f"echo w > {{save}}; case {{design}} in s1x1-b8-k15-q8) echo accuracy=0.9; echo infer_s=0.5; exit;; esac; "
                   f"test -e {mended} && echo accuracy=0.8 && echo infer_s=0.001 && : {{init:--init}}")
        self.assertIn(b"only 1 of 5 evaluations had a result", self.search(command).stderr)
        self.assertEqual(list(self.work.glob("run-*")), [])
        self.assertIn(b"5/5 evaluations, ended without a result", icfs("search", "status", "-c", self.catalog).stdout)
        self.assertIn(b"no search has ended yet", icfs("search", "frontier", "-c", self.catalog).stderr)
        mended.touch()
        self.assertIn("run 2: 5 evaluations made, 1 known before, 0 without a result", self.works(command))
        self.assertEqual(list(self.work.glob("run-*")), [])
        fits = self.sql("SELECT run, name, value FROM parameter WHERE name LIKE 'infer.%' ORDER BY name")
        self.assertNotEqual(*[[fit[1:] for fit in fits if fit[0] == run] for run in (1, 2)])
        shown = icfs("search", "frontier", "-c", self.catalog).stdout
        self.assertEqual(shown, icfs("search", "frontier", "-c", self.catalog, "2").stdout)

    def test_nonsense(self):
        for command, reason in (("true", "no line accuracy=NUMBER"),
                                ("head -c 100000 /dev/urandom", "no line accuracy=NUMBER"),
                                ("echo accuracy=nan", "accuracy=nan is no finite number"),
                                ("echo accuracy=1e999", "accuracy=1e999 is no finite number"),
                                ("echo accuracy=", "accuracy=nothing is no finite number"),
                                ("echo accuracy=0.5 or so", "accuracy=0.5 or so is no finite number"),
                                ("echo accuracy=0.1; echo accuracy=0.2",
                                 "2 lines accuracy=NUMBER with differing numbers, one is wanted")):
            self.assertEqual(self.failures(command), {reason})

    def test_a_reference_without_a_result_ends_the_search(self):
        self.stops("exit status 5; log: ", "exit 5 # {data}")
        self.stops("exit status 127: a program was not found, or may not be run; log: ", "no-such-program {data}")
        self.stops("no line accuracy=NUMBER; log: ", "echo {data}")

    def test_an_accuracy_in_percent(self):
        self.stops("accuracy=93.25 is no share from 0 to 1", "echo accuracy=93.25 # {data}")
        self.works("echo points=93.25 # {data}", "--set=metric=points", "--max-loss=5")
        done = self.search("echo accuracy=0.9 # {data}", "--max-loss=5")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"max-loss 5: accuracies are shares", done.stderr)

    def test_an_error_names_the_log(self):
        text = self.stops("exit status 3", "exit 3 # {data}")
        log, = self.work.glob("command-*/s1x1-b8-k15-q8-1.log")
        self.assertTrue(text.endswith(f"; log: {log}\n"), text)

    def test_hanging(self):
        start = time.monotonic()
        self.stops("killed after 1 s (--set timeout)", "trap '' TERM INT; echo {data}; sleep 1000; sleep 1000",
                   "--set=timeout=1", "--set=tries=1")
        self.assertLess(time.monotonic() - start, 300)  # of 2,000

    def test_a_program_has_its_time(self):
        self.works("sleep 1; echo accuracy=0.5 # {data}", "--set=timeout=100", "--jobs=8")

    def wait_gone(self, mark):
        for _ in range(1000):
            if subprocess.run(["pgrep", "-f", mark], stdout=subprocess.DEVNULL).returncode:
                return
            time.sleep(0.01)
        self.fail(f"{mark} is still there")

    # One child in a session of its own, and one whose parent has left it: `sleep` of a length that tells it apart.
    def leaves(self, seconds):
        return f"setsid sleep {seconds} & (setsid sh -c 'sleep {seconds} & sleep {seconds}' &) ; "

    def test_what_it_leaves_is_ended(self):
        seconds = 100000 + os.getpid()
        self.works(self.leaves(seconds) + "echo accuracy=0.5 # {data}")
        self.wait_gone(f"sleep {seconds}")

    def test_what_it_leaves_is_ended_with_it(self):
        seconds = 1100000 + os.getpid()
        self.stops("killed after 1 s", self.leaves(seconds) + "sleep 1000 # {data}", "--set=timeout=1",
                   "--set=tries=1")
        self.wait_gone(f"sleep {seconds}")

    def test_a_killed_search_leaves_nobody(self):
        for number in (signal.SIGINT, signal.SIGKILL):
            seconds = 100000 + os.getpid() + 10000000 * number
            at = self.dir / f"at-{number}"
            line = self.line(self.leaves(seconds) + f": > {at}; sleep 1000 # {{data}}")
            with subprocess.Popen([ICFS, *line], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
                while not at.exists():
                    self.assertIsNone(process.poll())
                    time.sleep(0.005)
                process.send_signal(number)
                process.communicate(timeout=60)
            self.assertEqual(process.returncode, -number)
            self.wait_gone(f"sleep {seconds}")
            for _ in range(1000):
                if not list(self.work.glob("tree-*")):
                    break
                time.sleep(0.01)
            if list(self.work.glob("tree-*-*")) and number == signal.SIGKILL:  # an exported tree: the next search's to remove
                subprocess.run([ICFS, *self.line("exit 1")], capture_output=True)
            self.assertEqual(list(self.work.glob("tree-*")), [])  # nor a mount

    def test_gigabytes_of_log(self):
        """They fill no disk, and hold nobody up; the begin and the end are there."""
        size = "10G" if "ICFS_TEST_WHOLE" in os.environ else "1G"
        self.stops("exit status 4", "echo begin {data}; head -c " + size + " /dev/zero; echo; echo end; exit 4",
                   "--set=log=100000", "--set=tries=1")
        log = self.logs()["s1x1-b8-k15-q8-1.log"]
        self.assertTrue(100000 < len(log) < 100400)
        self.assertTrue(log.startswith(b"begin "))
        self.assertIn(b"bytes are left out]", log)
        self.assertIn(b"\nend\n", log)

    def test_lines(self):
        for line, options, reason in (
                ("true", (), "the command has neither {data} nor {design}, so that all designs were one"),
                ("", (), "the evaluator command needs a command line: --command LINE"),
                ("train {data} {init}", (), "the command has {init} but not {save}; weights are passed on by both"),
                ("train {data} {save}", (), "the command has {save} but not {init}; weights are passed on by both"),
                ("{data}", ("--set=tries=0",), "tries=0 is no whole number from 1 to 100"),
                ("{data}", ("--set=timeout=1h",), "timeout=1h is no whole number from 1 to 1000000000"),
                ("{data}", ("--set=better=best",), "better=best: known are larger, smaller"),
                ("{data}", ("--set=metric=a=b",), "metric=a=b is no name of 1 to 40 characters of ASCII without '='"),
                ("{data}", ("--set=tag=\u00e9",), "tag=\u00e9 is no word of at most 40 characters of ASCII"),
                ("{data}", ("--set=tag=" + 41 * "a",), "tag=" + 40 * "a" + " is no word of at most 40 characters of ASCII"),
                ("{data}", ("--set=retries=1",), "the evaluator command has no option retries; its options are "
                                                 "command, metric, better, face, timeout, tries, log, tag")):
            done = self.search(line, *options)
            self.assertEqual((done.returncode, done.stderr.decode()), (1, f"icfs: {reason}\n"))
        done = icfs("search", "--slurm=partition=x", self.set)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--slurm is for programs: --command LINE is missing", done.stderr)


if __name__ == "__main__":
    unittest.main()
