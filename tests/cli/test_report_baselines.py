# SPDX-License-Identifier: MIT
"""icfs report --baselines: they are in the plots and in a table, and a CSV file of anybody's does no harm."""

import os
import random
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from cli import ICFS, icfs
from searching import Searching
from test_report import SVG, Strict, rows_of

# With columns that are not asked for; JPEG with two seeds.
BASELINES = """\
data,name,seed,options,accuracy,nbytes,load_s,infer_s,train_s,images_per_s,wait_share
set,JPEG,0,--epochs 1,0.75,4000.0,0.002,0.001,0.01,50,0.1
set,JPEG q10 1/2,0,--epochs 1,0.5,1000.0,0.001,0.001,0.01,50,0.1
set,JPEG,1,--epochs 1,0.85,4000.0,0.004,0.001,0.03,50,0.1
set,CVPR2020-24,0,--epochs 1,0.625,3000.0,0.002,0.0005,,50,0.1
"""
HEAD = b"name,accuracy,nbytes\n"
RESOURCES = ("inference time", "training time", "space")


def rounded(shown):
    """The least and the greatest number that rounds to SHOWN."""
    half = 0.5 * 10.0 ** -len(shown.partition(".")[2])
    return float(shown) - half * 1.000001, float(shown) + half * 1.000001


