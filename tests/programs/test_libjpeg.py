# SPDX-License-Identifier: MIT
"""djpeg and jpegtran of libjpeg-turbo: exact pixels, and coefficients that survive a lossless rewrite."""

import io

import numpy
from PIL import Image

from programs import ProgramTest, needs, run

STUFFING_BOUND = 1.001  # where bytes of ones fall, behind which a byte of zeros is written, is chance

def pixels(pnm):
    return numpy.array(Image.open(io.BytesIO(pnm)).convert("RGB"))


class Libjpeg(ProgramTest):
    def test_djpeg(self):
        def check(design, face):
            for name in self.jpegs:
                seen = pixels(run("djpeg", "-pnm", self.point / name))
                self.assert_pixels(seen, self.pixels_of(name, design), self.bound(design, face), name)

        self.on_each(check, faces=("jpeg",))

    def test_jpegtran(self):
        def check(design, face):
            for name in self.jpegs:
                rewritten = run("jpegtran", "-copy", "all", "-progressive", self.point / name)
                again = run("jpegtran", "-copy", "all", "-optimize", input=rewritten)
                seen = pixels(run("djpeg", "-pnm", input=again))
                self.assert_pixels(seen, self.pixels_of(name, design), self.bound(design, face), name)

        self.on_each(check, faces=("jpeg",))

    def test_huffman_tables_are_the_best(self):
        """What is served is not longer than what jpegtran makes of it, which counts every symbol."""
        def check(design, face):
            for name in self.jpegs:
                nbytes = (self.point / name).stat().st_size
                optimal = len(run("jpegtran", "-copy", "all", "-optimize", self.point / name))
                self.assertLessEqual(nbytes, STUFFING_BOUND * optimal, name)

        self.on_each(check, faces=("jpeg",))


if __name__ == "__main__":
    needs(("djpeg", "libjpeg-turbo-progs"), ("jpegtran", "libjpeg-turbo-progs"))
