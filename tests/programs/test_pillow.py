# SPDX-License-Identifier: MIT
"""Pillow sees the size, the kind, the orientation and the pixels that `icfs decode` shows; it is libjpeg-turbo."""

import numpy
from PIL import Image

from programs import ORIENTATION, ProgramTest, needs, orientation


class Pillow(ProgramTest):
    def test_pixels(self):
        def check(design, face):
            for name in self.images:
                with Image.open(self.point / name) as image:
                    seen = numpy.array(image.convert("RGB"))
                self.assert_pixels(seen, self.pixels_of(name, design), self.bound(design, face), name)

        self.on_each(check)

    def test_kind(self):
        def check(design, face):
            for name in self.jpegs:
                with Image.open(self.point / name) as image, Image.open(self.source / name) as source:
                    self.assertEqual(image.format, {"jpeg": "JPEG", "bmp": "BMP"}[face], name)
                    self.assertEqual("L" if image.mode == "P" else image.mode, source.mode, name)
                    shown = image.getexif().get(ORIENTATION, 1)
                self.assertEqual(shown, orientation(self.content[name]) if face == "jpeg" else 1, name)

        self.on_each(check)


if __name__ == "__main__":
    needs()
