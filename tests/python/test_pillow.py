# SPDX-License-Identifier: MIT
"""The plugin of Pillow: lazy, with its size from the header, draft, orientation, files that end early, and the limits
that Pillow has."""
import concurrent.futures
import copy
import io
import os
import pickle
import unittest.mock
import warnings

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFile, ImageFilter, ImageOps, UnidentifiedImageError

from objects import DENSE, DESIGNS, Folder, encode, jpegs, main, objects, photo

import icfs
import icfs.pillow

ORIENTATION = 0x112


class Plugin(Folder):
    def test_pixels(self):
        for design in DESIGNS:
            for name, content in objects(design).items():
                image = Image.open(io.BytesIO(content))
                self.assertEqual((image.format, image.get_format_mimetype()), ("IC", "image/x-ic"))
                self.assertEqual(image.info["design"], str(icfs.Design.parse(design)))
                own = icfs.open(content)
                self.assertEqual(image.size, own.size)
                self.assertEqual(image.mode, "RGB" if own.components == 3 else "L")
                with unittest.mock.patch.object(ImageFile, "LOAD_TRUNCATED_IMAGES", own.truncated):
                    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), own.rgb(), f"{design} {name}")

    def test_opening_reads_the_header_alone(self):
        path = self.put("cat.ic", photo()[:64])
        with Image.open(path) as image:
            self.assertEqual(image.size, icfs.open(photo()).size)
            self.assertRaises(OSError, image.load)

    def test_loading_closes_the_file_and_decodes_once(self):
        path = self.put("cat.ic", photo())
        before = len(os.listdir("/proc/self/fd"))
        image = Image.open(path)
        image.load()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        path.unlink()
        image.load()
        np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(image))), icfs.open(photo()).rgb())

    def test_images_share_no_memory(self):
        """The plugin decodes into memory that it uses again, in each thread its own."""
        whole = [content for content in objects().values() if not icfs.open(content).truncated]
        contents = [*whole, photo(), photo(number=1)] * 2
        expected = [icfs.open(content).rgb() for content in contents]
        def load(content):
            image = Image.open(io.BytesIO(content)).convert("RGB")
            array = np.asarray(image)
            image.load()
            return image, array

        kept = [load(content) for content in contents]
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            loaded = list(threads.map(load, contents * 4))
        for (image, array), pixels in zip(kept + loaded, expected * 5):
            np.testing.assert_array_equal(np.asarray(image), pixels)
            np.testing.assert_array_equal(array, pixels)

    def test_a_file_changed_meanwhile_is_an_error(self):
        path = self.put("cat.ic", photo())
        with Image.open(path) as image:
            path.write_bytes(objects()["size-7x7"])
            self.assertRaises(OSError, image.load)

    def test_orientation_is_carried_and_not_applied(self):
        for tag in range(1, 9):
            content = objects()[f"exif-orientation-{tag}"]
            image = Image.open(io.BytesIO(content))
            self.assertEqual(dict(image.getexif()), {ORIENTATION: tag} if tag > 1 else {})
            self.assertEqual(image.size, icfs.open(content).size)
            source = Image.open(io.BytesIO(jpegs()[f"exif-orientation-{tag}"]))
            self.assertEqual(ImageOps.exif_transpose(image).size[0] > ImageOps.exif_transpose(image).size[1],
                             ImageOps.exif_transpose(source).size[0] > ImageOps.exif_transpose(source).size[1])

    def test_extension_and_type_are_known(self):
        self.assertEqual(Image.registered_extensions()[".ic"], "IC")
        self.assertEqual(Image.MIME["IC"], "image/x-ic")
        self.assertNotIn(".ic", {extension for extension, name in Image.EXTENSION.items() if name in Image.SAVE})

    def test_truncated_sources_are_as_truncated_jpegs(self):
        source = jpegs()["sampling-420"]
        for end in (b"", b"\xff\xd9"):
            content = encode(source[:len(source) * 2 // 3] + end)
            self.assertTrue(icfs.open(content).truncated)
            for use in (lambda image: image.load(), Image.Image.copy, np.asarray, lambda image: image.convert("RGB")):
                with self.assertRaisesRegex(OSError, "truncated"):
                    use(Image.open(io.BytesIO(content)))
            with unittest.mock.patch.object(ImageFile, "LOAD_TRUNCATED_IMAGES", True):
                np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), icfs.open(content).rgb())


