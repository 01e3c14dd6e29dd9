# SPDX-License-Identifier: MIT
"""`pip install ./python` into a virtual environment: what it brings, that its hook is on in every program, worker
processes of their own included, and that nothing stays when it is removed."""
import os
import subprocess
import tempfile
from pathlib import Path

from objects import ROOT, Folder, main, photo, run


def pip(python, *arguments):
    return subprocess.run([python, "-m", "pip", "--disable-pip-version-check", "--retries", "1", "--timeout", "20",
                           *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


class Install(Folder):
    def setUp(self):
        super().setUp()
        run(os.environ["PYTHON"], "-m", "venv", "--system-site-packages", self.dir / "venv")
        self.interpreter = self.dir / "venv" / "bin" / "python"
        source = self.dir / "python"
        run("cp", "-r", ROOT / "python", source)
        done = pip(self.interpreter, "install", "--no-deps", str(source))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def python(self, *arguments):
        return run(self.interpreter, *arguments, env=self.environment).decode().strip()

    def test_it_is_whole(self):
        site = Path(self.python("-c", "import icfs; print(icfs.__path__[0])")).parent
        self.assertTrue(site.is_relative_to(self.dir / "venv"))
        for name in ("icfs.pth", "_icfs_hook.py", "icfs/py.typed", "icfs/torch/stems.py"):
            self.assertTrue((site / name).exists(), name)
        path = self.put("cat.ic", photo())
        program = f"from PIL import Image; print(Image.open({str(path)!r}).convert('RGB').size)"
        self.assertEqual(self.python("-c", program), str((151, 123)))
        self.assertEqual(pip(self.interpreter, "uninstall", "--yes", "icfs").returncode, 0)
        self.assertEqual([entry.name for entry in site.iterdir() if "icfs" in entry.name], [])
        self.assertEqual(self.python("-c", "print(1)"), "1")

    def test_processes_that_are_spawned_have_the_hook(self):
        path = self.put("cat.ic", photo())
        script = self.put("spawn.py", b"""
import multiprocessing
import sys
from PIL import Image

def size(path):
    return Image.open(path).size

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(size, sys.argv[1:]))
""")
        self.assertEqual(self.python(script, path), str([(151, 123)]))


def why_not():
    """pip makes the package with a build system from PyPI."""
    with tempfile.TemporaryDirectory(prefix="icfs-python-") as name:
        done = pip(os.environ["PYTHON"], "download", "--no-deps", "--dest", name, "hatchling")
    errors = [line for line in done.stdout.splitlines() if line.startswith("ERROR")]
    return f"cannot download hatchling: {errors[-1] if errors else done.stdout}" if done.returncode else None


if __name__ == "__main__":
    main(unless=why_not())
