# SPDX-License-Identifier: MIT
"""icfs.decode_batch: every spec against NumPy on what single images decode to, memory that is reused, failures, threads,
a fork, and that other Python threads run meanwhile."""
import copy
import dataclasses
import errno
import gc
import mmap
import os
import pickle
import sys
import threading
import time
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np

from objects import DENSE, SPARSE, Folder, main, objects, photo

import icfs
from icfs import Spec, Window

FREQUENCIES = Spec(values="frequencies")


def photos(design=SPARSE, count=4):
    return [photo(design, number) for number in range(count)]


def mapped(content):
    """Bytes as a memory map."""
    found = mmap.mmap(-1, len(content))
    found.write(content)
    return found


def grids(image):
    """Coefficients as a spec gives them, float64: luma's, and chroma's on its own grid, channels by frequency."""
    parts = [image.coefficients(component).astype(float) for component in range(image.components)]
    if image.components == 1:
        return parts[0], None
    return parts[0], np.stack(parts[1:], 1).reshape(-1, *parts[1].shape[1:])


def repeated(image):
    """Chroma on luma's grid, the channels of a frequency side by side."""
    luma, chroma = grids(image)
    if chroma is None:
        return luma
    if image.design.chroma == 2:
        chroma = chroma.repeat(2, 1).repeat(2, 2)[:, :luma.shape[1], :luma.shape[2]]
    count = len(luma)
    return np.concatenate([luma[:, None], chroma.reshape(count, 2, *chroma.shape[1:])], 1).reshape(-1, *luma.shape[1:])


