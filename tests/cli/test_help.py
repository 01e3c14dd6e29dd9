# SPDX-License-Identifier: MIT
"""--help, --version, and command lines that are wrong."""

import re
import subprocess
import unittest

from cli import COMMANDS, ICFS, SOURCE, CliTest


class Help(CliTest):
    def test_every_command_has_help(self):
        for args in [["--help"], ["-h"], ["help"]] + [[c, option] for c in COMMANDS for option in ("--help", "-h")]:
            text = self.ok(*args).decode()
            self.assertTrue(text.startswith("Usage: icfs "), args)
            self.assertIn("--help", text)
        for command in COMMANDS:
            self.assertEqual(self.ok("help", command), self.ok(command, "--help"))

    def test_help_lists_every_command(self):
        text = self.ok("--help").decode()
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", text)

    def test_the_manual_names_every_option(self):
        manual = (SOURCE / "docs" / "icfs.1").read_text().replace("\\-", "-")
        for command in COMMANDS:
            section = manual.split(f"\n.SS icfs {command}\n")[1].split("\n.S")[0]
            for option in re.findall(r"^  (?:-.,|   ) (--[a-z-]+)", self.ok(command, "--help").decode(), re.M):
                if option not in ("--help", "--version"):
                    self.assertIn(option, section, command)

    def test_version_tells_the_parts(self):
        for args in [["--version"], ["-V"]] + [[c, "--version"] for c in COMMANDS] + [[c, "-V"] for c in COMMANDS]:
            text = self.ok(*args).decode()
            self.assertRegex(text, r"^icfs \d+\.\d+\.\d+\n")
            for part in (".ic format", "codec", "JPEG", "PNG", "mount", "GPU"):
                self.assertRegex(text, rf"\n  {part} +\S")

    def test_wrong_command_lines(self):
        usage = self.ok("--help").decode()
        self.fails(usage, status=2)
        self.fails("icfs: 'foo' is no command of icfs\nTry 'icfs --help'.\n", "foo", status=2)
        for command, message, *args in [
            ("encode", "expected IN OUT", "a"),
            ("encode", "'c' is one operand too many", "a", "b", "c"),
            ("encode", "unknown option '-x'", "-x", "a", "b"),
            ("encode", "unknown option '--frob', or an argument it does not take", "--frob", "a", "b"),
            ("encode", "'--design' needs an argument", "a", "b", "--design"),
            ("encode", "--pixels: '-1' is no whole number from 0 up", "--pixels=-1", "a", "b"),
            ("encode", "--memory: '1X' is no size: a whole number, with K, M, G or T behind it for units of 1024", "--memory",
             "1X", "a", "b"),
            ("encode", "--memory: '99999999999G' is no whole number from 0 up", "--memory=99999999999G", "a", "b"),
            ("encode", "--scans: '4294967296' is no whole number from 0 to 4294967295", "--scans=4294967296", "a", "b"),
            ("decode", "--format: unknown format 'gif'; known: ppm, png", "-f", "gif", "a", "b"),
            ("inspect", "expected FILE..."),
            ("designs", "'x' is one operand too many", "x"),
            ("designs", "unknown option '--count=3', or an argument it does not take", "--count=3"),
            ("policy", "expected DIR"),
            ("policy", "--clear removes what the other options would write; use one", "--clear", "--face=ic", "."),
        ]:
            self.fails(f"icfs {command}: {message}\nTry 'icfs {command} --help'.\n", command, *args, status=2)

    def test_full_standard_output_is_an_error(self):
        with open("/dev/full", "wb") as full:
            for args in (["--version"], ["designs"], ["--help"]):
                done = subprocess.run([ICFS, *args], stdout=full, stderr=subprocess.PIPE)
                self.assertEqual((done.returncode, done.stderr), (
                    1, b"icfs: standard output: cannot be written: No space left on device\n"), args)


if __name__ == "__main__":
    unittest.main()
