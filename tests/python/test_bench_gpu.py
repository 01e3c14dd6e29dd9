# SPDX-License-Identifier: MIT
"""scripts/bench-gpu: that it prepares its files, and, where there is a GPU, times them. How fast, no test says."""
import json
import os
import subprocess

from objects import BUILD, MKIMAGES, ROOT, Folder, main, run

import icfs

BENCH = ROOT / "scripts" / "bench-gpu"


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
            self.assertIn("SKIP: ", ran.stdout)
            return
        self.assertEqual(ran.returncode, 0, ran.stderr)
        rows = json.loads(result.read_text())["rows"]
        self.assertEqual(len(rows), 10)
        for name, row in rows.items():
            self.assertGreater(row["seconds"], 0)
            self.assertIn(f"| {name} | ", ran.stdout)

    def test_no_data(self):
        with self.assertRaisesRegex(AssertionError, "no JPEG was found"):
            run(os.environ["PYTHON"], BENCH, "prepare", self.dir, self.dir / "made")


if __name__ == "__main__":
    main(("PIL", "python3-pil"))
