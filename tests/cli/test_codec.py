# SPDX-License-Identifier: MIT
"""icfs encode and icfs decode: round trips, the two properties of the format, bad input."""

import io
import itertools
import os
import pathlib
import unittest

from PIL import Image

from cli import SANITIZED, CliTest, icfs, jpegs, pairs

DESIGNS = ["s1x1-b8-k15-q8", "s1x1-b8-k15-q8-c1", "s2x2-b8-k6-q8", "s4x1-b16-k31-q3", "s1x4-b1-k1-q5", "s2x4-b2-k2-q1",
           "s2x2-b8-k6-q8-fbox", "s1x1-b32-k40-q6-ox"]


def split(bytes_, facts):
    """Table and data of an object."""
    return bytes_[64:64 + 4 * facts["nplanes"]], bytes_[facts["data_offset"]:]


class Codec(CliTest):
    def face(self, source, design, face, *more):
        return self.ok("encode", "-d", design, "--face", face, *more, source, "-")


class Pairs(Codec):
    """What holds of every source under every design."""

    def test_sizes_are_those_predicted(self):
        for design in DESIGNS:
            sources = [source for source, of in pairs(self.photographs, DESIGNS) if of == design]
            objects = [self.dir / f"{i}.ic" for i in range(len(sources))]
            sizes = [len(self.encode(*each)) for each in zip(sources, itertools.repeat(design), objects)]
            all_told, all_facts = self.inspect_all(sources, "--design", design), self.inspect_all(objects)
            self.assertEqual([len(all_told), len(all_facts)], [len(sources)] * 2)
            for source, size, told, facts in zip(sources, sizes, all_told, all_facts):
                self.assertEqual(told["object"]["bytes"], size, (source, design))
                self.assertEqual((facts["bytes"], facts["design"], facts["complete"]), (size, design, True))
                self.assertEqual((facts["source_width"], facts["source_height"]), (told["width"], told["height"]))

    def test_faces(self):
        for source, design in pairs(self.photographs, DESIGNS[:4]):
            object_ = self.encode(source, design)
            bmp, jpeg = self.face(source, design, "bmp"), self.face(source, design, "jpeg")
            self.assertEqual(self.face(source, design, "ic"), object_)
            self.assertEqual(self.face(self.dir / "out.ic", design, "bmp"), bmp)  # the object is all it takes
            self.assertEqual(self.face(self.dir / "out.ic", design, "jpeg"), jpeg)
            facts = self.inspect(self.dir / "out.ic")
            self.ok("decode", self.dir / "out.ic", self.dir / "a.ppm")
            with Image.open(io.BytesIO(bmp)) as a, Image.open(self.dir / "a.ppm") as b, \
                    Image.open(io.BytesIO(jpeg)) as c:
                self.assertEqual((a.format, c.format), ("BMP", "JPEG"))
                self.assertEqual(a.mode, "L" if len(facts["components"]) == 1 else "RGB")
                self.assertEqual(a.convert("RGB").tobytes(), b.tobytes(), (source, design))
                self.assertEqual(c.size, b.size)
        self.assertEqual(self.face(source, design, "orig"), source.read_bytes())
        self.assertEqual(self.face(self.dir / "out.ic", design, "orig"), (self.dir / "out.ic").read_bytes())

    def test_png_and_ppm_hold_the_same_pixels(self):
        for source, design in pairs(self.photographs[:10], DESIGNS):
            self.encode(source, design)
            facts = self.inspect(self.dir / "out.ic")
            self.ok("decode", self.dir / "out.ic", self.dir / "a.ppm")
            self.ok("decode", self.dir / "out.ic", self.dir / "a.PNG")
            with Image.open(self.dir / "a.ppm") as ppm, Image.open(self.dir / "a.PNG") as png:
                self.assertEqual((ppm.format, png.format), ("PPM", "PNG"))
                self.assertEqual(ppm.size, (facts["width"], facts["height"]))
                self.assertEqual((png.mode, png.size), ("RGB", ppm.size))
                self.assertEqual(png.tobytes(), ppm.tobytes(), (source, design))