class Values(Folder):
    def test_pixels(self):
        for design in (SPARSE, DENSE, "s1x1-b16-k12-q6"):
            contents = photos(design)
            for axes, order in (("NHWC", (0, 1, 2)), ("NCHW", (2, 0, 1))):
                batch = icfs.decode_batch(contents, Spec(axes=axes))
                self.assertEqual(batch.values.dtype, np.uint8)
                self.assertIsNone(batch.chroma)
                for content, values in zip(contents, batch.values):
                    np.testing.assert_array_equal(values, icfs.open(content).rgb().transpose(order))

    def test_types_mean_and_std(self):
        content = photo()
        pixels = icfs.open(content).rgb().transpose(2, 0, 1)
        mean, scale = np.float32(icfs.IMAGENET_MEAN), (1 / np.float64(icfs.IMAGENET_STD)).astype(np.float32)
        expected = (pixels.astype(np.float32) - mean[:, None, None]) * scale[:, None, None]
        found = icfs.decode_batch([content], Spec(mean=icfs.IMAGENET_MEAN, std=icfs.IMAGENET_STD)).values[0]
        np.testing.assert_array_equal(found, expected)
        half = Spec(dtype="float16", mean=icfs.IMAGENET_MEAN, std=icfs.IMAGENET_STD)
        np.testing.assert_array_equal(icfs.decode_batch([content], half).values[0], expected.astype(np.float16))
        plain = icfs.decode_batch([content], Spec(dtype=np.float32)).values[0]
        np.testing.assert_array_equal(plain, pixels.astype(np.float32))
        one = icfs.decode_batch([content], Spec(mean=10, std=4)).values[0]
        np.testing.assert_array_equal(one, (pixels.astype(np.float32) - 10) * np.float32(0.25))

    def test_frequencies(self):
        for design in (SPARSE, DENSE, "s1x1-b8-k9-q5-c1", "s1x1-b16-k12-q6"):
            content = photo(design)
            image = icfs.open(content)
            np.testing.assert_array_equal(icfs.decode_batch([content], FREQUENCIES).values[0], repeated(image))
            luma, chroma = grids(image)
            found = icfs.decode_batch([content], Spec(values="frequencies", components=1)).values[0]
            np.testing.assert_array_equal(found, luma)
            found = image.tensor(Spec(values="frequencies", dtype="int8")).values
            np.testing.assert_array_equal(found, np.clip(repeated(image), -128, 127))
            if image.design.chroma == 2:
                found = icfs.decode_batch([content], Spec(values="frequencies", chroma="apart", dtype="float16"))
                np.testing.assert_array_equal(found.values[0], luma)
                np.testing.assert_array_equal(found.chroma[0], chroma)

    def test_frequencies_are_normalised_channel_by_channel(self):
        content = photo()
        image = icfs.open(content)
        luma, chroma = grids(image)
        count = len(luma) + len(chroma)
        mean, std = np.arange(count) / 4, 2.0 ** (np.arange(count) % 5)
        spec = Spec(values="frequencies", chroma="apart", mean=mean, std=std)
        found = icfs.decode_batch([content], spec)
        column = (slice(None), None, None)
        np.testing.assert_array_equal(found.values[0], (luma - mean[:21][column]) / std[:21][column])
        np.testing.assert_array_equal(found.chroma[0], (chroma - mean[21:][column]) / std[21:][column])

    def test_grayscale(self):
        content = objects()["grayscale"]
        image = icfs.open(content)
        luma = image.coefficients(0)
        np.testing.assert_array_equal(image.tensor(FREQUENCIES).values, luma)
        three = image.tensor(Spec(values="frequencies", components=3)).values
        np.testing.assert_array_equal(three[::3], luma)
        self.assertFalse(three[1::3].any() or three[2::3].any())
        apart = image.tensor(Spec(values="frequencies", components=3, chroma="apart"))
        np.testing.assert_array_equal(apart.values, luma)
        self.assertFalse(apart.chroma.any())

    def test_crops_pads_and_flips_of_pixels(self):
        contents = [photo(SPARSE, 0), photo("s1x1-b8-k6-q8", 1), objects()["size-7x7"], objects()["grayscale"]]
        spec = Spec(size=(40, 60), fit="crop or pad", dtype="float32", pad=-1)
        corners = [(3, 5), (icfs.CENTER, 31), (0, 0), (0, icfs.CENTER)]
        flips = [True, False, True, False]
        batch = icfs.decode_batch(contents, spec, corners=corners, flips=flips)
        for number, content in enumerate(contents):
            pixels = icfs.open(content).rgb()
            (top, left), (height, width) = corners[number], (min(40, pixels.shape[0]), min(60, pixels.shape[1]))
            top = (pixels.shape[0] - height) // 2 if top == icfs.CENTER else top
            left = (pixels.shape[1] - width) // 2 if left == icfs.CENTER else left
            self.assertEqual(batch.regions[number].tolist(), [left, top, width, height])
            part = pixels[top:top + height, left:left + width][:, ::-1 if flips[number] else 1]
            expected = np.full((3, 40, 60), -1, np.float32)
            expected[:, :height, :width] = part.transpose(2, 0, 1)
            np.testing.assert_array_equal(batch.values[number], expected)

    def test_flips_and_crops_of_frequencies_are_those_of_samples(self):
        """A flip reverses the blocks of a row and changes the sign of the odd horizontal frequencies."""
        image = icfs.open(photo())
        spec = Spec(values="frequencies", chroma="apart", size=(4, 6), fit="crop", whole_blocks=True)
        luma, chroma = grids(image)
        found = image.tensor(spec, Window(2, 4, True))
        odd = np.array([u % 2 for u, _ in image.frequencies])
        sign, chroma_sign = 1 - 2 * odd[:, None, None], 1 - 2 * odd.repeat(2)[:, None, None]
        np.testing.assert_array_equal(found.values, luma[:, 2:6, 4:10][..., ::-1] * sign)
        np.testing.assert_array_equal(found.chroma, chroma[:, 1:3, 2:5][..., ::-1] * chroma_sign)

    def test_windows_that_cannot_be(self):
        image = icfs.open(photo())
        for spec, window, error in (
                (Spec(size=20, fit="crop"), Window(image.size[1] - 19, 0), icfs.ShapeError),
                (Spec(values="frequencies", size=2, fit="crop"), Window(0, 1), icfs.ArgumentError),
                (Spec(), Window(-2, 0), icfs.ArgumentError),
                (Spec(), Window(2**40, 0), icfs.ArgumentError)):
            with self.assertRaises(error, msg=f"{spec} {window}"):
                image.tensor(spec, window)

    def test_a_sparser_design_is_read_of_each(self):
        dense, sparse = photos(DENSE), photos("s1x1-b8-k6-q8")
        expected = icfs.decode_batch(sparse, FREQUENCIES)
        for design in ("s1x1-b8-k6-q8", icfs.Design.parse("s1x1-b8-k6-q8")):
            found = icfs.decode_batch(dense, FREQUENCIES, design=design)
            np.testing.assert_array_equal(found.values, expected.values)
        heads = [content[:len(content) // 2] for content in dense]
        np.testing.assert_array_equal(icfs.decode_batch(heads, FREQUENCIES, design="s1x1-b8-k6-q8").values,
                                      expected.values)
        self.assertRaises(icfs.ShapeError, icfs.decode_batch, dense, FREQUENCIES, design="s1x1-b8-k6-q7")


class Sources(Folder):
    def test_paths_bytes_and_images_come_together(self):
        contents = photos()
        paths = [self.put(f"caf\u00e9 {number}.ic", content) for number, content in enumerate(contents)]
        expected = icfs.decode_batch(contents)
        mixed = [paths[0], str(paths[1]), icfs.open(contents[2]), memoryview(contents[3])]
        for several in (mixed, tuple(mixed), iter(mixed), dict.fromkeys(mixed), [bytearray(content) for content in contents],
                        [mapped(content) for content in contents], [np.frombuffer(content, np.uint8) for content in contents],
                        np.array([str(path) for path in paths]), np.array(paths)):
            np.testing.assert_array_equal(icfs.decode_batch(several).values, expected.values)
        rows = np.frombuffer(contents[0] * 2, np.uint8).reshape(2, -1)
        np.testing.assert_array_equal(icfs.decode_batch(rows).values, expected.values[[0, 0]])
        directory = os.open(self.dir, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        found = icfs.decode_batch([path.name for path in paths], directory=directory)
        np.testing.assert_array_equal(found.values, expected.values)

    def test_names_that_are_no_text(self):
        path = os.fsencode(self.dir) + b"/\xff\xfe.ic"
        with open(path, "wb") as file:
            file.write(photo())
        np.testing.assert_array_equal(icfs.decode_batch([os.fsdecode(path)]).values[0].transpose(1, 2, 0),
                                      icfs.open(photo()).rgb())
        self.assertRaises(icfs.ArgumentError, icfs.decode_batch, ["a\0b"])

    def test_items_are_taken_by_index(self):
        contents = photos()
        items = icfs.Items([self.put("0.ic", contents[0]), contents[1], self.put("2.ic", contents[2]), contents[3]])
        chosen = items.take([3, 0, 0, 2])
        self.assertEqual([chosen.path(index) is None for index in range(4)], [True, False, False, False])
        spec = icfs.bind(Spec(), items)
        del items
        expected = icfs.decode_batch([contents[index] for index in (3, 0, 0, 2)])
        np.testing.assert_array_equal(icfs.decode_batch(chosen, spec).values, expected.values)
        for indices in ([4], [-5], np.int64([0, 4])):
            self.assertRaises(IndexError, chosen.take, indices)

    def test_indices_are_integers(self):
        items = icfs.Items([str(number) for number in range(4)])
        for indices in ([3, -4], (np.int64(3), np.uint8(0)), np.uint64([3, 0]), np.int8([-1, 0]), range(3, -1, -3)):
            chosen = items.take(indices)
            self.assertEqual([chosen.path(index) for index in range(len(chosen))], ["3", "0"])
        for indices in ([], (), np.zeros(0), np.zeros(0, np.int64)):
            self.assertEqual(len(items.take(indices)), 0)
        for indices in ([1.5], [1.0], np.float32([1, 2]), [float("nan")], [True, False, True, False], np.ones(4, bool), 1,
                        [[1]], "1", ["1"], [None], None, [1j], {1}, [2**64], [[1], [1, 2]], np.array([1], "m8[s]")):
            with self.assertRaises(icfs.ArgumentError, msg=repr(indices)):
                items.take(indices)

    def assert_copied(self, way, sources, indices):
        """The copy is used once the original is gone, and the memory that it borrowed is overwritten."""
        held = [bytearray(source) if isinstance(source, bytes) else source for source in sources]
        items = icfs.Items(held).take(indices)
        names = [items.path(index) for index in range(len(items))]
        found = way(items)
        del items
        gc.collect()
        for content in held:
            if isinstance(content, bytearray):
                content[:] = bytes(len(content))
        self.assertEqual([found.path(index) for index in range(len(found))], names)
        np.testing.assert_array_equal(icfs.decode_batch(found).values, icfs.decode_batch(photos()).values[indices])

    def test_items_are_copied_with_what_they_point_to(self):
        contents = photos()
        paths = [self.put(f"caf\u00e9 {number}.ic", content) for number, content in enumerate(contents)]
        mixed = [paths[0], contents[1], icfs.open(contents[2]), paths[3]]
        ways = [copy.copy, copy.deepcopy]
        ways += [lambda items, protocol=protocol: pickle.loads(pickle.dumps(items, protocol))
                 for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
        for way in ways:
            for sources in (paths, contents, mixed):
                for indices in (range(4), [3, 0, 0, 2]):
                    self.assert_copied(way, sources, indices)
            self.assertEqual(len(way(icfs.Items())), 0)

    def test_copies_of_items_hold_no_more_than_is_used(self):
        few, many = (icfs.Items(photos() * 25).take([1] * count) for count in (1, 100))
        self.assertLess(len(pickle.dumps(few)), len(photo(SPARSE, 1)) + 2000)
        self.assertLess(len(pickle.dumps(many)), len(photo(SPARSE, 1)) + 5000)

    def test_copies_of_items_have_their_windows(self):
        items = icfs.Items([photo(), b""])
        items.records["window"]["x"] = 2, 3
        self.assertEqual(copy.deepcopy(items).records["window"].tolist(), items.records["window"].tolist())

    def test_one_source_alone(self):
        path = self.put("0.ic", photo())
        for source in (str(path), path, photo(), "", bytearray(photo()), memoryview(photo()), mapped(photo()),
                       np.frombuffer(photo(), np.uint8), icfs.open(photo()), None, 7):
            for taker in (icfs.Items, icfs.decode_batch):
                with self.assertRaisesRegex(icfs.ArgumentError, f"in a list .* {type(source).__name__}$"):
                    taker(source)

    def test_what_is_no_source(self):
        for source in (None, 7, [photo()], memoryview(photo())[::2], np.array([1], "M8[s]")):
            for taker in (icfs.Items, icfs.decode_batch):
                with self.assertRaisesRegex(icfs.ArgumentError, "^neither a path nor an object: "):
                    taker([photo(), source])

    def test_an_image_of_fewer_frequencies_is_not_taken_for_all(self):
        few = icfs.open(photo(DENSE), keep=2)
        with self.assertRaisesRegex(icfs.ArgumentError, "design"):
            icfs.decode_batch([few])
        with self.assertRaisesRegex(icfs.ArgumentError, "design"):
            icfs.decode_batch([few], design=few.design._replace(keep=3))
        for image in (few, icfs.open(photo(DENSE)), icfs.open(photo(DENSE), keep=few.design.keep + 2)):
            found = icfs.decode_batch([image], design=few.design)
            np.testing.assert_array_equal(found.values[0], few.tensor().values)

    def test_numbers_may_be_objects(self):
        """As those of a data frame are."""
        image = icfs.open(photo())
        for mean in ([Fraction(1, 2)] * 3, [Decimal("0.5")] * 3, np.array([0.5, Fraction(1, 2), 0.5], object)):
            found = image.tensor(Spec(dtype="float32", mean=mean))
            np.testing.assert_array_equal(found.values, image.tensor(Spec(dtype="float32", mean=0.5)).values)
        items = icfs.Items([photo(), photo(number=1)])
        self.assertEqual(len(items.take(np.array([1, 0], object))), 2)
        for wrong in (np.array([None], object), np.array(["1"], object), np.array([10**400], object), [Fraction(1)]):
            self.assertRaises(icfs.ArgumentError, items.take, wrong)

    def test_nothing(self):
        self.assertRaises(icfs.ArgumentError, icfs.decode_batch, [])
        bound = icfs.bind(Spec(), icfs.Items([photo()]))
        self.assertEqual(icfs.decode_batch([], bound).values.shape, (0, *bound.shape.values))


class Memory(Folder):
    def test_reused(self):
        contents = photos()
        spec = Spec(values="frequencies", chroma="apart", dtype="float16")
        expected, out = icfs.decode_batch(contents, spec), icfs.decode_batch(contents[::-1], spec)
        found = icfs.decode_batch(contents, spec, out=out)
        self.assertIs(found.values, out.values)
        self.assertIs(found.chroma, out.chroma)
        np.testing.assert_array_equal(found.values, expected.values)
        np.testing.assert_array_equal(found.chroma, expected.chroma)

    def test_nothing_outside_is_written(self):
        contents = photos()
        shape = icfs.bind(Spec(), icfs.Items(contents)).shape.values
        memory = np.full((4, 3 + 2, *shape[1:]), 7, np.uint8)
        icfs.decode_batch(contents, out=memory[:, 1:4])
        np.testing.assert_array_equal(memory[:, 1:4], icfs.decode_batch(contents).values)
        self.assertTrue((memory[:, 0] == 7).all() and (memory[:, 4] == 7).all())

    def test_what_cannot_be_written_to(self):
        contents = photos()
        good = icfs.decode_batch(contents).values
        locked = good.copy()
        locked.setflags(write=False)
        odd = np.zeros(good.size * 2 + 1, np.uint8)[1:].view(np.int16).reshape(good.shape)
        for out in (good[:3], good.astype(np.int8), good.transpose(0, 1, 3, 2), good[..., ::-1], good[::-1], locked,
                    np.broadcast_to(good[:1], good.shape), (None, None), odd, good.tolist(), (), [], 7, "out"):
            with self.assertRaises(icfs.ArgumentError):
                icfs.decode_batch(contents, out=out)

    def test_dlpack(self):
        values = icfs.decode_batch(photos(), Spec(dtype="float16")).values
        again = np.from_dlpack(values)
        self.assertTrue(np.shares_memory(values, again))
        np.testing.assert_array_equal(values, again)


class Failures(Folder):
    def batch(self):
        self.put("cut.ic", photo()[:500])
        self.put("none.ic", b"no image")
        os.mkdir(self.dir / "folder.ic")
        return [self.dir / "missing.ic", photo(), self.dir / "cut.ic", self.dir / "none.ic", self.dir / "folder.ic",
                objects()["size-7x7"], photo(SPARSE, 1), b""]

    def test_returned(self):
        found = icfs.decode_batch(self.batch(), errors="return")
        kinds = {0: FileNotFoundError, 2: icfs.TruncatedError, 3: icfs.CorruptError, 4: icfs.CorruptError,
                 5: icfs.ShapeError, 7: icfs.TruncatedError}
        self.assertEqual({index: type(error) for index, error in found.errors.items()}, kinds)
        for index in range(8):
            if index in kinds:
                self.assertFalse(found.values[index].any() or found.regions[index].any() or found.orientations[index])
            else:
                self.assertEqual(found.orientations[index], 1)
        np.testing.assert_array_equal(found.values[[1, 6]], icfs.decode_batch(photos(count=2)).values)
        self.assertIn("missing.ic", str(found.errors[0]))
        self.assertIn("cut.ic", str(found.errors[2]))

    def test_raised(self):
        batch = self.batch()
        with self.assertRaises(FileNotFoundError) as caught:
            icfs.decode_batch(batch)
        self.assertEqual(caught.exception.errno, errno.ENOENT)
        self.assertTrue(caught.exception.filename.endswith("missing.ic"))
        with self.assertRaisesRegex(icfs.TruncatedError, "cut.ic"):
            icfs.decode_batch(batch[1:])

    def test_those_of_the_headers_name_the_file(self):
        """As those of single images in a batch, also where no header is sound."""
        self.put("whole.ic", photo())
        self.batch()
        sparser = icfs.Design.parse("s2x2-b8-k2-q8")
        for name, spec, design, error in (("none.ic", Spec(), None, icfs.CorruptError),
                                          ("whole.ic", Spec(size=20), None, icfs.ShapeError),
                                          ("whole.ic", Spec(size=20), sparser, icfs.ShapeError),
                                          ("whole.ic", Spec(pixels_max=9), None, icfs.LimitError)):
            with self.assertRaises(error) as caught:
                icfs.bind(spec, icfs.Items([self.dir / name]), design)
            self.assertTrue(str(caught.exception).startswith(f"{self.dir / name}: "))
        for name in ("missing.ic", "folder.ic"):
            with self.assertRaises(OSError) as caught:
                icfs.decode_batch([self.dir / name])
            self.assertEqual(caught.exception.filename, str(self.dir / name))
        with self.assertRaisesRegex(icfs.TruncatedError, "^[^/]*$"):
            icfs.decode_batch([photo()[:9]])

    def test_nothing_is_sound(self):
        self.assertRaises(icfs.TruncatedError, icfs.decode_batch, [b"", b"xx"], errors="return")

    def test_specs_that_contradict_themselves(self):
        """As soon as they are made, and the sentence begins with the field."""
        for name, fields in (
                ("values", {"values": "pixels"}), ("dtype", {"dtype": "int8"}), ("dtype", {"dtype": "int16"}),
                ("dtype", {"dtype": "float64"}), ("dtype", {"dtype": "nonsense"}), ("dtype", {"dtype": "i4,,"}),
                ("dtype", {"values": "frequencies", "dtype": "uint8"}), ("axes", {"axes": "HWC"}),
                ("axes", {"values": "frequencies", "axes": "NHWC"}), ("chroma", {"chroma": "apart"}),
                ("components", {"components": 2}), ("components", {"components": 1}),
                ("components", {"values": "frequencies", "components": 2}),
                ("size", {"size": 0}), ("size", {"size": (-1, 5)}), ("size", {"size": (5, 0)}), ("size", {"fit": "crop"}),
                ("size", {"fit": "resize"}), ("size", {"size": 2**31}), ("size", {"size": 2**32}), ("size", {"size": 65536}),
                ("size", {"size": 16.0}), ("size", {"size": (5, 5, 5)}), ("size", {"size": "16"}),
                ("fit", {"fit": "stretch"}), ("fit", {"fit": ["crop"]}),
                ("fit", {"values": "frequencies", "size": 8, "fit": "resize"}),
                ("short_side", {"size": 8, "fit": "resize", "short_side": 8.5}),
                ("short_side", {"size": 8, "fit": "crop", "short_side": 8}), ("short_side", {"short_side": 8}),
                ("short_side", {"size": (8, 9), "fit": "resize", "short_side": 8}),
                ("short_side", {"size": 8, "fit": "resize", "short_side": 0}),
                ("short_side", {"size": 8, "fit": "resize", "short_side": 65536}),
                ("mean", {"dtype": "uint8", "mean": 1}), ("mean", {"mean": [1, 2]}), ("mean", {"mean": [[1, 2, 3]]}),
                ("mean", {"mean": float("nan")}), ("mean", {"mean": "grey"}), ("mean", {"mean": 1e60}),
                ("mean", {"values": "frequencies", "dtype": "int16", "mean": 1}),
                ("std", {"dtype": "uint8", "std": 1}), ("std", {"std": 0}), ("std", {"std": [1, 2, 3, 4]}),
                ("mean", {"values": "frequencies", "mean": ()}), ("std", {"values": "frequencies", "std": ()}),
                ("std", {"values": "frequencies", "mean": [1] * 3, "std": [1] * 6}),
                ("std", {"std": 1e-60}), ("std", {"std": 1e-320}), ("std", {"std": 1e60}),
                ("pad", {"pad": float("inf"), "size": 99, "fit": "pad", "dtype": "float16"}), ("pad", {"pad": 1e39}),
                ("pad", {"pad": Decimal("sNaN")}),
                ("pixels_max", {"pixels_max": 0}), ("pixels_max", {"pixels_max": 2**64}),
                ("pixels_max", {"pixels_max": 1e8})):
            with self.assertRaisesRegex(icfs.ArgumentError, f"^{name}: ", msg=str(fields)) as caught, \
                    warnings.catch_warnings():
                warnings.simplefilter("error")
                Spec(**fields)
            self.assertIsInstance(caught.exception, ValueError)

    def test_fields_that_one_image_has_too_few_or_many_numbers_for(self):
        """How many channels frequencies have, the image says."""
        spec = Spec(values="frequencies", mean=[1, 2])
        with self.assertRaisesRegex(icfs.ArgumentError, "^mean: 2 numbers for "):
            icfs.decode_batch([photo()], spec)

    def test_bounds_that_can_be(self):
        for fields in ({"size": 65535}, {"size": np.int64(5)}, {"size": [5, 6]}, {"pixels_max": 2**64 - 1},
                       {"size": 8, "fit": "resize", "short_side": 8}, {"size": 8, "fit": "resize", "short_side": 65535},
                       {"values": "frequencies", "dtype": "int8", "mean": 1, "std": [2] * 5, "components": 3},
                       {"pad": 3e38}, {"mean": np.float32([1, 2, 3]), "std": 1e-30}):
            self.assertEqual(dataclasses.replace(Spec(**fields)).size, Spec(**fields).size, fields)

    def test_a_field_that_cannot_be_is_named(self):
        nan, inf = float("nan"), float("inf")
        wrong = {"values": (None, 0, ["rgb"]), "dtype": (1, "x", [1]), "axes": (None, 0), "chroma": (None, 0, ["apart"]),
                 "components": (None, "3", 1.5), "size": ("x", 1.5, [1], (8, None), nan), "fit": (None, 0),
                 "short_side": ("x", 1.5, inf), "whole_blocks": (None, "no", 2, nan, np.zeros(2)),
                 "mean": (inf, -inf, nan, [1, nan, 2], "1", b"1", ["1", "2", "3"], 1j, 10**400, [None, 1, 2],
                          np.datetime64(1, "s")),
                 "std": (inf, nan, [1, inf, 2], "5", 10**400, [None, 1, 2], 1e60, 1j),
                 "pad": (inf, -inf, nan, "x", "1", b"1", None, [1], np.zeros(2), 1j, 10**400),
                 "pixels_max": (None, "x", 1.5, inf, [1])}
        self.assertEqual(list(wrong), [field.name for field in dataclasses.fields(Spec)])
        for name, values in wrong.items():
            for value in values:
                with self.assertRaisesRegex(icfs.ArgumentError, f"^{name}: ", msg=f"{name} {value!r}"), \
                        warnings.catch_warnings():
                    warnings.simplefilter("error")
                    Spec(**{"size": 400, "fit": "pad", name: value})

    def test_arguments_that_cannot_be(self):
        crop, resize = Spec(size=8, fit="crop"), Spec(size=8, fit="resize")
        nan, inf = float("nan"), float("inf")
        for spec, options in (
                *((crop, {"threads": threads}) for threads in (0, 10**6, None, 2.0, "2", [2])),
                *((crop, {"corners": corners}) for corners in (
                    "middle", (-2, 0), (0, 2**32), (0, 2**64 - 1), (0, 2**64), (1, 2, 3), [(0, 0)] * 3, [(1, 2), (3,)],
                    (nan, 0), (inf, 0), (0.5, 0), (0, 1e30), ("1", "2"), ("a", "b"))),
                *((resize, {"boxes": boxes}) for boxes in (
                    (0, 0, 5), (0, 0, 5.5, 5), (nan,) * 4, (0, 0, -1, 5), (0, 0, 2**32, 5), [(0, 0, 5, 5)] * 3)),
                *((crop, {"flips": flips}) for flips in (
                    [True] * 3, [[True]] * 2, [[True], [True, False]], "no", ["", "no"], [None, True])),
                *((crop, {"directory": directory}) for directory in ("/tmp", 1.5, 2**31, 2**32)),
                (crop, {"errors": "ignore"}), (crop, {"design": "s2x2"}), (crop, {"design": 5})):
            with self.assertRaises(icfs.ArgumentError, msg=str(options)), warnings.catch_warnings():
                warnings.simplefilter("error")
                icfs.decode_batch(photos(count=2), spec, **options)

    def test_numbers_of_every_type(self):
        contents, crop = photos(count=2), Spec(size=(16, 8), fit="crop")
        expected = icfs.decode_batch(contents, crop, corners=(3, 5)).values
        for corners in ((3.0, 5.0), np.float32((3, 5)), np.uint8([(3, 5)] * 2), np.uint64((3, 5))):
            np.testing.assert_array_equal(icfs.decode_batch(contents, crop, corners=corners).values, expected)
        for size in ((np.int64(16), np.uint8(8)), [16, 8]):
            spec = Spec(size=size, fit="crop", pixels_max=np.int64(10**6))
            np.testing.assert_array_equal(icfs.decode_batch(contents, spec, corners=(3, 5)).values, expected)
        window = Window(np.int64(3), np.int32(5))
        np.testing.assert_array_equal(icfs.open(contents[0]).tensor(crop, window).values, expected[0])
        self.assertEqual(icfs.bind(Spec(size=np.int16(9), fit="resize", short_side=np.int64(12)),
                                   icfs.Items(contents)).shape.values, (3, 9, 9))


class Threads(Folder):
    def test_a_number_of_any_type_makes_a_pool(self):
        made = []

        class Counted(icfs.Pool):
            def __init__(self, threads):
                super().__init__(threads)
                made.append(self.threads)

        self.addCleanup(setattr, icfs.batch, "Pool", icfs.batch.Pool)
        icfs.batch.Pool = Counted
        for threads in (1, np.int64(1), 2, np.int64(2), np.uint8(3)):
            icfs.decode_batch(photos(), threads=threads)
        self.assertEqual(made, [2, 2, 3])

    def test_any_number_gives_the_same(self):
        contents = photos() * 8
        expected = icfs.decode_batch(contents).values
        for threads in (2, 3, 40):
            np.testing.assert_array_equal(icfs.decode_batch(contents, threads=threads).values, expected)

    def test_a_pool_is_shared(self):
        contents, results = photos() * 4, []
        expected = icfs.decode_batch(contents).values
        with icfs.Pool(2) as pool:
            def work():
                results.extend(icfs.decode_batch(contents, threads=pool).values for _ in range(5))

            workers = [threading.Thread(target=work) for _ in range(4)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        self.assertEqual(len(results), 20)
        for values in results:
            np.testing.assert_array_equal(values, expected)
        self.assertRaises(icfs.Error, icfs.decode_batch, contents, threads=pool)

    def test_a_child_makes_its_own(self):
        contents = photos()
        with icfs.Pool(2) as pool:
            expected = icfs.decode_batch(contents, threads=pool).values
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    try:
                        icfs.decode_batch(contents, threads=pool)
                    except icfs.Error:
                        pool.close()
                        found = icfs.decode_batch(contents, threads=2).values
                        status = 0 if (found == expected).all() else 2
                finally:
                    os._exit(status)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            np.testing.assert_array_equal(icfs.decode_batch(contents, threads=pool).values, expected)

    def test_other_python_threads_run_meanwhile(self):
        """Nothing but the call itself lets go of the interpreter between `began` and `ended`."""
        contents = [photo(DENSE)] * 500
        items = icfs.Items(contents)
        bound, out = icfs.bind(Spec(), items), icfs.decode_batch(contents)
        seen = {"began": False, "ended": False, "meanwhile": 0}

        def work():
            seen["began"] = True
            icfs.decode_batch(items, bound, out=out)
            seen["ended"] = True

        interval = sys.getswitchinterval()
        self.addCleanup(sys.setswitchinterval, interval)
        sys.setswitchinterval(1000)
        worker = threading.Thread(target=work)
        worker.start()
        while not seen["ended"]:
            seen["meanwhile"] += seen["began"]
            time.sleep(0)
        worker.join()
        self.assertGreater(seen["meanwhile"], 0)


if __name__ == "__main__":
    main()
