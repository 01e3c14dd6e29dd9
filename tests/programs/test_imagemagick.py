# SPDX-License-Identifier: MIT
"""ImageMagick's identify and convert. Its decoder of JPEGs is libjpeg-turbo; samples are 16 bits inside, and back."""

import numpy
from PIL import Image

from programs import ProgramTest, needs, run


class ImageMagick(ProgramTest):
    def test_identify(self):
        def check(design, face):
            lines = run("identify", "-format", "%m %w %h\n", *(self.point / name for name in self.images)).decode()
            for name, line in zip(self.images, lines.splitlines(), strict=True):
                height, width = self.pixels_of(name, design).shape[:2]
                kind = {"jpeg": "JPEG", "bmp": "BMP3"}[face] if name in self.jpegs else "PNG"
                self.assertIn(line.replace("BMP ", "BMP3 "), f"{kind} {width} {height}", name)

        self.on_each(check)

    def test_convert(self):
        def check(design, face):
            run("convert", *(self.point / name for name in self.images), "-depth", "8", self.dir / "%d.ppm")
            for number, name in enumerate(self.images):
                seen = numpy.array(Image.open(self.dir / f"{number}.ppm").convert("RGB"))
                self.assert_pixels(seen, self.pixels_of(name, design), self.bound(design, face), name)

        self.on_each(check)


if __name__ == "__main__":
    needs(("identify", "imagemagick"), ("convert", "imagemagick"))
