# SPDX-License-Identifier: MIT
"""icfs search judges designs by scripts/train_frequency.py, on trees of the face ic, and weights pass between networks
of different inputs."""
import contextlib
import os
import re
import sqlite3
import sys

from mounting import MountTest, why_not
from objects import ICFS, MKIMAGES, ROOT, main, run

EVALUATIONS = 5


class Search(MountTest):
    def test_it_judges_designs(self):
        run(MKIMAGES, "--classes", "2", "--count", "10", "--size", "96x72", self.source)
        for path in self.source.rglob("really-a-png.jpg"):
            path.unlink()  # under the face ic an I/O error
        line = (f"{sys.executable} {ROOT}/scripts/train_frequency.py {{data}} --epochs 1 --size 64 --batch 8 --workers 1 "
                "--device cpu --seed {seed} --model mobilenet_v3_small {init:--init} --save {save}")
        catalog = self.dir / "search.db"
        told = run(ICFS, "search", "--catalog", catalog, "--evaluations", EVALUATIONS, "--buckets", "3", "--max-loss",
                   "100%", "--command", line, "--set", "face=ic", self.source,
                   env={**os.environ, "OMP_NUM_THREADS": "1"}).decode()
        # All, or fewer where nothing is left to find out: a network that learned nothing calls all designs alike.
        made = re.search(r"^run 1: (\d) evaluations made, 0 known before, 0 without a result$", told, re.M)
        self.assertTrue(made and 3 <= int(made[1]) <= EVALUATIONS, told)
        with contextlib.closing(sqlite3.connect(catalog)) as db:
            rows = db.execute("SELECT accuracy, train_s, infer_s, lineage FROM measurement").fetchall()
        self.assertEqual(len(rows), int(made[1]))
        self.assertEqual(sum(not lineage for *_, lineage in rows), 1)
        for accuracy, train_s, infer_s, _ in rows:
            self.assertTrue(0 <= accuracy <= 1 and train_s > 0 and infer_s > 0)


if __name__ == "__main__":
    main(("torch", "python3-torch"), ("torchvision", "python3-torchvision"), unless=why_not())
