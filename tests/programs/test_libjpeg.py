# SPDX-License-Identifier: MIT
"""djpeg and jpegtran of libjpeg-turbo: exact pixels, and coefficients that survive a lossless rewrite."""

import io

import numpy
from PIL import Image

from programs import ProgramTest, needs, run


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

    def test_huffman_tables_are_nearly_the_best(self):
        """What is served is little longer than what jpegtran makes of it, which counts every symbol and has codes of up
        to 16 bits, not 8. Zeros behind bytes of ones do not count: how many there are is chance, for any code."""
        def check(design, face):
            for name in self.jpegs:
                served = (self.point / name).read_bytes()
                optimal = run("jpegtran", "-copy", "all", "-optimize", self.point / name)
                least = len(optimal) - optimal.count(b"\xff\0")
                self.assertLessEqual(20 * (len(served) - served.count(b"\xff\0")), 21 * least, name)

        self.on_each(check, faces=("jpeg",))


if __name__ == "__main__":
    needs(("djpeg", "libjpeg-turbo-progs"), ("jpegtran", "libjpeg-turbo-progs"))
