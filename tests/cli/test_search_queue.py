# SPDX-License-Identifier: MIT
"""icfs search --executor slurm, on a cluster that is not there: what is submitted, and what becomes of trouble."""

import json
import os
import shutil
import sqlite3
import unittest

from cli import SOURCE, SetTest, icfs

FEW = ("--evaluations=6", "--buckets=5", "--max-loss=100%", "--objective=space")
REFERENCE = "s1x1-b8-k15-q8"
JUDGE = ("echo {design} > {save}; f={init}; [ -z \"$f\" ] || cat \"$f\" >> {save}; cat {data}/train/*/* {save} | wc -c | "
         "awk '{ printf \"accuracy=%.6f\\n\", $1 / ($1 + 20000) }'")


class Queue(SetTest):
    def setUp(self):
        super().setUp()
        self.programs = self.dir / "programs"
        self.programs.mkdir()
        for name in ("sbatch", "squeue", "scancel"):
            shutil.copy(SOURCE / "tests" / "cli" / "fake_slurm.py", self.programs / name)
            (self.programs / name).chmod(0o755)
        self.environment = os.environ | {"PATH": f"{self.programs}:{os.environ['PATH']}", "FAKE_SLURM": str(self.dir)}

    def search(self, name, *options, command=JUDGE, executor="slurm"):
        return icfs("search", *FEW, "--catalog", self.dir / f"{name}.db", "--command", command,
                    f"--executor={executor}", *options, self.set, env=self.environment)

    def works(self, name, *options, **more):
        done = self.search(name, *options, **more)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)

    def fails(self, message, name, *options, **more):
        done = self.search(name, *options, **more)
        self.assertIn(message, done.stderr.decode())
        self.assertNotEqual(done.returncode, 0)

    def rows(self, name):
        with sqlite3.connect(self.dir / f"{name}.db", timeout=20) as db:
            return db.execute("SELECT design, lineage, accuracy, failure FROM measurement ORDER BY 1, 2").fetchall()

    def tasks(self):
        path = self.dir / "tasks.json"
        return json.loads(path.read_text()) if path.exists() else []

    def trouble(self, *lines):
        (self.dir / "trouble").write_text("\n".join(lines))

    def test_the_same_as_on_one_machine(self):
        self.works("cluster", "--slurm=partition=long", "--slurm=gres=gpu:1", "--slurm=exclusive", "--jobs=3")
        self.works("local", executor="local")
        self.assertEqual(self.rows("cluster"), self.rows("local"))
        tasks = self.tasks()
        self.assertEqual([task["state"] for task in tasks], ["COMPLETED"] * 6)
        self.assertNotIn("dependency", tasks[0]["options"])
        self.assertEqual(tasks[1]["options"]["dependency"], "afterok:1_0")
        for task in tasks:
            options = task["options"]
            self.assertEqual((options["partition"], options["gres"], options["exclusive"]), ("long", "gpu:1", ""))
            self.assertRegex(options["array"], r"^0-\d+%3$")
        # Tasks take trees on machines of their own; a search for which others run takes none.
        self.assertFalse((self.dir / "cluster.db-work" / "trees.log").exists())
        self.assertTrue((self.dir / "local.db-work" / "trees.log").exists())

    def test_one_array_where_no_weights_pass(self):
        self.works("cluster", command="cat {data}/train/*/* | wc -c | sed 's/^/accuracy=0./'")
        # The sample, what is planned by its times, and what accuracies ask for.
        self.assertEqual([task["id"] for task in self.tasks()], [1] * 2 + [2] * 3 + [3])

    def test_what_failed_is_submitted_again(self):
        mended = self.dir / "mended"
        judge = f"case {{design}} in s1x1-b8-k15-q8) ;; *) test -e {mended} || exit 1;; esac; echo accuracy=0.5"
        self.fails("only 1 of 5 evaluations had a result", "mended", command=judge)
        first = len(self.tasks())
        mended.touch()
        self.works("mended", command=judge)
        self.assertEqual([row[3] for row in self.rows("mended")], [None] * 6)
        again = [task["id"] for task in self.tasks()[first:]]
        self.assertEqual(again.count(again[0]), 4)  # in one array

    def test_what_is_lost_is_submitted_again(self):
        self.trouble("0 NODE_FAIL", "6 PREEMPTED")
        self.works("cluster")
        self.works("local", executor="local")
        self.assertEqual(self.rows("cluster"), self.rows("local"))

    def test_a_limit_of_tries(self):
        self.trouble("0 NODE_FAIL", *(f"{n} NODE_FAIL" for n in range(1, 40)))
        self.fails(f"{REFERENCE}: Slurm's job", "cluster")
        self.assertEqual(self.rows("cluster"), [])
        lost = [task for task in self.tasks() if task["state"] == "NODE_FAIL"]
        self.assertEqual(len(lost), 2)
        self.trouble()
        self.works("cluster")  # the same command goes on
        self.assertEqual(len(self.rows("cluster")), 6)

    def test_a_controller_that_is_being_restarted(self):
        """A search that goes on waits until it is told which of its tasks live, and submits none of them twice."""
        self.trouble(*(f"{n} NODE_FAIL" for n in range(2, 40)))
        self.fails("Slurm's job", "cluster")
        tasks = self.tasks()
        self.assertEqual([task["state"] for task in tasks[:2]], ["COMPLETED"] * 2)
        tasks[2]["state"] = "RUNNING"  # it was not lost, and no other one has its key
        (self.dir / "tasks.json").write_text(json.dumps(tasks[:3]))
        self.trouble()
        (self.dir / "down").write_text("3")
        self.works("cluster")
        self.assertEqual((self.dir / "down").read_text(), "0")
        self.assertEqual(len(self.rows("cluster")), 6)
        self.assertEqual([task["state"] for task in self.tasks()], ["COMPLETED"] * 6)

    def test_a_design_that_takes_too_long(self):
        """It has no result, and the others have."""
        command = "cat {data}/train/*/* | wc -c | sed 's/^/accuracy=0./'"
        self.trouble("1 TIMEOUT", "2 TIMEOUT")
        self.works("cluster", command=command)
        failures = [failure for *_, failure in self.rows("cluster") if failure]
        self.assertEqual(len(failures), 1)
        self.assertRegex(failures[0], r"Slurm's job \d+_0: TIMEOUT")

    def test_messages(self):
        self.fails("sbatch: invalid partition specified: nope", "cluster", "--slurm=partition=nope")
        self.fails("array of sbatch is for the search to set", "cluster", "--slurm=array=0-3")
        self.fails("'--time=3' is not of the form OPTION=VALUE", "cluster", "--slurm=--time=3")
        self.fails("unknown executor 'pbs'; known: local, slurm", "cluster", executor="pbs")
        self.fails("options for sbatch, but not --executor slurm", "cluster", "--slurm=time=3", executor="local")
        self.assertEqual(self.tasks(), [])
        for name in ("sbatch", "squeue", "scancel"):
            (self.programs / name).unlink()
        tools = self.dir / "tools"  # a PATH without Slurm's, wherever that is installed
        tools.mkdir()
        for name in ("sh", "cat", "wc", "sed", "awk", "id", "umount", "rm", "rmdir"):
            (tools / name).symlink_to(shutil.which(name))
        self.environment["PATH"] = str(tools)
        self.fails("there is no Slurm here: sbatch was not found", "cluster")

    def test_jobs_that_are_none(self):
        job = self.dir / "job"
        for content in (b"", b"icfs job 1", b"icfs job 1\0", b"icfs job 1\0work=/tmp\0", b"icfs job 1\0seed\0",
                        b"icfs job 1\0dataset=/\0work=/\0threads=1\0design=s9\0", os.urandom(4096)):
            job.write_bytes(content)
            done = icfs("evaluate", job, self.dir / "answer")
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"this is no job", done.stderr)
        self.assertFalse((self.dir / "answer").exists())
        (self.dir / "answer").write_text("known")
        self.assertEqual(icfs("evaluate", job, self.dir / "answer").returncode, 0)
        self.assertEqual(icfs("evaluate", self.dir / "none", self.dir / "other").returncode, 1)

    def test_answers_that_are_none(self):
        """Such a file is removed, the search ends, and the same command goes on."""
        self.works("cluster")
        answers = sorted((self.dir / "cluster.db-work" / "slurm").glob("*.answer"))
        self.assertEqual(len(answers), 6)
        for answer in answers[:2]:
            answer.write_bytes(b"icfs answer 1 0 0x1p")
        (self.dir / "cluster.db").unlink()
        for _ in range(3):
            done = self.search("cluster")
            if done.returncode == 0:
                break
            self.assertIn(b"this is no answer", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.rows("cluster")), 6)


if __name__ == "__main__":
    unittest.main(verbosity=2)
