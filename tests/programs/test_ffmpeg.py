# SPDX-License-Identifier: MIT
"""ffmpeg decodes to rawvideo, and turns a JPEG by its orientation. Its inverse DCT and its upsampling of chroma are its
own, so under jpeg luma is a rounding away and colours are near; a BMP has nothing to round."""

import subprocess

import numpy

from programs import EXACT, FINE, ProgramTest, needs, orientation, run, turned

SCALING = "accurate_rnd+full_chroma_int+full_chroma_inp+bilinear"
LUMA_BOUND = dict.fromkeys(EXACT, 1.5) | {FINE: 3}  # where no sample of RGB was cut to 0..255
COLOR_BOUND, COLOR_BOUND_SMALL = 4, 8  # in the mean over an image; in a small one, the edges are most of it
LARGE = 16


def luma(pixels):
    return pixels @ numpy.array((0.299, 0.587, 0.114))


class Ffmpeg(ProgramTest):
    def decode(self, names, layout):
        """One call for all: each file an input, and an output."""
        line = ["ffmpeg", "-v", "error", "-y"]
        for name in names:
            line += ["-i", self.point / name]
        for number in range(len(names)):
            line += ["-map", number, "-sws_flags", SCALING, "-pix_fmt", layout, "-f", "rawvideo",
                     self.dir / f"{number}.{layout}"]
        run(*line, stdin=subprocess.DEVNULL)
        return [numpy.fromfile(self.dir / f"{number}.{layout}", numpy.uint8) for number in range(len(names))]

    def assert_near(self, rgb, gray, expected, design, name):
        whole = ((expected > 0) & (expected < 255)).all(2)
        self.assertLessEqual(numpy.abs(gray - luma(expected))[whole].max(initial=0), LUMA_BOUND[design], name)
        bound = COLOR_BOUND if min(expected.shape[:2]) >= LARGE else COLOR_BOUND_SMALL
        self.assertLessEqual(numpy.abs(rgb.astype(int) - expected).mean(), bound, name)

    def test_rawvideo(self):
        def check(design, face):
            colors = self.decode(self.jpegs, "rgb24")
            grays = self.decode(self.jpegs, "gray")
            for name, rgb, gray in zip(self.jpegs, colors, grays, strict=True):
                tag = orientation(self.content[name]) if face == "jpeg" else 1
                expected = turned(self.pixels_of(name, design), tag)
                rgb, gray = rgb.reshape(expected.shape), gray.reshape(expected.shape[:2])
                if face == "bmp":
                    self.assert_pixels(rgb, expected, 0, name)
                else:
                    self.assert_near(rgb, gray, expected, design, name)

        self.on_each(check)


if __name__ == "__main__":
    needs(("ffmpeg", "ffmpeg"))