class Encode(Codec):
    def test_a_prefix_is_a_design(self):
        for source in self.photographs[:6]:
            table, data = b"", b""
            for keep in (1, 3, 9, 15):
                bytes_ = self.encode(source, f"s2x2-b8-k{keep}-q5")
                more_table, more_data = split(bytes_, self.inspect(self.dir / "out.ic"))
                self.assertTrue(more_table.startswith(table) and more_data.startswith(data), (source, keep))
                self.assertGreater(len(more_data), len(data))
                table, data = more_table, more_data

    def test_a_dense_object_yields_the_sparse_ones(self):
        for source in self.photographs[:6]:
            self.encode(source, "s1x2-b16-k31-q8", "dense.ic")
            for design in ("s1x2-b16-k31-q3", "s1x2-b16-k7-q8", "s1x2-b16-k1-q1"):
                direct = self.encode(source, design)
                self.assertEqual(self.encode(self.dir / "dense.ic", design), direct, (source, design))
        self.fails(f"icfs: {self.dir}/dense.ic: its design s1x2-b16-k31-q8 does not hold what s1x1-b8-k15-q8 asks for; "
                   "only the JPEG does\n", "encode", "-d", "s1x1-b8-k15-q8", self.dir / "dense.ic", self.dir / "x.ic")

    def test_an_object_has_its_own_design_where_none_is_said(self):
        source = self.photographs[0]
        direct = self.encode(source, "s2x2-b8-k6-q5")
        for face in ("ic", "jpeg", "bmp"):
            self.assertEqual(self.ok("encode", "--face", face, self.dir / "out.ic", "-"),
                             self.face(source, "s2x2-b8-k6-q5", face))
        self.assertEqual(self.ok("encode", self.dir / "out.ic", "-"), direct)
        self.assertEqual(self.ok("encode", "-", "-", stdin=direct + b"a tail that readers ignore"), direct)

    def test_limits_hold_for_objects_too(self):
        object_ = self.encode(self.photographs[0], "s1x1-b8-k15-q8")
        width, height = self.inspect(self.dir / "out.ic")["width"], self.inspect(self.dir / "out.ic")["height"]
        for face in ("ic", "jpeg", "bmp"):
            self.fails(f"icfs: {self.dir}/out.ic: over a limit: {width} x {height} pixels are over the limit of 1000; "
                       "raise it with --pixels, --memory or --scans\n",
                       "encode", "--pixels=1000", "--face", face, self.dir / "out.ic", "-")
            done = icfs("encode", "--memory=10K", "--face", face, self.dir / "out.ic", "-")
            self.assertIn(b"of memory, over the limit of 10240; raise it", done.stderr)
            self.assertEqual(done.returncode, 1)
        self.fails("icfs: standard input: ends too early: the file has "
                   f"{len(object_) - 1} bytes, its .ic header asks for {len(object_)}\n",
                   "encode", "-", "-", stdin=object_[:-1])

    def test_the_same_input_gives_the_same_bytes_through_pipes_too(self):
        for source in self.photographs[:3]:
            direct = self.encode(source, "s2x2-b8-k6-q8")
            piped = self.ok("encode", "-d", "s2x2-b8-k6-q8", "-", "-", stdin=source.read_bytes())
            self.assertEqual(piped, direct)

    def test_metadata_is_kept_where_that_is_asked(self):
        source = self.dir / "commented.jpg"
        source.write_bytes(b"\xff\xd8\xff\xfe\0\x0ea comment :)" + self.photographs[0].read_bytes()[2:])
        for face in ("ic", "bmp", "jpeg"):
            dropped = self.face(source, "s1x1-b8-k4-q8", face)
            kept = self.face(source, "s1x1-b8-k4-q8", face, "--metadata=keep")
            self.assertEqual(self.face(source, "s1x1-b8-k4-q8", face, "-m", "drop"), dropped)
            self.assertEqual(b"a comment :)" in kept, face == "jpeg")
            self.assertEqual(kept != dropped, face == "jpeg")
        self.fails("icfs encode: --metadata: expected keep or drop, not 'some'\nTry 'icfs encode --help'.\n",
                   "encode", "--metadata=some", source, "-", status=2)

    def test_other_faces_hide_no_truncation(self):
        source = self.images / "odd" / "truncated-in-data-at-50-percent.jpg"
        for face in ("jpeg", "bmp"):
            self.fails(f"icfs: {source}: damaged: the JPEG's data ends early\n", "encode", "--face", face, source, "-")
        self.assertEqual(self.face(source, DESIGNS[0], "orig"), source.read_bytes())

    def test_a_truncated_source_is_encoded_and_said(self):
        source = self.images / "odd" / "truncated-in-data-at-50-percent.jpg"
        self.fails(f"icfs: warning: {source}: ends early; what is missing is as JPEG decoders fill it in\n",
                   "encode", source, self.dir / "a.ic", status=0)
        self.assertTrue(self.inspect(self.dir / "a.ic")["truncated"])
        self.fails(f"icfs: warning: {self.dir}/a.ic: was made from a JPEG that ended early\n",
                   "decode", self.dir / "a.ic", self.dir / "a.ppm", status=0)

    def test_limits(self):
        huge = self.images / "odd" / "huge-65500x65500.jpg"
        hint = "; raise it with --pixels, --memory or --scans\n"
        self.fails(f"icfs: {huge}: over a limit: 65500 x 65500 pixels are over the limit of 100000000{hint}",
                   "encode", huge, self.dir / "a.ic")
        many = self.images / "odd" / "progressive-190-scans.jpg"
        self.fails(f"icfs: {many}: over a limit: the JPEG has more than 100 scans{hint}", "encode", many,
                   self.dir / "a.ic")
        self.ok("encode", "--scans", "200", many, self.dir / "a.ic")
        small = self.images / "odd" / "sampling-444.jpg"
        done = icfs("encode", "--memory=1K", small, self.dir / "b.ic")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b": over a limit: ", done.stderr)
        self.assertEqual(os.listdir(self.dir), ["a.ic"])

    def test_inputs_that_are_no_jpeg(self):
        for name, content, reason in [
            ("empty", b"", "damaged: no JPEG: it does not begin with a start-of-image marker"),
            ("text", b"hello", "damaged: no JPEG: it does not begin with a start-of-image marker"),
        ]:
            path = self.dir / name
            path.write_bytes(content)
            self.fails(f"icfs: {path}: {reason}\n", "encode", path, self.dir / "a.ic")
        self.fails(f"icfs: {self.dir}/none: cannot be read: No such file or directory\n", "encode", self.dir / "none",
                   self.dir / "a.ic")
        self.fails(f"icfs: {self.dir}: cannot be read: Is a directory\n", "encode", self.dir, self.dir / "a.ic")
        self.assertFalse((self.dir / "a.ic").exists())

    def test_hostile_files_cost_one_line_and_no_more(self):
        sources = sorted((self.images / "odd").iterdir())
        if "ICFS_TEST_DATA" in os.environ:
            data = pathlib.Path(os.environ["ICFS_TEST_DATA"])
            sources += [f for f in sorted((data / "edge-cases").rglob("*")) if f.is_file()]
        outcomes = set()
        for source in sources:
            out = self.dir / "a.ic"
            out.unlink(missing_ok=True)
            done = icfs("encode", "-d", "s2x2-b8-k6-q4", source, out)
            self.assertIn(done.returncode, (0, 1), (source, done.stderr))
            self.assertLessEqual(done.stderr.count(b"\n"), 1, done.stderr)
            self.assertEqual(out.exists(), done.returncode == 0)
            outcomes.add(done.returncode)
        self.assertEqual(outcomes, {0, 1})


