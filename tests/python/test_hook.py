# SPDX-License-Identifier: MIT
"""The hook that has unmodified programs take .ic files: each test is a Python of its own, whose site-packages the
folder of the package stands for."""
import os
import shutil
import subprocess
import sys

from objects import ROOT, Folder, main, photo

PACKAGE = ROOT / "python"


class Hook(Folder):
    def setUp(self):
        super().setUp()
        self.path = self.put("cat.ic", photo())
        self.site = PACKAGE

    def python(self, program, **environment):
        """What a program prints; `path` is an .ic file. It must write nothing to stderr."""
        start = f"import site; site.addsitedir({str(self.site)!r}); path = {str(self.path)!r}\n"
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "ICFS_PYTHON_HOOK")}
        done = subprocess.run([sys.executable, "-c", start + program], env={**kept, **environment}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.strip()

    OPEN = ("from PIL import Image, UnidentifiedImageError\n"
            "try: print(Image.open(path).convert('RGB').tobytes()[:3].hex())\n"
            "except Exception as error: print(type(error).__name__, error)\n")

    def test_pillow_opens(self):
        import icfs
        self.assertEqual(self.python(self.OPEN), icfs.open(photo()).rgb().tobytes()[:3].hex())
        self.assertEqual(self.python("import PIL.Image\n" + self.OPEN), self.python(self.OPEN))

    def test_pillow_that_came_first(self):
        program = "import sys\nsys.meta_path = [each for each in sys.meta_path if getattr(each, '__module__', '') != '_icfs_hook']" \
                  "\n" \
                  "for name in ('_icfs_hook', 'PIL.Image'): sys.modules.pop(name, None)\n" \
                  f"import PIL.Image; import _icfs_hook\n{self.OPEN}"
        self.assertEqual(self.python(program), self.python(self.OPEN))

    def test_one_variable_switches_it_off(self):
        self.assertTrue(self.python(self.OPEN, ICFS_PYTHON_HOOK="0").startswith("UnidentifiedImageError"))
        self.assertEqual(self.python("import sys; print(len(sys.meta_path))", ICFS_PYTHON_HOOK="0"),
                         subprocess.check_output([sys.executable, "-c", "import sys; print(len(sys.meta_path))"],
                                                 env={**os.environ, "PYTHONPATH": ""}, text=True).strip())

    def test_nothing_is_imported_until_there_is_something_to_open(self):
        program = "import sys, PIL.Image\nPIL.Image.init()\n" \
                  "print([name for name in ('numpy', 'icfs', 'ctypes') if name in sys.modules])\n" \
                  "print(PIL.Image.registered_extensions()['.ic'], PIL.Image.MIME['IC'])"
        self.assertEqual(self.python(program), "[]\nIC image/x-ic")

    def test_other_files_are_opened_as_before(self):
        program = "import io; from PIL import Image\nheld = io.BytesIO(); Image.new('RGB', (3, 2)).save(held, 'PNG')\n" \
                  "print(Image.open(held).format)"
        self.assertEqual(self.python(program, ICFS_LIBRARY="/nowhere"), "PNG")

    def test_a_missing_library_is_said_when_a_file_is_opened(self):
        self.assertRegex(self.python(self.OPEN, ICFS_LIBRARY="/nowhere"), "^ImportError icfs cannot load its library")

    def test_modules_look_as_they_did(self):
        program = "import importlib, PIL.Image\nprint(type(PIL.Image.__loader__).__name__, PIL.Image.__spec__.name," \
                  " PIL.Image.__spec__.origin == PIL.Image.__file__)\nimportlib.reload(PIL.Image)\n" \
                  "print('IC' in PIL.Image.OPEN)"
        self.assertEqual(self.python(program), "SourceFileLoader PIL.Image True\nTrue")

    def test_a_module_that_is_not_there(self):
        program = "try: import timm.data.readers.img_extensions\n" \
                  "except ModuleNotFoundError as error: print(error.name.split('.')[0])"
        self.assertIn(self.python(program), ("timm", ""))

    def test_finders_that_ask_the_others(self):
        finder = "import sys\n" \
                 "class Asking:\n" \
                 "    @staticmethod\n" \
                 "    def find_spec(name, path=None, target=None):\n" \
                 "        for finder in sys.meta_path:\n" \
                 "            spec = None if finder is Asking else finder.find_spec(name, path, target)\n" \
                 "            if spec: return spec\n"
        for place in (0, 1):  # before the hook's, and after it
            self.assertEqual(self.python(f"{finder}sys.meta_path.insert({place}, Asking)\n{self.OPEN}"),
                             self.python(self.OPEN))

    def test_a_broken_hook_breaks_nothing(self):
        self.site = self.dir / "site"
        self.site.mkdir()
        shutil.copy(PACKAGE / "icfs.pth", self.site)
        self.assertEqual(self.python("print(1)"), "1")  # the module is not there
        for text in ("raise RuntimeError('broken')", "this is no Python", "import nothing_of_this_name",
                     "raise SystemExit(3)", "raise KeyboardInterrupt"):
            (self.site / "_icfs_hook.py").write_text(text)
            self.assertEqual(self.python("print(1)"), "1")

    def test_a_module_that_changed_breaks_nothing(self):
        """Later versions may lack what the hook expects of them."""
        package = self.dir / "torchvision" / "datasets"
        package.mkdir(parents=True)
        for path in (package.parent / "__init__.py", package / "__init__.py", package / "folder.py"):
            path.write_text("")
        program = f"import sys; sys.path.insert(0, {str(self.dir)!r})\nimport torchvision.datasets.folder as folder\n" \
                  "print(folder.__file__, hasattr(folder, 'IMG_EXTENSIONS'))"
        self.assertEqual(self.python(program), f"{package}/folder.py False")


if __name__ == "__main__":
    main()
