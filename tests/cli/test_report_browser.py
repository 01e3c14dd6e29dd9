# SPDX-License-Identifier: MIT
"""icfs report in a real browser, without a window: what it makes of the page, and what is to be seen. ICFS_TEST_BROWSER names
one of Chromium's family that is not in PATH."""

import os
import shutil
import subprocess
import sys
import unittest

from searching import Searching
from test_report import Strict

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]
BROWSER = os.environ.get("ICFS_TEST_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)


class BrowserTest(Searching):
    def setUp(self):
        super().setUp()
        self.search("--max-bytes=25%", self.set)
        self.page = self.dir / "report.html"
        self.ok("report", "--output", self.page, "1")

    def browse(self, *args):
        done = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                               f"--user-data-dir={self.dir}/profile", "--window-size=1000,5200", *args,
                               self.page.as_uri()], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def test_it_reads_what_was_written(self):
        parsed, written = Strict(self.browse("--dump-dom")), Strict(self.page.read_text())
        self.assertEqual(parsed.text.split(), written.text.split())
        self.assertEqual([tag for tag, _ in parsed.elements], [tag for tag, _ in written.elements])

    def test_all_kinds_of_points_are_seen(self):
        from PIL import Image
        shot = self.dir / "page.png"
        self.browse(f"--screenshot={shot}")
        with Image.open(shot) as image:
            colours = {colour: n for n, colour in image.convert("RGB").getcolors(1 << 24)}
        # Ground, text, and series by their colours in report_html.c; dots are blended with the ground.
        for colour in ("ffffff", "1a1a1a", "0b61a4", "a83a12", "1c7c3c", "7a1fa2", "f2f2f2"):
            self.assertGreater(colours.get(tuple(bytes.fromhex(colour)), 0), 50, colour)

    def test_the_photograph_is_seen(self):
        """Pixel by pixel, as wide as it is: all its pictures, from the top down."""
        import numpy
        from PIL import Image

        from test_report_photograph import Shown
        page = Shown(self.page.read_text())
        shot = self.dir / "page.png"
        self.browse(f"--screenshot={shot}", "--window-size=1000,9000")
        with Image.open(shot) as image:
            seen = numpy.asarray(image.convert("RGB"))
        rows = [row.tobytes() for row in seen]
        for picture in page.distinct:
            height, width, _ = picture.shape
            places = [(y, at // 3) for y, row in enumerate(rows) for at in [row.find(picture[0].tobytes())]
                      if at >= 0 and at % 3 == 0]
            self.assertTrue(any((seen[y:y + height, x:x + width] == picture).all() for y, x in places))

    def test_it_prints(self):
        paper = self.dir / "page.pdf"
        self.browse(f"--print-to-pdf={paper}")
        self.assertEqual(paper.read_bytes()[:5], b"%PDF-")
        self.assertGreater(paper.read_bytes().count(b"/Type /Page\n") + paper.read_bytes().count(b"/Type /Page/"), 2)


if __name__ == "__main__":
    if not BROWSER:
        print(f"SKIP: no browser: none of {', '.join(BROWSERS)} is in PATH")
        sys.exit(77)
    unittest.main()
