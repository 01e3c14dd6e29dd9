#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: MIT
"""sbatch, squeue and scancel of a cluster that is not there: sbatch runs each task before it returns. In the folder
FAKE_SLURM, `trouble` may have lines "N STATE": what becomes of the N-th task submitted, in place of being run (RUNNING: it
runs once squeue has told of it); and `down` how often squeue has yet to find no controller."""

import json
import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(os.environ["FAKE_SLURM"])


def load():
    path = FOLDER / "tasks.json"
    return json.loads(path.read_text()) if path.exists() else []


def trouble(n):
    path = FOLDER / "trouble"
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split()[1] for line in lines if int(line.split()[0]) == n), None)


def outcome(tasks, options, script, index):
    after = options.get("dependency", "").removeprefix("afterok:")
    if after and not any(f"{t['id']}_{t['index']}" == after and t["state"] == "COMPLETED" for t in tasks):
        return "CANCELLED", "DependencyNeverSatisfied"
    instead = trouble(len(tasks))
    if instead:
        return instead, "None"
    return run(options, script, index)


def run(options, script, index):
    done = subprocess.run(["sh", script], stdin=subprocess.DEVNULL,
                         env=os.environ | {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_JOB_NAME": options["job-name"]},
                         stdout=open(options["output"].replace("%a", str(index)), "ab"), stderr=subprocess.STDOUT)
    return ("FAILED", "NonZeroExitCode") if done.returncode else ("COMPLETED", "None")


def sbatch():
    options = dict(word.removeprefix("--").partition("=")[::2] for word in sys.argv[1:-1])
    if options.get("partition") == "nope":
        sys.exit("sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed")
    tasks = load()
    job = 1 + max((task["id"] for task in tasks), default=0)
    for index in range(1 + int(options["array"].partition("%")[0].split("-")[1])):
        state, reason = outcome(tasks, options, sys.argv[-1], index)
        tasks.append({"name": options["job-name"], "id": job, "index": index, "state": state, "reason": reason,
                      "options": options, "script": sys.argv[-1]})
        (FOLDER / "tasks.json").write_text(json.dumps(tasks))
    print("sbatch: warning: this cluster is not there", file=sys.stderr)
    print(job)


def squeue():
    down = FOLDER / "down"
    left = int(down.read_text()) if down.exists() else 0
    if left:
        down.write_text(str(left - 1))
        sys.exit("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    tasks = load()
    for task in tasks:
        print(task["name"], task["id"], task["index"], task["state"], task["reason"], sep="|")
    for task in tasks:
        if task["state"] == "RUNNING":
            task["state"], task["reason"] = run(task["options"], task["script"], task["index"])
    (FOLDER / "tasks.json").write_text(json.dumps(tasks))


{"sbatch": sbatch, "squeue": squeue, "scancel": lambda: None}[pathlib.Path(sys.argv[0]).name]()