def _draw(image):
    ImageDraw.Draw(image).line((0, 0, 6, 6))
    return image


def _dot(image):
    image.load()[2, 3] = image.load()[0, 0]
    return image


def _put(image):
    image.putpixel((1, 1), image.getpixel((3, 3)))
    return image


def _shrink(image):
    image.thumbnail((5, 4))
    return image


def _saved(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


# What programs do with an image that they were given.
USES = (np.array, Image.Image.tobytes, lambda image: image.tobytes("raw", image.mode), Image.Image.copy, copy.copy,
        copy.deepcopy, lambda image: pickle.loads(pickle.dumps(image)), lambda image: image.convert("L"),
        lambda image: image.convert("RGB").copy(), lambda image: image.resize((9, 7)), lambda image: image.crop((1, 2, 6, 5)),
        lambda image: image.transpose(Image.FLIP_LEFT_RIGHT), lambda image: image.filter(ImageFilter.BLUR), _draw, _dot, _put,
        _shrink, _saved, lambda image: ImageChops.invert(image), lambda image: ImageChops.add(image, image),
        lambda image: list(image.split()), lambda image: (image.size, image.mode, image.info, image.format, image.getbands()),
        lambda image: dict(image.getexif()), Image.Image.getbbox, Image.Image.histogram, lambda image: image.im.size,
        lambda image: ImageOps.exif_transpose(image), lambda image: Image.merge("RGB", [image.convert("L")] * 3),
        lambda image: Image.new(image.mode, (40, 40)).paste(image, (3, 3)), Image.Image.getcolors)


class Copies(Folder):
    def test_they_are_as_those_of_any_image(self):
        for name in ("exif-orientation-6", "grayscale", "size-9x9"):
            content = objects()[name]
            opened = Image.open(io.BytesIO(content))
            opened.load()
            for use in USES:
                for copied in (Image.open(io.BytesIO(content)).copy(), Image.open(io.BytesIO(content)).convert(opened.mode),
                               Image.open(io.BytesIO(content)).convert()):
                    self.assertIsInstance(copied, icfs.pillow.Undecoded)
                    ordinary = opened.copy()
                    self.assertIs(type(ordinary), Image.Image)
                    np.testing.assert_equal(use(copied), use(ordinary))
                    np.testing.assert_array_equal(np.asarray(copied), np.asarray(ordinary))  # also what it was made to

    def test_they_are_equal_and_apart(self):
        image = Image.open(io.BytesIO(photo()))
        one, other = image.copy(), image.copy()
        self.assertEqual(one, image.copy())
        self.assertEqual(Image.Image, type(one))
        self.assertNotEqual(one, image)  # as Pillow has it of another class
        one.putpixel((0, 0), (1, 2, 3))
        one.info["design"] = "changed"
        self.assertNotEqual(one, other)
        np.testing.assert_array_equal(np.asarray(other), icfs.open(photo()).rgb())
        np.testing.assert_array_equal(np.asarray(image), icfs.open(photo()).rgb())
        self.assertNotEqual(other.info["design"], "changed")

    def test_the_file_is_read_and_nothing_decoded(self):
        path = self.put("cat.ic", photo())
        before = len(os.listdir("/proc/self/fd"))
        image = Image.open(path)
        with unittest.mock.patch("icfs.pillow._pixels") as decode:
            copied = image.convert("RGB")
            self.assertEqual(len(os.listdir("/proc/self/fd")), before)
            self.assertIsNone(image.fp)
            path.unlink()
            found = np.asarray(copied)
            decode.assert_not_called()
        np.testing.assert_array_equal(found, icfs.open(photo()).rgb())
        np.testing.assert_array_equal(np.asarray(image), found)
        self.assertIsNone(image.draft("L", (1, 1)))
        image.load()
        np.testing.assert_array_equal(np.asarray(image), found)

    def test_the_image_outlives_its_file(self):
        """As where it was loaded, which these uses did before."""
        path = self.put("cat.ic", photo())
        for use in (Image.Image.copy, np.asarray, Image.Image.tobytes, lambda image: image.convert("RGB")):
            for source in (path, io.BytesIO(photo())):
                with Image.open(source) as image:
                    use(image)
                np.testing.assert_array_equal(np.asarray(image.resize(image.size, Image.NEAREST)), icfs.open(photo()).rgb())
                image.close()
                self.assertRaises((ValueError, AttributeError), image.resize, (3, 3))

    def test_a_second_array_decodes_nothing(self):
        opened = Image.open(io.BytesIO(photo()))
        for image in (opened.copy(), opened):
            first, second = np.asarray(image), np.asarray(image)
            with unittest.mock.patch("icfs.pillow._pixels") as decode, unittest.mock.patch("icfs.Image.rgb") as rgb:
                third = np.asarray(image)
                decode.assert_not_called()
                rgb.assert_not_called()
            np.testing.assert_array_equal(first, second)
            np.testing.assert_array_equal(first, third)

    def test_threads_share_one(self):
        """None sees it half made, and what one writes stays."""
        for _ in range(40):
            image = Image.open(io.BytesIO(photo())).convert("RGB")
            with concurrent.futures.ThreadPoolExecutor(2) as threads:
                reading = threads.submit(image.getpixel, (5, 5))
                image.putpixel((0, 0), (1, 2, 3))
                self.assertEqual(reading.result(), tuple(icfs.open(photo()).rgb()[5, 5]))
            self.assertEqual(image.getpixel((0, 0)), (1, 2, 3))

    def test_others_of_luma_and_of_drafts(self):
        image = Image.open(io.BytesIO(photo()))
        image.draft("L", None)
        np.testing.assert_array_equal(np.asarray(image.copy()), icfs.open(photo()).samples(0))
        image = Image.open(io.BytesIO(photo()))
        image.draft("L", (1, 1))
        expected = Image.open(io.BytesIO(photo()))
        expected.draft("L", (1, 1))
        expected.load()
        self.assertEqual(image.convert("L").tobytes(), expected.tobytes())

    def test_a_closed_one_is_closed(self):
        copied = Image.open(io.BytesIO(photo())).copy()
        copied.close()
        self.assertRaises(ValueError, copied.load)
        for use in (lambda image: None, lambda image: image.copy()):
            image = Image.open(self.put("cat.ic", photo()))
            use(image)
            image.close()
            self.assertRaises(ValueError, image.copy)
            self.assertRaises(ValueError, image.load)

    def test_a_file_that_ends_early_is_an_error(self):
        for use in (Image.Image.copy, lambda image: image.copy(), np.asarray, lambda image: image.convert("RGB")):
            image = Image.open(io.BytesIO(photo()[:-1]))
            self.assertRaises(OSError, use, image)


class Parser(Folder):
    def test_pieces_make_the_image(self):
        """Whose size is known once the header is there."""
        content = photo()
        for step in (7, 64, 1000, 1 << 20):
            parser = ImageFile.Parser()
            for start in range(0, len(content), step):
                parser.feed(content[start:start + step])
                if start + step >= 64:
                    self.assertEqual(parser.image.size, icfs.open(content).size)
            np.testing.assert_array_equal(np.asarray(parser.close()), icfs.open(content).rgb())

    def test_what_is_no_image(self):
        for content in (photo()[:63], photo()[:64], photo()[:-1], b"no image", b""):
            parser = ImageFile.Parser()
            parser.feed(content[:50])
            parser.feed(content[50:])
            self.assertRaises(OSError, parser.close)


class Draft(Folder):
    def test_luma_alone(self):
        image = Image.open(io.BytesIO(photo()))
        image.draft("L", None)
        self.assertEqual(image.mode, "L")
        np.testing.assert_array_equal(np.asarray(image), icfs.open(photo()).samples(0))

    def test_sizes(self):
        """As JPEG's: the largest power of two that leaves at least what was asked for."""
        width, height = icfs.open(photo(DENSE)).size
        for wanted, scale in (((width, height), 1), ((width // 2, height // 2), 2), ((width // 2 + 1, 1), 1),
                              ((width // 5, height // 5), 4), ((1, 1), 8)):
            for mode in ("RGB", "L"):
                image = Image.open(io.BytesIO(photo(DENSE)))
                found, box = image.draft(mode, wanted)
                self.assertEqual((found, image.size), (mode, (-(-width // scale), -(-height // scale))))
                self.assertEqual(box, (0, 0, width / scale, height / scale))
                self.assertIsNone(image.draft(mode, (1, 1)) if scale > 1 else None)
                self.assertEqual(np.asarray(image).shape[:2], image.size[::-1])

    def test_pixels_are_the_picture_shrunk(self):
        """The lowest frequency of a block is its mean; with more of them the picture is near to its box means."""
        for design in (DENSE, "s1x1-b8-k15-q8-c1", "s1x1-b16-k31-q8", "s1x1-b8-k15-q8-fbox-oh"):
            full = np.asarray(Image.open(io.BytesIO(photo(design)))).astype(float)
            for scale in (2, 4, 8):
                image = Image.open(io.BytesIO(photo(design)))
                image.draft("RGB", (image.size[0] // scale, image.size[1] // scale))
                height, width = full.shape[0] // scale, full.shape[1] // scale
                means = full[:height * scale, :width * scale].reshape(height, scale, width, scale, 3).mean((1, 3))
                error = np.asarray(image)[:height, :width] - means
                self.assertLess(np.sqrt((error**2).mean()), 6 if scale == 8 else 12)
                self.assertLess(abs(error.mean()), 0.5)

    def test_fewer_bytes_are_read(self):
        """Scale 8 needs the first anti-diagonal alone, and chroma's first three."""
        content = photo(DENSE)
        needed = len(photo("s1x1-b8-k3-q8")) + 4 * 3 * (64 - 6)
        expected = Image.open(io.BytesIO(content))
        expected.draft("RGB", (1, 1))
        image = Image.open(io.BytesIO(content[:needed]))
        image.draft("RGB", (1, 1))
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))

    def test_thumbnail(self):
        image = Image.open(io.BytesIO(photo(DENSE)))
        image.thumbnail((64, 64))
        self.assertEqual(max(image.size), 64)


class Damaged(Folder):
    def test_headers(self):
        content = photo()
        for damaged in (content[:63], content[:8] + b"\xff" * 56 + content[64:]):
            self.assertRaises(UnidentifiedImageError, Image.open, io.BytesIO(damaged))

    def test_files_that_end_early(self):
        content = photo()
        cut = content[:len(content) // 2]
        self.assertRaises(OSError, Image.open(io.BytesIO(cut)).load)
        self.addCleanup(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        image = Image.open(io.BytesIO(cut))
        np.testing.assert_array_equal(np.asarray(image), icfs.open(cut, keep=4).rgb())
        self.assertRaises(icfs.TruncatedError, icfs.open, cut, 5)
        self.assertRaises(OSError, Image.open(io.BytesIO(content[:200])).load)

    def test_limits_of_pixels(self):
        content = photo()
        width, height = icfs.open(content).size
        self.addCleanup(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = width * height - 1
        with self.assertWarns(Image.DecompressionBombWarning):
            Image.open(io.BytesIO(content)).load()
        Image.MAX_IMAGE_PIXELS = width * height // 2 - 1
        self.assertRaises(Image.DecompressionBombError, Image.open, io.BytesIO(content))
        Image.MAX_IMAGE_PIXELS = None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Image.open(io.BytesIO(content)).load()


if __name__ == "__main__":
    main()
