# SPDX-License-Identifier: MIT
"""What a loader takes for a JPEG that holds next to nothing: a picture of one colour, of a size that is served. No JPEG
of that size is loaded faster, so this is as far as a ratio can go, on this machine and with this loader."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .loaders import files_below, why_missing
from .trees import mean_bytes

GREEN = (90, 120, 60)


def name_of(variant: str) -> str:
    """By the sampling, which alone decides on the size."""
    return f'one colour {variant.partition("-")[0]},jpeg'


def flat_tree(served: Path, target: Path) -> None:
    """A picture for each that is served, of its size and under its name."""
    from PIL import Image
    for path in files_below(served):
        with Image.open(path) as image:
            size = image.size
        flat = target / path.relative_to(served)
        flat.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', size, GREEN).save(flat, 'JPEG', subsampling='4:2:0', optimize=True)


def flat_trees(work: Path, variants: Sequence[str], missing: dict[str, str]) -> dict[str, float]:
    """One for each sampling of the variants, which lie in `work` by name; it lies beside them. Returns what an image
    takes, mean, by name."""
    reason = why_missing(['PIL'])
    if reason:
        missing['one colour'] = reason
        return {}
    firsts = {name_of(variant): variant for variant in reversed(variants)}
    for name, variant in firsts.items():
        flat_tree(work / variant, work / name)
    return {name: mean_bytes(work / name) for name in sorted(firsts)}
