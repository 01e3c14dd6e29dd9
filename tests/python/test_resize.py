# SPDX-License-Identifier: MIT
"""Spec(fit="resize") against Pillow's resize of the same pixels, bit for bit: sizes of every kind, boxes, the middle at a
shorter side, types and axes; what is refused; and the benchmark of it."""
import os
import random

import numpy as np
from PIL import Image

from objects import BUILD, DENSE, ROOT, SPARSE, Folder, main, objects, photo, photo_jpegs, run

import icfs
from icfs import Spec, Window

SIZES = ((1, 1), (1, 300), (300, 1), (7, 5), (40, 60), (224, 224), (245, 301), (64, 301), (517, 3), (600, 700))
LONG = 3000  # what one pixel is stretched to, and no less than that many are pressed into one


def pixels_of(content):
    return Image.fromarray(icfs.open(content).rgb())


def resized(picture, size, box=None):
    """By Pillow, of the box (top, left, height, width) alone."""
    if box is not None:
        top, left, height, width = box
        picture = picture.crop((left, top, left + width, top + height))
    return np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR))


def any_box(dice, picture):
    height, width = dice.randint(1, picture.height), dice.randint(1, picture.width)
    return dice.randint(0, picture.height - height), dice.randint(0, picture.width - width), height, width


