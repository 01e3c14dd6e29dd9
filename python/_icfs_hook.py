# SPDX-License-Identifier: MIT
"""Have programs that were never changed accept .ic files: Pillow opens them, and the folder loaders of torchvision and
timm, which choose files by their extension, take them.

icfs.pth imports this module in every Python of the environment, so it must cost next to nothing, and nothing that goes
wrong here may reach the program. It imports nothing that Python has not loaded: it puts a finder before the others,
which finds no module itself, but has something done to a few modules once they are loaded. icfs itself, and NumPy, are
imported when the first .ic file is opened.

ICFS_PYTHON_HOOK=0 in the environment switches it off."""
import os
import sys
from _thread import _local

EXTENSION = ".ic"


def _accept(prefix):
    return prefix[:8] == b"\x89ICF\r\n\x1a\n"


def _open(fp, filename):
    """Stands for the plugin until there is something to open."""
    from icfs import pillow
    return pillow.IcImageFile(fp, filename)


def _pillow(image):
    image.register_open("IC", _open, _accept)
    image.register_extension("IC", EXTENSION)
    image.register_mime("IC", "image/x-ic")


def _torchvision(folder):
    if EXTENSION not in folder.IMG_EXTENSIONS:
        folder.IMG_EXTENSIONS = (*folder.IMG_EXTENSIONS, EXTENSION)


def _timm(extensions):
    if EXTENSION not in extensions.get_img_extensions():
        extensions.add_img_extensions(EXTENSION)


_AFTER = {
    "PIL.Image": _pillow,
    "torchvision.datasets.folder": _torchvision,
    "timm.data.readers.img_extensions": _timm,
    "timm.data.parsers.img_extensions": _timm,  # before timm 0.9
}


def _apply(name, module):
    try:
        _AFTER[name](module)
    except Exception:
        pass


_asking = _local()


class _Finder:
    """Has the other finders find a module of _AFTER, and wraps what executes it. One of them may ask all others in its
    turn: that finds nothing here."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        asked = vars(_asking)  # in this thread
        if name not in _AFTER or name in asked:
            return None
        asked[name] = True
        try:
            return _find(name, path, target)
        finally:
            del asked[name]


def _find(name, path, target):
    for finder in sys.meta_path:
        if finder is not _Finder and hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                _wrap(spec)
                return spec
    return None


def _wrap(spec):
    """On the loader itself, which is the module's own, so that nobody who looks at it sees another kind of loader."""
    try:
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            if module.__name__ == spec.name:
                _apply(spec.name, module)

        spec.loader.exec_module = exec_module
    except Exception:
        pass


def _install():
    if os.environ.get("ICFS_PYTHON_HOOK") == "0":
        return
    for name in _AFTER:
        if name in sys.modules:
            _apply(name, sys.modules[name])
    sys.meta_path.insert(0, _Finder)


_install()
