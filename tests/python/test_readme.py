# SPDX-License-Identifier: MIT
"""README's program in Python, and the lines of docs/python.md on one image and on batches, run as they are written."""
import os

import numpy as np

from objects import ROOT, Folder, blocks, main, photo, run

import icfs


class Readme(Folder):
    def test_program(self):
        program, = blocks((ROOT / "README.md").read_text(), "icfs.decode_batch")
        self.assertLessEqual(len([line for line in program.splitlines() if line.strip()]), 10)
        paths = [self.put(f"{number}.ic", photo(number=number)) for number in range(3)]
        output = run(os.environ["PYTHON"], self.put("program.py", program.encode()), *paths).decode().splitlines()
        self.assertEqual(output, ["(151, 123) s2x2-b8-k6-q8 (123, 151, 3) (21, 16, 19)",
                                  "(3, 3, 224, 224) (3, 21, 28, 28) (3, 42, 14, 14)"])

    def test_page(self):
        self.put("cat.ic", photo())
        names = {"icfs": icfs, "paths": [self.dir / "cat.ic"] * 2, "flips": [True, False]}
        os.chdir(self.dir)
        self.addCleanup(os.chdir, "/")
        image, = blocks((ROOT / "docs/python.md").read_text(), "image.coefficients")
        batch, resized = blocks((ROOT / "docs/python.md").read_text(), "batch = icfs.decode_batch")
        exec(image, names)
        exec(batch, names)
        self.assertEqual(names["batch"].values.shape, (2, 3, 224, 224))
        self.assertEqual(names["batch"].values.dtype, np.float32)
        names["boxes"] = [(0, 0, 50, 60), (20, 30, 100, 90)]
        exec(resized, names)
        self.assertEqual(names["batch"].regions.tolist(), [[0, 0, 60, 50], [30, 20, 90, 100]])
        self.assertEqual(icfs.decode_batch(names["paths"], names["evaluate"]).values.shape, (2, 3, 224, 224))


if __name__ == "__main__":
    main()
