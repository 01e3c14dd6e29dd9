# SPDX-License-Identifier: MIT
"""scripts/bench-gpu: that it prepares its files, and, where there is a GPU, times them. How fast, no test says."""
import errno
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import types
from unittest import mock

from objects import BUILD, MKIMAGES, ROOT, Folder, main, run

import icfs

BENCH = ROOT / "scripts" / "bench-gpu"


def script():
    """As a module."""
    loader = importlib.machinery.SourceFileLoader("bench_gpu", str(BENCH))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_gpu", loader))
    loader.exec_module(module)
    return module


class Bench(Folder):
    def test_prepares_and_runs(self):
        run(MKIMAGES, "--classes", "2", "--count", "3", "--size", "250x240", self.dir / "set")
        made, result = self.dir / "made", self.dir / "result.json"
        (self.dir / "set" / "none.jpg").write_bytes(b"no JPEG")  # is left out
        run(os.environ["PYTHON"], BENCH, "prepare", self.dir / "set", made, "--build", BUILD)
        for kind in ("whole", "squares"):
            self.assertEqual(len(list((made / kind / "jpeg").iterdir())), 6)
            for design in ("s1x1-b8-k15-q8", "s1x1-b8-k6-q8"):
                files = sorted((made / kind / design).iterdir())
                self.assertEqual(len(files), 6)
                for image in map(icfs.open, files):
                    self.assertEqual(str(image.design), design)
                    self.assertEqual(image.size == (224, 224), kind == "squares")
        ran = subprocess.run([os.environ["PYTHON"], BENCH, "run", made, "--batch", "5", "--rounds", "1", "--json", result],
                             capture_output=True, text=True, check=False)
        if ran.returncode == 77:
            self.assertRegex(ran.stdout, "^SKIP: .")
            return
        self.assertEqual(ran.returncode, 0, ran.stderr)
        rows = json.loads(result.read_text())["rows"]
        self.assertEqual(len(rows), 10)
        for name, row in rows.items():
            self.assertGreater(row["seconds"], 0)
            self.assertIn(f"| {name} | ", ran.stdout)

    def test_images_are_from_all_over(self):
        """Of fewer than twice as many, they were the first ones of the list."""
        files = [self.put(f"{number // 5}/{number}.jpg", b"") for number in range(10)]
        for count, numbers in ((4, (0, 2, 5, 7)), (7, (0, 1, 2, 4, 5, 7, 8)), (10, range(10)), (99, range(10))):
            self.assertEqual(script().some_jpegs(self.dir, count), [files[number] for number in numbers])

    def test_a_gpu_that_fails_is_no_missing_one(self):
        """It was SKIP, whatever had failed."""
        (self.dir / "squares" / "s1x1-b8-k15-q8").mkdir(parents=True)
        self.put("squares/s1x1-b8-k15-q8/0.ic", b"any")
        torch = types.SimpleNamespace(cuda=types.SimpleNamespace(is_available=lambda: True))
        decoder = types.SimpleNamespace(decode=mock.Mock())
        modules = {"torch": torch, "torchvision": types.ModuleType("torchvision"),
                   "torchvision.io": types.ModuleType("torchvision.io"), "icfs.torch": decoder}
        with mock.patch.dict(sys.modules, modules), mock.patch.object(icfs, "torch", decoder, create=True):
            why_missing = script().why_missing
            self.assertIsNone(why_missing(self.dir))
            decoder.decode.side_effect = OSError(errno.ENODEV, "no driver")
            self.assertIn("no driver", why_missing(self.dir))
            for error in (OSError(errno.EIO, "an illegal address"), MemoryError(), icfs.CorruptError("an object")):
                decoder.decode.side_effect = error
                self.assertRaises(type(error), why_missing, self.dir)
            torch.cuda.is_available = lambda: False
            self.assertIn("no GPU", why_missing(self.dir))
            sys.modules["torchvision.io"] = None  # cannot be imported
            self.assertIn("torchvision", why_missing(self.dir))

    def test_no_data(self):
        with self.assertRaisesRegex(AssertionError, "no JPEG was found"):
            run(os.environ["PYTHON"], BENCH, "prepare", self.dir, self.dir / "made")


if __name__ == "__main__":
    main(("PIL", "python3-pil"))
