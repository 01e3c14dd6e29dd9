# SPDX-License-Identifier: MIT
"""scripts/train.py, which knows nothing of icfs, trains on a tree and on a mount of it. Where the design keeps every
coefficient the pixels are equal, and so is what is learnt."""

import contextlib
import json
import os
import pathlib
import shlex
import sqlite3
import sys
import unittest.mock

from mounting import ICFS, MKIMAGES, MountTest
from programs import needs, run

SCRIPTS = pathlib.Path(os.environ["ICFS_SOURCE_ROOT"]) / "scripts"
TRAIN = SCRIPTS / "train.py"
DESIGNS = SCRIPTS / "train-designs"
LOSSLESS = "s1x1-b8-k15-q8"  # of sources that are 4:2:0, with coefficients that fit 8 bits


class Train(MountTest):
    def setUp(self):
        super().setUp()
        run(MKIMAGES, "--classes", "2", "--count", "15", "--size", "96x72", self.source)

    def train(self, data, workers, *options):
        """What the script prints last, by name."""
        line = [sys.executable, TRAIN, data, "--epochs", "1", "--size", "64", "--batch", "8", "--workers", workers,
                "--device", "cpu", *options]
        # One thread: sums in another order would be other sums.
        lines = run(*line, env=dict(os.environ, OMP_NUM_THREADS="1")).decode().splitlines()
        self.assertRegex(lines[0], r"^epoch 1/1: loss \d+\.\d{3}, accuracy [01]\.\d{4}, ")
        told = dict(line.split("=") for line in lines[-7:])
        self.assertEqual(list(told), ["accuracy", "images_per_s", "bytes_read", "wait_share", "train_s", "infer_s",
                                     "test_s"])
        return {name: float(value) for name, value in told.items()}

    def test_a_short_batch_says_nothing_of_an_image(self):
        """By a clock that only the model moves: 20 ms a batch, and 1 ms an image."""
        with unittest.mock.patch.object(sys, "path", [str(SCRIPTS), *sys.path]):
            import torch
            import train
        clock = [0.0]

        class Model(torch.nn.Module):
            def forward(self, images):
                clock[0] += 0.02 + 0.001 * len(images)
                return torch.zeros(len(images), 2)

        batches = [(torch.zeros(n, 3, 2, 2), torch.zeros(n, dtype=torch.long)) for n in (32, 4)]
        with unittest.mock.patch.object(train.time, "perf_counter", lambda: clock[0]):
            told = train.evaluate(Model(), batches, torch.device("cpu"))
        self.assertAlmostEqual(told["infer_s"], 0.052 / 32)
        self.assertAlmostEqual(told["test_s"], 0.076 / 36)

    def assert_sane(self, told, tree):
        self.assertTrue(0 <= told["accuracy"] <= 1)
        self.assertGreater(told["images_per_s"], 0)
        self.assertEqual(told["bytes_read"], sum(path.stat().st_size for path in (tree / "train").rglob("*.[jJ]*")))
        self.assertTrue(0 <= told["wait_share"] <= 1)
        self.assertAlmostEqual(told["train_s"] * told["images_per_s"], 1 - told["wait_share"], delta=0.01)
        self.assertGreater(told["infer_s"], 0)
        self.assertGreater(told["test_s"], 0)

    def test_a_mount_learns_what_the_tree_learns(self):
        weights = {self.source: self.dir / "tree" / "weights.pt", self.point: self.dir / "mount" / "weights.pt"}
        for path in weights.values():
            path.parent.mkdir()
        self.mount(f"design={LOSSLESS}", "face=jpeg")
        told = {tree: self.train(tree, 0, "--seed", "3", "--save", weights[tree]) for tree in weights}
        for tree in told:
            self.assert_sane(told[tree], tree)
        self.assertEqual(told[self.point]["accuracy"], told[self.source]["accuracy"])
        self.assertEqual(weights[self.point].read_bytes(), weights[self.source].read_bytes())

    def test_workers(self):
        self.mount("design=s2x2-b8-k6-q8", "face=jpeg")
        told = {tree: self.train(tree, 2) for tree in (self.source, self.point)}
        for tree in told:
            self.assert_sane(told[tree], tree)
        self.assertLess(told[self.point]["bytes_read"], told[self.source]["bytes_read"])

    def test_a_checkpoint_goes_on(self):
        self.mount(f"design={LOSSLESS}", "face=bmp")
        first = self.train(self.point, 0, "--save", self.dir / "first.pt")
        again = run(sys.executable, TRAIN, self.point, "--epochs", "0", "--size", "64", "--batch", "8", "--workers",
                    "0", "--device", "cpu", "--init", self.dir / "first.pt").decode()
        self.assertIn(f"accuracy={first['accuracy']:.6f}\n", again)

    def test_every_model(self):
        """Each can be trained, and its running means follow within a small data set: at MobileNet's own momentum its
        accuracy stayed at chance for hundreds of steps."""
        asked = ("import runpy, sys, torch\n"
                 "script = runpy.run_path(sys.argv[1])\n"
                 "for name in (*script['MODELS'], 'vit_small'):\n"
                 "    model = script['make_model'](name, 3, 64)\n"
                 "    scores = model(torch.rand(2, 3, 64, 64))\n"
                 "    scores.square().sum().backward()\n"
                 "    assert all(p.grad is not None for p in model.parameters()), name\n"
                 "    momenta = {m.momentum for m in model.modules() if 'BatchNorm' in type(m).__name__}\n"
                 "    print(name, tuple(scores.shape), *momenta)\n")
        told = run(sys.executable, "-c", asked, TRAIN).decode().splitlines()
        convolutions = ("resnet18", "resnet50", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0")
        self.assertEqual(told, [f"{name} (2, 3) 0.1" for name in convolutions] + ["vit_small (2, 3)"])


class Search(MountTest):
    def test_it_judges_designs_as_it_is(self):
        """icfs search runs it on each design, and the weights go from one to the next."""
        run(MKIMAGES, "--classes", "2", "--count", "10", "--size", "96x72", self.source)
        line = (f"{sys.executable} {shlex.quote(str(TRAIN))} {{data}} --epochs 1 --size 32 --batch 8 --workers 0 --device cpu --seed {{seed}} "
                "--model mobilenet_v3_small {init:--init} --save {save}")
        catalog = self.dir / "search.db"
        told = run(ICFS, "search", "--catalog", catalog, "--evaluations", "4", "--buckets", "3", "--max-loss", "100%",
                   "--keep-weights", "--command", line, self.source, env=dict(os.environ, OMP_NUM_THREADS="1")).decode()
        self.assertIn("run 1: 4 evaluations made, 0 known before, 0 without a result\n", told)
        self.assertEqual(len(list((self.dir / "search.db-work").glob("run-1-*/*"))), 4)
        with contextlib.closing(sqlite3.connect(catalog)) as db:
            rows = db.execute("SELECT accuracy, train_s, infer_s, lineage FROM measurement").fetchall()
        self.assertEqual(len(rows), 4)
        self.assertEqual(sum(not lineage for *_, lineage in rows), 1)
        for accuracy, train_s, infer_s, _ in rows:
            self.assertTrue(0 <= accuracy <= 1 and train_s > 0 and infer_s > 0)


class TrainDesigns(MountTest):
    OPTIONS = ("--epochs", "2", "--size", "32", "--batch", "8", "--workers", "0", "--device", "cpu")
    SPARSE = "s2x2-b8-k6-q8,jpeg"

    def setUp(self):
        super().setUp()
        run(MKIMAGES, "--classes", "2", "--count", "10", "--size", "96x72", self.source)
        self.results = self.dir / "results.jsonl"

    def run_designs(self, *options):
        run(sys.executable, DESIGNS, "run", self.results, self.source, "--icfs", ICFS, "--seeds", "2", "--design",
            f"{LOSSLESS},jpeg", "--design", self.SPARSE, *options, "--", *self.OPTIONS,
            env=dict(os.environ, OMP_NUM_THREADS="1", TMPDIR=str(self.dir)))

    def done(self):
        return [json.loads(line) for line in self.results.read_text().splitlines()]

    def table(self, name):
        """Rows of cells, by their first one."""
        lines = run(sys.executable, DESIGNS, name, self.results).decode().splitlines()
        self.assertEqual(lines[0], f"{self.source.name}, `{' '.join(self.OPTIONS)}`:")
        rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
        self.assertEqual(len({len(cells) for cells in rows}), 1)
        return {cells[0]: dict(zip(rows[0], cells)) for cells in rows[1:]}

    def test_goes_on_where_it_was_interrupted(self):
        self.run_designs("--most", "2")
        first = self.done()
        self.assertEqual([result["tree"] for result in first], ["JPEG tree", f"{LOSSLESS},jpeg"])
        self.run_designs()
        trees = ["JPEG tree", f"{LOSSLESS},jpeg", self.SPARSE]
        self.assertEqual(self.done()[:2], first)
        self.assertEqual([(result["seed"], result["tree"]) for result in self.done()],
                         [(seed, tree) for seed in (0, 1) for tree in trees])
        self.run_designs()
        self.assertEqual(len(self.done()), 6)
        self.check_tables(trees)

    def check_tables(self, trees):
        accuracy, speed = self.table("accuracy"), self.table("speed")
        self.assertEqual(list(accuracy), trees)
        self.assertEqual(list(speed), trees)
        self.assertEqual(accuracy[trees[1]]["seeds"], accuracy["JPEG tree"]["seeds"])  # equal pixels
        self.assertEqual(accuracy[trees[1]]["against the tree"], "+0.0")
        self.assertLess(float(accuracy[self.SPARSE]["of the tree"]), 1)
        for cells in speed.values():
            self.assertRegex(cells["waiting"], r"^\d+ %$")
            self.assertGreater(float(cells["loading, ms an image"]), 0)

    def test_speed_needs_two_epochs(self):
        self.results.write_text(json.dumps({"data": "x", "tree": "JPEG tree", "seed": 0, "options": [],
                                            "bytes_read": 1.0, "epochs": [{"images_per_s": 1, "wait_share": 1}]}))
        with self.assertRaisesRegex(AssertionError, "two epochs"):
            run(sys.executable, DESIGNS, "speed", self.results)

    def test_inference(self):
        """By hand: two seeds lose 1 and 3 points; Student's t of one degree of freedom is 12.706."""
        def result(tree, seed, accuracy, nbytes, infer_s, test_s):
            return {"data": self.source.name, "tree": tree, "seed": seed, "options": list(self.OPTIONS),
                    "accuracy": accuracy, "bytes_read": nbytes, "infer_s": infer_s, "test_s": test_s, "epochs": []}
        sparse = f"{LOSSLESS},ic"
        results = [result("JPEG tree", 0, 0.80, 4e6, 0.001, 0.004), result("JPEG tree", 1, 0.90, 4e6, 0.001, 0.005),
                   result(sparse, 0, 0.79, 1e6, 0.0005, 0.001), result(sparse, 1, 0.87, 1e6, 0.0004, 0.0008)]
        self.results.write_text("".join(json.dumps(line) + "\n" for line in results))
        told = self.table("inference")
        self.assertEqual(list(told["JPEG tree"].values()),
                         ["JPEG tree", "85.0", "2", "", "1.00", "3.00", "4.00", "1.0", "4.00", "1.00"])
        self.assertEqual(list(told[sparse].values()),
                         [sparse, "83.0", "2", "2.0 (-10.7 to 14.7)", "0.40", "0.40", "0.80", "5.0", "1.00", "0.25"])

    def test_nothing_stays_mounted(self):
        with unittest.mock.patch.dict(os.environ, ICFS_LIBRARY="/dev/null"), self.assertRaises(AssertionError):
            self.run_designs("--design", "s1x1-b8-k1-q8,ic")
        self.assertEqual(len(self.done()), 3)
        self.assertNotIn(str(self.dir), pathlib.Path("/proc/mounts").read_text())


if __name__ == "__main__":
    needs(("import torch", "python3-torch"), ("import torchvision", "python3-torchvision"))
