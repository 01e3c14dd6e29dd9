# SPDX-License-Identifier: MIT
"""scripts/bench-python: that all of it runs. How fast anything is, no test says."""
import json
import os

from mounting import why_not
from objects import BUILD, MKIMAGES, ROOT, Folder, main, run


class Bench(Folder):
    def test_quick(self):
        run(MKIMAGES, "--classes", "2", "--count", "3", "--size", "96x64", self.dir / "set")
        result = self.dir / "result.json"
        output = run(os.environ["PYTHON"], ROOT / "scripts" / "bench-python", self.dir / "set", "--quick", "--no-peers",
                     "--build", BUILD, "--json", result, "--work", self.dir).decode()
        found = json.loads(result.read_text())
        self.assertEqual(found["missing"], {})
        self.assertEqual(len(found["rows"]), 14)
        for name, row in found["rows"].items():
            self.assertGreater(row["ms"][0], 0)
            self.assertIn(f"| {name} | ", output)
        self.assertIn("the hook adds", output)

    def test_no_data(self):
        with self.assertRaisesRegex(AssertionError, "no JPEG was found"):
            run(os.environ["PYTHON"], ROOT / "scripts" / "bench-python", self.dir, "--quick", "--build", BUILD)


if __name__ == "__main__":
    main(("torch", "python3-torch"), ("torchvision", "python3-torchvision"), unless=why_not())
