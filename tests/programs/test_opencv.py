# SPDX-License-Identifier: MIT
"""OpenCV's imread, which turns an image by its orientation: under jpeg as it would the source, while a BMP has none.
Its decoder of JPEGs is libjpeg-turbo."""

from programs import ProgramTest, needs, orientation, turned


class OpenCV(ProgramTest):
    def test_imread(self):
        import cv2

        def check(design, face):
            for name in self.images:
                bound, expected = self.bound(design, face), self.pixels_of(name, design)
                plain = cv2.imread(str(self.point / name), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
                self.assert_pixels(plain[:, :, ::-1], expected, bound, name)
                seen = cv2.imread(str(self.point / name), cv2.IMREAD_COLOR)
                tag = orientation(self.content[name]) if face == "jpeg" else 1
                self.assert_pixels(seen[:, :, ::-1], turned(expected, tag), bound, name)

        self.on_each(check)


if __name__ == "__main__":
    needs(("import cv2", "python3-opencv"))
