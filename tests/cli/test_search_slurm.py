# SPDX-License-Identifier: MIT
"""icfs search --executor slurm, on a cluster of this machine: the same as without, whoever is killed."""

import collections
import re
import signal
import sqlite3
import subprocess
import time
import unittest

from cli import ICFS, SetTest
from slurm_cluster import Cluster, missing

FEW = ("--evaluations=8", "--buckets=6", "--max-loss=100%", "--objective=space")
# A judge that tells designs and their ancestors apart, and counts how often each is asked.
JUDGE = ("echo {{design}} >> {calls}; {more} f={{init}}; {{ [ -z \"$f\" ] || cat \"$f\"; echo {{design}}; }} > {{save}}; "
         "cat {{data}}/train/*/* {{save}} | wc -c | awk '{{ printf \"accuracy=%.6f\\n\", $1 / ($1 + 20000) }}'")


@unittest.skipIf(missing(), f"no {', '.join(missing())}: packages slurmctld, slurmd, slurm-client, munge")
class Slurm(SetTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.stop)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.cluster.cancel_all)
        self.calls = self.dir / "calls"

    def judge(self, more=""):
        return JUDGE.format(calls=self.calls, more=more)

    def line(self, name, command, *options):
        return [ICFS, "search", *FEW, "--catalog", self.dir / f"{name}.db", "--command", command, *options, self.set]

    def begin(self, name, command, *options):
        process = subprocess.Popen(self.line(name, command, "--executor=slurm", *options), env=self.cluster.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def ended(self, process):
        out, err = process.communicate(timeout=200)
        return process.returncode, out.decode(), err.decode()

    def rows(self, name):
        with sqlite3.connect(self.dir / f"{name}.db", timeout=20) as db:
            return (db.execute("SELECT design, lineage, accuracy, failure FROM measurement ORDER BY 1, 2").fetchall(),
                    db.execute("SELECT design FROM choice").fetchall())

    def asked(self):
        return collections.Counter(self.calls.read_text().split()) if self.calls.exists() else collections.Counter()

    def check_same(self, name, command):
        """As one machine has it; so the judge's counts are those of the cluster's before this."""
        done = subprocess.run(self.line("local", command), capture_output=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.rows(name), self.rows("local"))
        self.assertEqual(len(self.rows(name)[0]), 8)

    def wait_for_calls(self, n):
        self.cluster.wait(lambda: sum(self.asked().values()) >= n, f"{n} programs that began")

    def test_the_same_as_on_one_machine(self):
        code, out, err = self.ended(self.begin("cluster", self.judge(), "--slurm=partition=main", "--slurm=time=5"))
        self.assertEqual((code, err), (0, ""), out)
        self.assertEqual(set(self.asked().values()), {1})
        self.check_same("cluster", self.judge())

    def test_a_slurmd_that_is_killed(self):
        process = self.begin("cluster", self.judge("sleep 0.5;"))
        self.wait_for_calls(2)
        self.cluster.kill_slurmd()
        time.sleep(1)
        self.cluster.start_slurmd()
        code, out, err = self.ended(process)
        self.assertEqual((code, err), (0, ""), out)
        self.check_same("cluster", self.judge("sleep 0.5;"))

    def test_a_coordinator_that_is_killed(self):
        judge = self.judge("sleep 0.5;")
        for n in (1, 3, 5):
            process = self.begin("cluster", judge)
            self.wait_for_calls(n)
            process.send_signal(signal.SIGKILL)
            process.wait()
        code, out, err = self.ended(self.begin("cluster", judge))
        self.assertEqual((code, err), (0, ""), out)
        self.assertEqual(set(self.asked().values()), {1}, "nothing is made twice")
        self.check_same("cluster", judge)

    def test_a_node_that_is_lost(self):
        """What ran on it is submitted again, by us where Slurm is told not to."""
        once = self.dir / "once"
        judge = self.judge(f"[ -e {once} ] || {{ : > {once}; sleep 1000; }};")
        process = self.begin("cluster", judge, "--slurm=no-requeue")
        self.cluster.wait(once.exists, "the first program")
        self.cluster.set_node("DOWN")
        self.cluster.wait(lambda: "NODE_FAIL" in self.cluster.jobs().values(), "task that was lost")
        self.cluster.set_node("RESUME")
        code, out, err = self.ended(process)
        self.assertEqual((code, err), (0, ""), out)
        self.assertGreater(self.asked()["s1x1-b8-k15-q8"], 1)
        self.check_same("cluster", judge)

    def test_one_store_by_an_array(self):
        """icfs warm --shard, as docs/cluster.md has it."""
        store, image = self.dir / "store", "--design s2x2-b8-k6-q8"
        warm = f"{ICFS} warm --store {store} {image} --shard $SLURM_ARRAY_TASK_ID/3 {self.set}"
        done = self.cluster.run("sbatch", "--wait", "--array=1-3", f"--output={self.dir}/warm-%a.out", f"--wrap={warm}")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = "".join(path.read_text() for path in sorted(self.dir.glob("warm-*.out")))
        stored = [int(n) for n in re.findall(r"(\d+) objects stored", told)]
        self.assertEqual(len(stored), 3, told)
        self.assertLess(max(stored), sum(stored), told)
        again = subprocess.run([ICFS, "warm", "--store", store, *image.split(), self.set], capture_output=True, text=True)
        self.assertRegex(again.stdout, rf"^0 objects to store, 0 bytes; {sum(stored)} are there\n")  # a whole one has no more

    def test_a_job_that_somebody_cancels(self):
        """It is submitted again, within the limit; then the search ends, says so, and goes on later."""
        once = self.dir / "once"
        judge = self.judge(f"[ -e {once} ] || {{ : > {once}; sleep 1000; }};")  # the first is there until it is cancelled
        process = self.begin("cluster", judge)
        self.wait_for_calls(1)
        self.cluster.wait(once.exists, "the first program")
        self.cluster.run("scancel", "--me", "--state=RUNNING")
        code, out, err = self.ended(process)
        self.assertEqual((code, err), (0, ""), out)
        self.assertGreater(self.asked()["s1x1-b8-k15-q8"], 1)
        self.check_same("cluster", judge)
        process = self.begin("once", self.judge("sleep 30;"), "--set=tries=1")
        before = sum(self.asked().values())
        self.wait_for_calls(before + 1)
        self.cluster.run("scancel", "--me", "--state=RUNNING")
        code, out, err = self.ended(process)
        self.assertEqual(code, 1)
        self.assertRegex(err, r"s1x1-b8-k15-q8: Slurm's job \d+_0: CANCELLED")
        self.assertEqual(self.rows("once")[0], [])

    def test_a_program_that_fails(self):
        """A design without a result, and what was to begin with its weights begins with its parent's."""
        plan = subprocess.run(self.line("local", self.judge(), "--dry-run"), capture_output=True, text=True).stdout
        inner = next(line.split()[1] for line in plan.splitlines() if line.split()[0] == "1")
        judge = self.judge(f"[ {{design}} != {inner} ] || exit 3;")
        code, out, err = self.ended(self.begin("cluster", judge))
        self.assertEqual((code, err), (0, ""), out)
        self.assertEqual(self.asked()[inner], 2, "as often as it may be tried")
        failures = [failure for design, _, _, failure in self.rows("cluster")[0] if design == inner]
        self.assertRegex(failures[0], rf"^{inner}: exit status 3; log: ")

    def test_what_slurm_refuses(self):
        code, _, err = self.ended(self.begin("cluster", self.judge(), "--slurm=partition=nope"))
        self.assertEqual(code, 1)
        self.assertIn("sbatch: invalid partition specified: nope", err)
        self.assertEqual(self.asked(), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
