# SPDX-License-Identifier: MIT
"""icfs inspect: words and JSON, of objects and of JPEGs, and of bytes that are neither."""

import json
import os
import unittest

from PIL import Image

from cli import CliTest, icfs


class Inspect(CliTest):
    def test_jpegs_are_told_as_pillow_sees_them(self):
        for source in self.photographs:
            facts = self.inspect(source)
            with Image.open(source) as image:
                self.assertEqual((facts["width"], facts["height"]), image.size, source)
                self.assertEqual(facts["progressive"], bool(image.info.get("progressive")), source)
                self.assertEqual(len(facts["sampling_factors"]), len(image.getbands()), source)
            self.assertEqual((facts["file"], facts["kind"], facts["bytes"]), (str(source), "jpeg", os.stat(source).st_size))

    def test_words_for_jpegs(self):
        odd = self.images / "odd"
        for name, words in [
            ("sampling-420", "colour       YCbCr, 4:2:0 (sampling factors 2x2, 1x1, 1x1)"),
            ("sampling-411", "colour       YCbCr, 4:1:1 (sampling factors 4x1, 1x1, 1x1)"),
            ("grayscale", "colour       grayscale (sampling factors 1x1)"),
            ("ycck-adobe-444", "colour       YCCK ("),
            ("arithmetic-progressive", "coding       progressive, arithmetic\n"),
            ("restart-5", "coding       sequential, Huffman, a restart marker every 5 MCUs\n"),
            ("exif-orientation-6", "orientation  6\n"),
        ]:
            self.assertIn(words, self.ok("inspect", odd / f"{name}.jpg").decode(), name)

    def test_the_size_told_follows_the_design(self):
        source = self.images / "odd" / "sampling-420.jpg"
        for design in ("s1x1-b8-k15-q8", "s4x4-b16-k1-q1"):
            n = len(self.encode(source, design))
            self.assertRegex(self.ok("inspect", "-d", design, source).decode(), rf"\n  as \.ic +{n} bytes under {design}, ")

    def test_objects(self):
        source = self.images / "odd" / "exif-orientation-6.jpg"
        n = len(self.encode(source, "s2x2-b4-k3-q5", "a.ic"))
        facts = self.inspect(self.dir / "a.ic")
        told = self.inspect(source)
        self.assertEqual((facts["kind"], facts["version"], facts["bytes"], facts["orientation"]), ("ic", 1, n, 6))
        self.assertEqual((facts["source_width"], facts["width"]), (told["width"], -(-told["width"] // 2)))
        self.assertEqual(facts["nplanes"], 3 * 6)
        self.assertEqual([c["name"] for c in facts["components"]], ["Y", "Cb", "Cr"])
        self.assertEqual(facts["data_offset"] + facts["data_bytes"], n)
        self.assertEqual(sum(c["plane_bytes"] for c in facts["components"]) * 6, facts["data_bytes"])
        words = self.ok("inspect", self.dir / "a.ic").decode()
        self.assertIn(f".ic file, version 1, {n} bytes\n", words)
        self.assertIn("planes       18, 6 of each component\n", words)
        self.assertIn("the lowest\n               3 of 7 anti-diagonals", words)

    def test_planes(self):
        self.encode(self.images / "odd" / "sampling-420.jpg", "s1x1-b8-k3-q8", "a.ic")
        facts = self.inspect("--planes", self.dir / "a.ic")
        planes = facts["planes"]
        self.assertEqual([(p["u"], p["v"]) for p in planes[::3]], [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)])
        self.assertEqual([p["component"] for p in planes[:4]], ["Y", "Cb", "Cr", "Y"])
        offset = facts["data_offset"]
        for plane in planes:
            self.assertEqual(plane["offset"], offset)
            offset += plane["bytes"]
            self.assertTrue(1 <= plane["step"] <= 255 and 1 <= plane["bits"] <= 8)
        self.assertEqual(offset, facts["bytes"])
        lines = self.ok("inspect", "-p", self.dir / "a.ic").decode().splitlines()
        self.assertEqual(len([line for line in lines if line.split()[1:2] in (["Y"], ["Cb"], ["Cr"])]), len(planes))

    def test_a_cut_object_is_told_and_an_error(self):
        object_ = self.encode(self.images / "odd" / "sampling-420.jpg", "s2x2-b8-k6-q8", "a.ic")
        done = icfs("inspect", "--json", "-", stdin=object_[:100])
        self.assertEqual(done.returncode, 1)
        self.assertFalse(json.loads(done.stdout)["complete"])
        self.assertRegex(done.stderr.decode(), r"^icfs: standard input: ends too early: [^\n]+\n$")

    def test_several_files_and_failures_among_them(self):
        good = self.images / "odd" / "sampling-420.jpg"
        (self.dir / "text").write_bytes(b"hello")
        out = self.fails(f"icfs: {self.dir}/text: is neither an .ic nor a JPEG file; a mount serves it as it is\n",
                         "inspect", "--json", good, self.dir / "text", good)
        self.assertEqual(len([json.loads(line) for line in out.splitlines()]), 2)

    def test_names_of_any_bytes(self):
        content = (self.images / "odd" / "sampling-420.jpg").read_bytes()
        for name, told in [(b'a"\\\n\x1b.jpg', 'a"\\\n\x1b.jpg'), (b"\xff\xc3\xa9.jpg", "\ufffd\u00e9.jpg")]:
            path = os.path.join(os.fsencode(self.dir), name)
            with open(path, "wb") as file:
                file.write(content)
            self.assertEqual(self.inspect(path)["file"], os.path.join(self.dir, told))
            self.assertNotIn(b"\x1b", self.ok("inspect", path))

    def test_any_bytes_give_words_or_one_line(self):
        object_ = self.encode(self.images / "odd" / "size-31x33.jpg", "s2x2-b8-k6-q8", "a.ic")
        path = self.dir / "b.ic"
        for i in range(0, 64):
            path.write_bytes(object_[:i] + bytes([object_[i] ^ 0xff]) + object_[i + 1:])
            done = icfs("inspect", "--planes", path)
            self.assertIn(done.returncode, (0, 1))
            self.assertEqual(done.stderr.count(b"\n"), done.returncode, done.stderr)


if __name__ == "__main__":
    unittest.main()
