# SPDX-License-Identifier: MIT
"""icfs report: the photograph of its page. The pictures are read back out of it, and measured by other means."""

import base64
import io
import itertools
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import numpy
from PIL import Image

from cli import MKIMAGES, icfs, jpegs
from searching import Searching
from test_report import SVG, rows_of

NUMBERS = "The photograph by designs"
RATIOS = [60, 100, 200, 500, 1200]
PNG = "data:image/png;base64,"


def pixels(image):
    """The picture of an <img>, as RGB."""
    with Image.open(io.BytesIO(base64.b64decode(image.get("src").removeprefix(PNG), validate=True))) as picture:
        assert picture.format == "PNG" and picture.mode == "RGB", picture
        assert picture.size == (int(image.get("width")), int(image.get("height")))
        return numpy.asarray(picture)


def psnr(a, b):
    with numpy.errstate(divide="ignore"):  # equal ones
        return 10 * numpy.log10(255**2 / numpy.mean((a.astype(float) - b) ** 2))


def ssim(a, b):
    """Equation 13 of Wang et al. 2004, by means under the window as a sum of the picture shifted to each of its places."""
    weights = numpy.exp(-numpy.arange(-5, 6)**2 / 4.5)
    weights = numpy.outer(weights, weights) / weights.sum()**2
    x, y = (picture @ [0.299, 0.587, 0.114] for picture in (a, b))
    height, width = x.shape

    def mean(values):
        return sum(weights[j, i] * values[j:height - 10 + j, i:width - 10 + i] for j in range(11) for i in range(11))

    mean_x, mean_y = mean(x), mean(y)
    variances = mean(x * x) + mean(y * y) - mean_x**2 - mean_y**2
    return numpy.mean((2 * mean_x * mean_y + 6.5025) * (2 * (mean(x * y) - mean_x * mean_y) + 58.5225)
                      / ((mean_x**2 + mean_y**2 + 6.5025) * (variances + 58.5225)))


class Shown:
    """The section: the original, and for each ratio what the table says, the picture, of the design and of the JPEG."""

    def __init__(self, page):
        root = ElementTree.fromstring(page)
        self.section = next(s for s in root.iter("section") if s.get("id") == "photograph")
        images = list(self.section.iter("img"))
        self.alts = [image.get("alt") for image in images]
        self.original, pictures = pixels(images[0]), map(pixels, images[1:])
        self.raw = self.original.size
        self.rows = [(int(row[0]), row[1], *(None if cell == "-" else float(cell) for cell in row[2:]))
                     for row in rows_of(page, NUMBERS)]
        self.pictures, before, self.repeated = [], (None, []), []
        for ratio, rows in itertools.groupby(self.rows, lambda row: row[0]):  # of the design, and of the JPEG
            rows = list(rows)
            if rows[0][2] and before[0] == rows[0][1:]:  # a design that is best at two sizes is shown at the first
                self.repeated.append(ratio)
            else:
                before = rows[0][1:], [next(pictures) if row[2] else None for row in rows]
            self.pictures += before[1]
        assert next(pictures, None) is None
        self.distinct = list(map(pixels, images))
        self.texts = ["".join(p.itertext()) for p in self.section.iter("p")]
        assert sum(text.startswith("The same as at ") for text in self.texts) == len(self.repeated)
        self.captions = ["".join(caption.itertext()) for caption in self.section.iter("figcaption")]

    def named(self, ratio):
        return [(row, picture) for row, picture in zip(self.rows, self.pictures) if row[0] == ratio]