class Shown(Searching):
    searched = None

    def setUp(self):
        super().setUp()
        self.file = self.dir / "baselines.csv"
        self.file.write_text(BASELINES)
        if Shown.searched:
            self.catalog.write_bytes(Shown.searched)
        else:
            self.search("--max-bytes=25%", self.set)
            Shown.searched = self.catalog.read_bytes()

    def report(self, *args):
        return self.ok("report", *args, "1").decode()

    def points(self, page):
        """By resource: x, y and number of each baseline, by its name."""
        plots = {svg.find(SVG + "title").text: svg for svg in ElementTree.fromstring(page).iter(SVG + "svg")}
        found = {}
        for resource in RESOURCES:
            svg = plots[f"Accuracy against {resource}"]
            titles = [mark.find(SVG + "title").text for mark in svg.iter(SVG + "path")
                      if mark.get("class") == "mark baseline" and mark.find(SVG + "title") is not None]
            numbers = [text.text for text in svg.iter(SVG + "text") if text.get("class") == "number"]
            split = [re.fullmatch(r"(.*): ([\d.e+]+), ([\d.]+) \(baselines\)", title) for title in titles]
            found[resource] = {match[1]: (float(match[2]), float(match[3]), number)
                               for match, number in zip(split, numbers, strict=True)}
            for text in svg.iter(SVG + "text"):
                self.assertLess(float(text.get("x") or 0), 760)
        return found

    def check_ratio(self, shown, a, b):
        """That SHOWN is A / B, where each is a number as it was rounded for the page: a search measures its own times, so
        that a machine that is busy makes the quotient small, and what rounding takes of it large."""
        (least, most), of_a, of_b = rounded(shown), rounded(a), rounded(b)
        self.assertLessEqual(least, of_a[1] / of_b[0], (shown, a, b))
        self.assertGreaterEqual(most, of_a[0] / of_b[1], (shown, a, b))

    def test_they_are_in_the_plots(self):
        points = self.points(self.report("--baselines", self.file))
        self.assertEqual(points["space"], {"JPEG": (4000, 80, "1"), "JPEG q10 1/2": (1000, 50, "2"),
                                           "CVPR2020-24": (3000, 62.5, "3")})
        self.assertEqual(points["inference time"], {"JPEG": (4, 80, "1"), "JPEG q10 1/2": (2, 50, "2"),
                                                    "CVPR2020-24": (2.5, 62.5, "3")})
        self.assertEqual(points["training time"], {"JPEG": (23, 80, "1"), "JPEG q10 1/2": (11, 50, "2")})

    def test_they_are_held_against_the_choice(self):
        page = self.report("-b", self.file)
        (choice, *rows), chosen = rows_of(page, "Baselines"), rows_of(page, "The reference")[1]
        self.assertEqual(choice[:6], [chosen[0], "-", "-", *chosen[1:4]])
        self.assertEqual((choice[6], choice[8:]), (chosen[6], ["1.00", "1.00", "1.00", "0.00"]))
        self.assertEqual([row[:8] for row in rows], [
            ["JPEG", "1", "2", "4000", "4.0000", "23.0000", "80.00", "7.07"],
            ["JPEG q10 1/2", "2", "1", "1000", "2.0000", "11.0000", "50.00", "-"],
            ["CVPR2020-24", "3", "1", "3000", "2.5000", "-", "62.50", "-"]])
        for row in rows:
            self.check_ratio(row[8], row[3], chosen[1])
            self.check_ratio(row[9], row[4], chosen[2])
            self.assertAlmostEqual(float(row[11]), float(row[6]) - float(chosen[6]), delta=0.011)
        self.assertIn("against the choice", page)
        self.sql("DELETE FROM choice")
        page = self.report("-b", self.file)
        self.assertIn("against the reference, since nothing was chosen", page)
        self.assertEqual(rows_of(page, "Baselines")[0][0], "s1x1-b8-k15-q8")

    def test_an_epoch_of_the_sources_stands_beside_those_of_designs(self):
        page = self.report("-b", self.file)
        rows = rows_of(page, "Seconds of one epoch")
        self.assertEqual([row[0] for row in rows], ["JPEG", "s1x1-b8-k15-q8", rows_of(page, "Baselines")[0][0]])
        self.assertEqual(rows[0][1:5], ["-", "0.108", "0.720", "0.828"])  # 36 images of 3 and 20 ms
        plot, = [svg for svg in ElementTree.fromstring(page).iter(SVG + "svg")
                 if svg.find(SVG + "title").text == "Where an epoch's time goes"]
        decoding = [float(bar.get("width")) for bar in plot.iter(SVG + "rect") if bar.get("class") == "decode"][1:]
        self.assertEqual(len(decoding), 3)  # after the legend
        self.assertGreater(decoding[0], 0)
        self.file.write_text(BASELINES.replace("0.01,50", ",50"))
        self.assertEqual(len(rows_of(self.report("-b", self.file), "Seconds of one epoch")), 2)

    def test_without_them_the_page_has_none(self):
        page = self.report()
        self.assertEqual(self.points(page), {resource: {} for resource in RESOURCES})
        self.assertNotIn(">baselines<", page)
        self.assertNotIn("Baselines", page)

    def test_columns_that_nobody_needs(self):
        self.file.write_bytes(b"\xef\xbb\xbf" + HEAD.replace(b"\n", b"\r\n") + b'"a ""b"",\r\nc",0.5,10\r\n\r\nd,.25,1e3')
        points = self.points(self.report("-b", self.file))
        self.assertEqual(points["inference time"], {})
        self.assertEqual(points["space"], {'a "b",\ufffd\ufffdc': (10, 50, "1"), "d": (1000, 25, "2")})

    def test_names_stay_text(self):
        name = "</title><script>alert(1)</script>&\"' \u202e\x01]]>"
        quoted = name.replace('"', '""')
        self.file.write_text(f'name,accuracy,nbytes,load_s,infer_s,train_s\n"{quoted}",0.5,10,1,1,1\n')
        page = self.report("-b", self.file)
        parsed = Strict(page)
        self.assertNotIn("script", {tag for tag, _ in parsed.elements})
        shown = name.replace("\x01", "\ufffd")
        self.assertEqual(list(self.points(page)["space"]), [shown])
        self.assertEqual(rows_of(page, "Baselines")[1][0], shown)
        self.assertNotRegex(page, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")

    def test_extremes(self):
        rows = [b"a,1e9,1,0,0,0", b"b,-1e9,1e15,1e9,1e9,1e9", b"c,0,1,1e9,0,"]
        self.file.write_bytes(b"name,accuracy,nbytes,load_s,infer_s,train_s\n" + b"\n".join(rows))
        page = self.report("-b", self.file)
        ElementTree.fromstring(page)
        self.assertNotRegex(page, r"\b(nan|inf)\b")


class Refused(Searching):
    """The file is read before anything else: there is no catalog."""

    def refused(self, content, said):
        path = self.dir / "bad.csv"
        path.write_bytes(content)
        self.fails(f"icfs: {path}: {said}\n", "report", "--baselines", path, "1")

    def test_what_is_no_such_file(self):
        for content, said in (
                (b"", "line 1: no column is called 'accuracy'"),
                (b"name,nbytes\n", "line 1: no column is called 'accuracy'"),
                (b"accuracy,nbytes\n", "line 1: no column is called 'name'"),
                (b"name,accuracy,nbytes,accuracy\n", "line 1: two columns are called 'accuracy'"),
                (b"name;accuracy;nbytes\na;1;1\n", "line 1: no column is called 'accuracy'"),
                (HEAD, "there is no row"),
                (HEAD + b"\n\n", "there is no row"),
                (HEAD + b"a,1\n", "line 2: 2 fields for 3 columns"),
                (HEAD + b"a,1,1,1\n", "line 2: 4 fields for 3 columns"),
                (HEAD + b"a,1,1\n" + b"," * 64, "line 3: more than 64 fields"),
                (HEAD + b"a\0,1,1\n", "holds bytes of 0, so it is no CSV file"),
                (HEAD + b'"a\n\n",1,1\n"b,1,1\n', "line 5: a quoted field has no end"),
                (HEAD + b'"a"b,1,1\n', "line 2: a field of which a part is quoted"),
                (HEAD + b'a"b",1,1\n', "line 2: a field of which a part is quoted"),
                (HEAD + b",1,1\n", "line 2: a name has 1 to 100 bytes"),
                (HEAD + b"a" * 101 + b",1,1\n", "line 2: a name has 1 to 100 bytes"),
                (HEAD + b"a,1,1\nb,2,2\na,1,1\n", "line 4: 'a' with seed '' stands in line 2 already"),
                (b"seed," + HEAD + b"1,a,1,1\n2,a,1,1\n1,a,1,1\n", "line 4: 'a' with seed '1' stands in line 2 already"),
                (HEAD + b"a,,1\n", "line 2: accuracy '' is no number"),
                (HEAD + b"\x1b[31m,\x1b[31m,1\n", "line 2: accuracy '?[31m' is no number"),
                (HEAD + b"a,1,1e400\n", "line 2: nbytes 1e400 is none that can be"),
                (HEAD + b"a,1,0\n", "line 2: nbytes 0 is none that can be"),
                (b"train_s," + HEAD + b"-1,a,1,1\n", "line 2: train_s -1 is none that can be"),
                (b"\xff\xfen\0a\0m\0e\0", "holds bytes of 0, so it is no CSV file"),
                (HEAD + b"".join(b"%d,1,1\n" % i for i in range(2001)), "more than 2000 rows"),
                (HEAD + b"a,1,1\n" + b"\n" * (1 << 20), "longer than 1048576 bytes")):
            with self.subTest(said, content=content[:60]):
                self.refused(content, said)

    def test_what_is_no_number(self):
        for text in (b"nan", b"NAN", b"inf", b"-inf", b"0x10", b" 1", b"1 ", b"1_", b"1e", b"--1", b"1.2.3", b".", b"e",
                     b"1" + b"0" * 50 + b"x"):
            with self.subTest(text):
                self.refused(HEAD + b"a," + text + b",1\n",
                             f"line 2: accuracy '{text.decode()[:40]}' is no number")

    def test_what_cannot_be_read(self):
        none = self.dir / "none.csv"
        self.fails(f"icfs: {none}: No such file or directory\n", "report", "--baselines", none, "1")
        self.fails(f"icfs: {self.dir}: Is a directory\n", "report", "--baselines", self.dir, "1")
        self.fails("icfs: /dev/zero: longer than 1048576 bytes\n", "report", "--baselines", "/dev/zero", "1")

    def test_any_bytes(self):
        """Whole files of nonsense, and good ones that were damaged: one line each, and no crash."""
        dice = random.Random(9)
        path = self.dir / "any.csv"
        for number in range(150):
            content = bytearray(BASELINES.encode())
            for _ in range(dice.randrange(1, 12)):
                place = dice.randrange(len(content))
                content[place:place + dice.randrange(4)] = bytes(dice.choices(b'",\r\n\0\xff-0.e', k=dice.randrange(4)))
            path.write_bytes(content if number % 3 else dice.randbytes(dice.randrange(300)))
            done = icfs("report", "-b", path, "1")
            self.assertEqual(done.returncode, 1, content)
            self.assertRegex(done.stderr.decode(errors="replace"), r"\Aicfs: [^\n]*\n\Z")

    def test_from_a_pipe(self):
        reading, writing = os.pipe()
        os.write(writing, BASELINES.encode())
        os.close(writing)
        done = subprocess.run([ICFS, "report", "-b", f"/dev/fd/{reading}", "1"], pass_fds=[reading], capture_output=True)
        os.close(reading)
        self.assertEqual(done.stderr.decode(), f"icfs: {self.catalog}: no catalog: No such file or directory\n")


if __name__ == "__main__":
    unittest.main()