class Pixels(Folder):
    def assert_same(self, content, size, found, expected):
        np.testing.assert_array_equal(found, expected, f"{icfs.open(content)} to {size}")

    def test_whole_images(self):
        contents = [*objects().values(), photo(DENSE), photo("s1x1-b8-k9-q5-c1"), photo("s4x4-b8-k6-q8")]
        pictures = [pixels_of(content) for content in contents]
        for size in SIZES:
            expected = [resized(picture, size) for picture in pictures]
            for axes, order in (("NHWC", (0, 1, 2)), ("NCHW", (2, 0, 1))):
                batch = icfs.decode_batch(contents, Spec(axes=axes, size=size, fit="resize"), threads=2)
                for content, pixels, values in zip(contents, expected, batch.values):
                    self.assert_same(content, size, values, pixels.transpose(order))
                self.assertEqual(batch.regions.tolist(), [[0, 0, *picture.size] for picture in pictures])

    def test_extreme_ratios(self):
        for name in ("size-1x1", "size-7x7"):
            content = objects()[name]
            for size in ((1, LONG), (LONG, 1), (LONG, LONG // 3)):
                found = icfs.open(content).tensor(Spec(axes="NHWC", size=size, fit="resize")).values
                self.assert_same(content, size, found, resized(pixels_of(content), size))

    def test_boxes(self):
        dice = random.Random(7)
        contents = [photo(SPARSE, 0), photo(DENSE, 1), objects()["grayscale"], objects()["size-7x7"]] * 12
        pictures = [pixels_of(content) for content in contents]
        boxes = [any_box(dice, picture) for picture in pictures]
        for size in SIZES:
            batch = icfs.decode_batch(contents, Spec(axes="NHWC", size=size, fit="resize"), boxes=boxes)
            for content, picture, box, values, region in zip(contents, pictures, boxes, batch.values, batch.regions):
                self.assert_same(content, size, values, resized(picture, size, box))
                self.assertEqual(region.tolist(), [box[1], box[0], box[3], box[2]])

    def test_a_box_without_sides_goes_to_the_edge(self):
        picture, spec = pixels_of(photo()), Spec(axes="NHWC", size=20, fit="resize")
        for box, expected in (((5, 9, 0, 30), (5, 9, picture.height - 5, 30)),
                              ((icfs.CENTER, icfs.CENTER, 0, 0), (0, 0, picture.height, picture.width)),
                              ((icfs.CENTER, 2, 45, 0), ((picture.height - 45) // 2, 2, 45, picture.width - 2))):
            for found in (icfs.decode_batch([photo()], spec, boxes=box).values[0],
                          icfs.open(photo()).tensor(spec, Window(box[0], box[1], False, box[2], box[3])).values):
                self.assert_same(photo(), 20, found, resized(picture, (20, 20), expected))

    def test_the_middle_at_a_shorter_side(self):
        for content in (photo(), photo(DENSE), objects()["grayscale"], objects()["size-7x7"]):
            picture = pixels_of(content)
            width, height = picture.size
            for short, size in ((64, (64, 64)), (64, (41, 30)), (301, (224, 223)), (90, (1, 90))):
                scaled = [short * side // min(width, height) for side in (height, width)]
                whole = resized(picture, scaled)
                top, left = (round((has - wants) / 2) for has, wants in zip(scaled, size))
                found = icfs.open(content).tensor(Spec(axes="NHWC", size=size, fit="resize", short_side=short)).values
                self.assert_same(content, size, found, whole[top:top + size[0], left:left + size[1]])

    def test_flips_types_mean_and_std(self):
        expected = resized(pixels_of(photo(DENSE)), (50, 60), (3, 4, 200, 100))[:, ::-1].astype(np.float32)
        mean, scale = np.float32(icfs.IMAGENET_MEAN), (1 / np.float64(icfs.IMAGENET_STD)).astype(np.float32)
        for dtype in ("float16", "float32"):
            for axes, order in (("NHWC", (0, 1, 2)), ("NCHW", (2, 0, 1))):
                spec = Spec(dtype=dtype, axes=axes, size=(50, 60), fit="resize", mean=icfs.IMAGENET_MEAN,
                            std=icfs.IMAGENET_STD)
                found = icfs.decode_batch([photo(DENSE)], spec, boxes=(3, 4, 200, 100), flips=True).values[0]
                self.assert_same(photo(DENSE), (50, 60), found,
                                 ((expected - mean) * scale).astype(dtype).transpose(order))


class Refused(Folder):
    def test_what_cannot_be(self):
        image = icfs.open(photo())
        width, height = image.size
        resize = Spec(size=20, fit="resize")
        for spec, window, error in (
                (Spec(size=20, fit="crop"), Window(height=20, width=20), icfs.ArgumentError),
                (resize, Window(width=-1), icfs.ArgumentError), (resize, Window(height=2**32), icfs.ArgumentError),
                (resize, Window(height, 0), icfs.ShapeError), (resize, Window(1, 0, False, height), icfs.ShapeError),
                (resize, Window(0, 5, False, 5, width - 4), icfs.ShapeError),
                (resize, Window(0, 0, False, 5, 2**32 - 1), icfs.ShapeError)):
            with self.assertRaises(error, msg=f"{spec} {window}"):
                image.tensor(spec, window)

    def test_boxes_that_are_none(self):
        spec = Spec(size=20, fit="resize")
        for boxes in ((0, 0, -1, 5), (0, 0, 2**32, 5), (-2, 0, 5, 5), (0, 2**40, 5, 5)):
            with self.assertRaises(icfs.ArgumentError, msg=str(boxes)):
                icfs.decode_batch([photo()], spec, boxes=boxes)
        with self.assertRaises(icfs.ArgumentError):
            icfs.decode_batch([photo()], spec, boxes=(0, 0, 5, 5), corners="center")
        failed = icfs.decode_batch([photo(), objects()["size-7x7"]], spec, boxes=(8, 8, 5, 5), errors="return")
        self.assertEqual(list(failed.errors), [1])
        self.assertFalse(failed.values[1].any())
        self.assertTrue(failed.values[0].any())


class Bench(Folder):
    """scripts/bench-resize: that all of it runs. How fast anything is, no test says."""

    def bench(self):
        return run(os.environ["PYTHON"], ROOT / "scripts" / "bench-resize", self.dir, "--images", 2, "--rounds", 1,
                   "--build", BUILD).decode()

    def test_rows(self):
        for number in range(3):
            self.put(f"set/{number}.jpg", photo_jpegs()[number])
        output = self.bench()
        self.assertIn("2 images, 1 rounds", output)
        self.assertEqual(sum(line.startswith(("| Pillow", "| `s")) for line in output.splitlines()), 10)

    def test_no_data(self):
        with self.assertRaisesRegex(AssertionError, "no JPEG was found"):
            self.bench()


if __name__ == "__main__":
    main()