class PhotographTest(Searching):
    searched = None  # a catalog with one search of the set

    @classmethod
    def setUpClass(cls):
        """The usual set, and before it, by path, three photographs: one cut off, one large, one gray."""
        super().setUpClass()
        cls.folder = next((cls.set / "train").iterdir())
        large = cls.images / "large"
        subprocess.run([MKIMAGES, "--classes", "1", "--count", "2", "--size", "720x520", large], check=True,
                       stdout=subprocess.DEVNULL)
        photograph = max(large.glob("train/*/*.jpg"), key=lambda path: path.stat().st_size)
        cls.large = cls.folder / "1 <b>\"&'.jpg"
        cls.gray = cls.folder / "2-gray.jpg"
        with Image.open(photograph) as image:
            assert max(image.size) > 400, image.size
            image.save(cls.large, quality=92)
            image.convert("L").resize((190, 260)).save(cls.gray, quality=90)
        cls.cut_off = cls.folder / "0-cut-off.jpg"
        cls.cut_off.write_bytes(cls.large.read_bytes()[:-cls.large.stat().st_size // 3])

    def setUp(self):
        super().setUp()
        if PhotographTest.searched:
            self.catalog.write_bytes(PhotographTest.searched)
        else:
            self.search("--max-bytes=25%", self.set)
            PhotographTest.searched = self.catalog.read_bytes()

    def report(self, *args):
        return self.ok("report", *args, "1").decode()

    def path(self, file):
        return str(file.relative_to(self.set))

    def check_measures(self, shown):
        for (_, name, nbytes, times, db, likeness), picture in zip(shown.rows, shown.pictures):
            if nbytes is None:
                continue
            self.assertEqual(picture.shape, shown.original.shape, name)
            self.assertAlmostEqual(db, psnr(shown.original, picture), delta=0.0051, msg=name)
            self.assertAlmostEqual(likeness, ssim(shown.original, picture), delta=0.000051, msg=name)
            self.assertAlmostEqual(times, shown.raw / nbytes, delta=0.051, msg=name)

    def check_sizes(self, shown):
        """Each ratio is reached, and no JPEG is larger than the object beside it."""
        self.assertEqual(sorted({row[0] for row in shown.rows}), RATIOS)
        for ratio in RATIOS:
            object_, *jpeg = shown.named(ratio)
            if not object_[0][2]:
                self.assertEqual((object_[0][1], jpeg), ("no design is so small", []))
                continue
            self.assertLessEqual(object_[0][2] * ratio, shown.raw)
            self.assertRegex(jpeg[0][0][1], r"^(JPEG, quality \d+(, sides divided by [248])?|no JPEG is so small)$")
            self.assertLessEqual(jpeg[0][0][2] or 0, object_[0][2])

    def check_captions(self, shown):
        for _, name, nbytes, _, db, likeness in shown.rows:
            self.assertIn(f"{name}: {nbytes:.0f} bytes, PSNR {db:.2f} dB, SSIM {likeness:.4f}" if nbytes else f"{name}.",
                          shown.captions)

    def test_a_large_photograph_is_brought_to_400_pixels(self):
        page = self.report()
        shown = Shown(page)
        with Image.open(self.large) as image:
            width, height = image.size
            size = [round(side * 400 / max(image.size)) for side in image.size]
            resized = numpy.asarray(image.resize(size, Image.BILINEAR))
        self.assertEqual(shown.original.shape, (size[1], size[0], 3))
        self.assertGreater(psnr(resized, shown.original), 35)  # but for the chroma of a JPEG of the best quality
        self.assertEqual(shown.raw, 3 * size[0] * size[1])
        text = "".join(shown.section.itertext())
        self.assertIn(f"The photograph is {self.path(self.large)}, of {width} by {height} pixels. So that this page stays "
                      "small, it was brought to 400 pixels", text)
        self.assertIn(f"As it is: {size[0]} by {size[1]} pixels, raw {shown.raw} bytes.", shown.captions)
        self.check_measures(shown)
        self.check_sizes(shown)
        self.check_captions(shown)
        self.assertTrue(all(self.large.name in alt for alt in shown.alts), shown.alts)
        self.assertTrue(all(row[2] for row in shown.rows if row[0] <= 200), shown.rows)
        self.assertEqual(page, self.report())
        self.assertEqual(page, self.report("--photograph", self.path(self.large)))
        self.assertLess(len(page), 2_000_000)

    def test_the_design_is_the_one_that_is_expected_most_of(self):
        """By the plot of all designs, whose heights are the estimates, to a tenth of a pixel."""
        page = self.report()
        shown = Shown(page)
        root = ElementTree.fromstring(page)
        svg = next(s for s in root.iter(SVG + "svg") if s.find(SVG + "title").text == "Accuracy against space")
        dots = next(p for p in svg.iter(SVG + "path") if p.get("class") == "dots estimated").get("d")
        heights = [float(y) for y in re.findall(r"M-?[\d.]+ (-?[\d.]+)h0", dots)]
        height, width, _ = shown.original.shape
        listed = self.ok("designs", f"--size={width}x{height}").decode().split("\n")[:-1]
        designs = {name: (int(nbytes), y) for (name, nbytes), y in zip(map(str.split, listed), heights, strict=True)}
        for ratio in RATIOS:
            row = shown.named(ratio)[0][0]
            nbytes, y = designs[row[1]]
            self.assertEqual(nbytes, row[2])
            self.assertLessEqual(y, min(y for nbytes, y in designs.values() if nbytes * ratio <= shown.raw) + 0.11)

    def test_objects_are_those_of_icfs_encode(self):
        """A small photograph is compared as it is; Pillow resizes what icfs decodes to the pixels that are shown."""
        small = sorted(self.set.glob("val/*/*.jpg"))[0]
        shown = Shown(self.report("--photograph", self.path(small)))
        self.check_measures(shown)
        self.check_sizes(shown)
        with Image.open(small) as image:
            self.assertEqual(shown.original.shape, (image.height, image.width, 3))
            self.assertGreater(psnr(numpy.asarray(image), shown.original), 60)
        self.assertNotIn("stays small", "".join(shown.section.itertext()))
        compared = 0
        for ratio in RATIOS:
            row, picture = shown.named(ratio)[0]
            if row[2]:
                self.ok("encode", "--design", row[1], small, self.dir / "o.ic")
                self.assertEqual((self.dir / "o.ic").stat().st_size, row[2])
                self.ok("decode", self.dir / "o.ic", self.dir / "o.png")
                with Image.open(self.dir / "o.png") as image:
                    whole = image.resize(picture.shape[1::-1], Image.BILINEAR)
                self.assertEqual(numpy.asarray(whole).tolist(), picture.tolist(), row[1])
                compared += 1
        self.assertGreater(compared, 0)
        self.assertEqual(shown.rows[-1][1], "no design is so small")  # at 1,200 times: less than a header
        self.assertIn("no design is so small.", shown.captions)

    def test_jpegs_are_those_that_others_write(self):
        """Pillow's of the same quality has as many bytes, and that of the next quality is too large."""
        shown = Shown(self.report())
        compared = 0
        for ratio in RATIOS:
            (object_, _), (jpeg, picture) = shown.named(ratio)
            if not jpeg[2]:
                continue
            quality, factor = (int(n or 1) for n in re.search(r"quality (\d+)(?:, sides divided by (\d))?", jpeg[1]).groups())
            with Image.fromarray(shown.original) as image:
                image = image.resize([-(-side // factor) for side in image.size], Image.BILINEAR)

                def save(q):
                    out = io.BytesIO()
                    image.save(out, "JPEG", quality=q, subsampling=2, optimize=True)
                    return out
                self.assertEqual(save(quality).tell(), jpeg[2], jpeg[1])
                self.assertTrue(quality == 100 or save(quality + 1).tell() > object_[2], jpeg[1])
                with Image.open(save(quality)) as again:
                    again = numpy.asarray(again.resize(shown.original.shape[1::-1], Image.BILINEAR))
            self.assertGreater(psnr(again, picture), 50, jpeg[1])
            compared += 1
        self.assertGreater(compared, 2)

    def test_gray_is_one_byte_a_pixel(self):
        shown = Shown(self.report("--photograph", self.path(self.gray)))
        self.assertTrue((shown.original == shown.original[..., :1]).all())
        shown.raw //= 3
        self.assertIn(f"As it is: 190 by 260 pixels, raw {190 * 260} bytes.", shown.captions)
        self.check_measures(shown)
        self.check_sizes(shown)
        for picture in shown.pictures:
            self.assertTrue(picture is None or (picture == picture[..., :1]).all())

    def test_one_that_is_named_must_be_there_and_whole(self):
        page = self.dir / "page.html"
        for path, reason in [
                (self.path(self.cut_off), f"{self.path(self.cut_off)}: it ends early"),
                ("train/none.jpg", "train/none.jpg: is no JPEG of the dataset, by its path below it"),
                (str(self.large), f"{str(self.large)[:100]}: is no JPEG of the dataset, by its path below it"),
                ("../x\x1b.jpg", "../x?.jpg: is no JPEG of the dataset, by its path below it")]:
            self.fails(f"icfs: the photograph cannot be shown: {reason}\n", "report", "--output", page, "--photograph",
                       path, "1")
            self.assertFalse(page.exists())

    def test_a_dataset_that_is_gone_has_none(self):
        self.sql("UPDATE run SET directory = '/dev/null/gone'")
        done = icfs("report", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        page = done.stdout.decode()
        self.assertIn("<p>There is none to show: <bdi>the dataset is not at hand</bdi>.</p>", page)
        self.assertFalse(list(ElementTree.fromstring(page).iter("img")))
        done = icfs("report", "--photograph", self.path(self.large), "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"icfs: the photograph cannot be shown: the dataset is not at hand\n", done.stderr)


class NoPhotographTest(Searching):
    def search_and_report(self):
        self.search("--max-bytes=50%", self.set)
        page = self.ok("report", "1").decode()
        section = next(s for s in ElementTree.fromstring(page).iter("section") if s.get("id") == "photograph")
        return section, " ".join("".join(section.itertext()).split())

    def test_there_is_none_where_all_end_early(self):
        cut_off = self.dir / "set"
        shutil.copytree(self.set, cut_off)
        for path in jpegs(cut_off):
            path.write_bytes(path.read_bytes()[:-path.stat().st_size // 5])
        self.set = cut_off
        section, text = self.search_and_report()
        self.assertFalse(list(section.iter("img")))
        self.assertRegex(text, r"There is none to show: train/\S+: it ends early\.$")

    def test_damaged_ones_are_passed_over(self):
        """Eight of those that are large enough are tried, then the largest of the others."""
        damaged = self.dir / "set"
        shutil.copytree(self.set, damaged)
        with Image.new("RGB", (300, 220), (9, 99, 199)) as image:
            image.save(self.dir / "whole.jpg", quality=100)
        whole = (self.dir / "whole.jpg").read_bytes()
        first = sorted((damaged / "train").iterdir())[0]
        for i in range(8):
            (first / f"0-{i}.jpg").write_bytes(whole[:-len(whole) // 4])
        self.set = damaged
        section, text = self.search_and_report()
        sizes = {}
        for path in jpegs(damaged):
            with Image.open(path) as image:
                if min(image.size) < 200:
                    sizes[str(path.relative_to(damaged))] = image.size[0] * image.size[1]
        largest = max(sizes, key=sizes.get)  # the first of them
        self.assertIn(f"The photograph is {largest}, of ", text)
        self.assertTrue(list(section.iter("img")))


if __name__ == "__main__":
    unittest.main()