class Decode(CliTest):
    def test_the_dense_design_is_near_what_pillow_shows(self):
        for source in jpegs(self.images / "tree"):
            self.encode(source, "s1x1-b8-k15-q8-c1")
            ppm = self.ok("decode", self.dir / "out.ic", "-")
            with Image.open(io.BytesIO(ppm)) as ours, Image.open(source) as theirs:
                pairs = list(zip(ours.tobytes(), theirs.convert("RGB").tobytes()))
            mean_square = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
            self.assertLess(mean_square, 4.2, source)  # 42 dB

    def test_pipes(self):
        object_ = self.encode(self.photographs[0], "s2x2-b8-k6-q8")
        self.ok("decode", self.dir / "out.ic", self.dir / "a.ppm")
        self.ok("decode", self.dir / "out.ic", self.dir / "a.png")
        self.assertEqual(self.ok("decode", "-", "-", stdin=object_), (self.dir / "a.ppm").read_bytes())
        self.assertEqual(self.ok("decode", "-f", "png", "-", "-", stdin=object_), (self.dir / "a.png").read_bytes())
        self.ok("decode", "--format=png", self.dir / "out.ic", self.dir / "b.ppm")
        self.assertEqual((self.dir / "b.ppm").read_bytes(), (self.dir / "a.png").read_bytes())

    def test_a_jpeg_is_refused_with_advice(self):
        source = self.photographs[0]
        self.fails(f"icfs: {source}: is a JPEG, not an .ic file; make one with 'icfs encode {source} OUT.ic'\n",
                   "decode", source, self.dir / "a.ppm")
        self.fails(f"icfs: {self.dir}/a.gif: the name ends in neither .ppm nor .png; say --format=ppm or "
                   "--format=png\n", "decode", source, self.dir / "a.gif", status=2)

    def test_cut_and_damaged_objects_are_refused(self):
        object_ = self.encode(self.photographs[0], "s2x2-b8-k6-q8")
        path = self.dir / "bad.ic"
        for n in list(range(0, 70, 7)) + [len(object_) // 2, len(object_) - 1]:
            path.write_bytes(object_[:n])
            done = icfs("decode", path, self.dir / "a.ppm")
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1), n)
        # Every byte of the header, and some of the table, wrong in some way: an error or a picture, never a crash.
        for i in list(range(64)) + list(range(64, 120, 5)):
            changes = (0x01, 0x80, 0xff)
            for change in (changes[i % 3],) if SANITIZED else changes:
                damaged = bytearray(object_)
                damaged[i] ^= change
                path.write_bytes(damaged)
                done = icfs("decode", path, self.dir / "a.ppm")
                self.assertIn(done.returncode, (0, 1), (i, change, done.stderr))
        path.write_bytes(object_[:-1])
        self.assertRegex(icfs("decode", path, self.dir / "b.ppm").stderr.decode(), r"bad\.ic: ends too early: ")
        self.assertFalse((self.dir / "b.ppm").exists())

    def test_pixels_are_bounded(self):
        self.encode(self.photographs[0], "s1x1-b8-k1-q1")
        facts = self.inspect(self.dir / "out.ic")
        self.fails(f"icfs: {self.dir}/out.ic: {facts['width']} x {facts['height']} pixels are over the limit; raise it "
                   "with --pixels\n", "decode", "--pixels=100", self.dir / "out.ic", self.dir / "a.ppm")


if __name__ == "__main__":
    unittest.main()
