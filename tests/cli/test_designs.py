# SPDX-License-Identifier: MIT
"""icfs designs: the space, filters, sizes, order."""

import json
import unittest

from cli import CliTest

SPACE = [f"s{x}x{y}-b{b}-k{k}-q{q}" for x in (1, 2, 4) for y in (1, 2, 4) for b in (1, 2, 4, 8, 16)
         for k in range(1, 2 * b) for q in range(1, 9)]


class Designs(CliTest):
    def names(self, *args):
        return self.ok("designs", *args).decode().split()

    def test_the_space(self):
        self.assertEqual(self.ok("designs", "--count"), b"4104\n")
        self.assertEqual(len(SPACE), 4104)
        self.assertEqual(self.names(), SPACE)

    def test_filters(self):
        for args, wanted in [
            (["--sampling=1x1"], lambda d: d.startswith("s1x1-")),
            (["-s", "1x2,4x4"], lambda d: d.startswith(("s1x2-", "s4x4-"))),
            (["--block", "8"], lambda d: "-b8-" in d),
            (["-k", "1,3-5"], lambda d: d.split("-")[2] in ("k1", "k3", "k4", "k5")),
            (["-q8"], lambda d: d.endswith("-q8")),
            (["-s2x2", "-b8", "-k6", "-q8"], lambda d: d == "s2x2-b8-k6-q8"),
            (["-b1", "-k2"], lambda d: False),
            (["--within=s2x1-b4-k5-q8"], lambda d: d.startswith("s2x1-b4-") and int(d.split("-")[2][1:]) <= 5),
            (["--covers=s2x1-b4-k5-q3"], lambda d: d.startswith("s2x1-b4-") and int(d.split("-")[2][1:]) >= 5
             and d[-1] in "38"),
        ]:
            expected = list(filter(wanted, SPACE))
            self.assertEqual(self.names(*args), expected, args)
            self.assertEqual(self.ok("designs", "--count", *args), f"{len(expected)}\n".encode())

    def test_sizes_are_those_of_objects(self):
        source = self.photographs[0]
        told = self.inspect(source)
        size = f"{told['width']}x{told['height']}"
        table = dict(line.split() for line in self.ok("designs", "--size", size).decode().splitlines())
        self.assertEqual(list(table), SPACE)
        for design in SPACE[::400]:
            self.assertEqual(int(table[design]), len(self.encode(source, design)), design)
        gray = json.loads(self.ok("designs", "--json", "--size", "17x9x1", "-s1x1", "-b1", "-q8"))
        self.assertEqual([d["bytes"] for d in gray], [128 + 17 * 9])

    def test_density_order(self):
        ordered = self.names("--sort=density")
        self.assertEqual(sorted(ordered), sorted(SPACE))
        bits = [sum(1 for u in range(b) for v in range(b) if u + v < k) * q / (b * b * x * y)
                for x, y, b, k, q in ([int(part.lstrip("sbkq")) for part in d.replace("x", "-").split("-")]
                                      for d in ordered)]
        self.assertEqual(bits, sorted(bits))

    def test_json(self):
        told = json.loads(self.ok("designs", "--json", "--size=500x375"))
        self.assertEqual([d["design"] for d in told], SPACE)
        self.assertEqual(json.loads(self.ok("designs", "--json", "-b1", "-k2")), [])
        self.assertEqual(told[-1]["frequencies"], 256)

    def test_wrong_values(self):
        for option, value, why in [
            ("keep", "0", "'0' is no list of numbers from 1 to 31, such as 1,3-5"),
            ("keep", "5-3", "'5-3' is no list of numbers from 1 to 31, such as 1,3-5"),
            ("bits", "1,", "'1,' is no list of numbers from 1 to 8, such as 1,3-5"),
            ("bits", "9", "'9' is no list of numbers from 1 to 8, such as 1,3-5"),
            ("block", " 8", "' 8' is no list of numbers from 1 to 16, such as 1,3-5"),
            ("sampling", "3x3", "'3x3' is no list of samplings 1x1, 1x2, ... 4x4"),
            ("sampling", "1x1,", "'1x1,' is no list of samplings 1x1, 1x2, ... 4x4"),
            ("size", "500", "'500' is no size; expected WxH or WxHxN, sides up to 65535, N 1 or 3"),
            ("size", "65536x1", "'65536x1' is no size; expected WxH or WxHxN, sides up to 65535, N 1 or 3"),
            ("size", "1x1x2", "'1x1x2' is no size; expected WxH or WxHxN, sides up to 65535, N 1 or 3"),
            ("sort", "size", "unknown order 'size'; known: space, density"),
        ]:
            self.fails(f"icfs designs: --{option}: {why}\nTry 'icfs designs --help'.\n", "designs", f"--{option}={value}",
                       status=2)


if __name__ == "__main__":
    unittest.main()
