# SPDX-License-Identifier: MIT
"""Which frequencies a network is shown, by name or one by one: `--channels` of train_frequency.py."""
import argparse
import re

Frequency = tuple[int, int, int]  # component (0, 1, 2: Y, Cb, Cr), u across, v down
Choice = frozenset[Frequency]

COMPONENTS = ('Y', 'Cb', 'Cr')
WORD = re.compile(r'(Y|Cb|Cr)([0-9]{1,2})\.([0-9]{1,2})')
# The static choices of K. Xu, M. Qin, F. Sun, Y. Wang, Y.-K. Chen, F. Ren: Learning in the Frequency Domain, CVPR
# 2020, of 3 x 64 frequencies, as the authors' program has them (github.com/calmevtime/DCTNet, classification/main): for
# v = 0, 1, ... how many of u = 0, 1, ... are kept, of Y, and of Cb and Cr each.
PUBLISHED = {
    'cvpr2020-24': ((4, 4, 4, 4), (2, 2)),
    'cvpr2020-32': ((5, 5, 5, 4, 3), (3, 2)),
    'cvpr2020-48': ((6, 6, 6, 6, 4, 4), (3, 3, 2)),
    'cvpr2020-64': ((7, 7, 6, 6, 6, 6, 6), (3, 3, 2, 2)),
}


def published(name: str) -> Choice:
    luma, chroma = PUBLISHED[name]
    return frozenset((component, u, v) for component, rows in enumerate((luma, chroma, chroma))
                     for v, count in enumerate(rows) for u in range(count))


def parse_choice(text: str) -> Choice:
    """A published one, or words such as Y0.0, Y1.0, Cb0.0: component, u and v. For argparse."""
    if text in PUBLISHED:
        return published(text)
    matches = [WORD.fullmatch(word) for word in text.split(',')]
    if not all(matches):
        raise argparse.ArgumentTypeError(f'{text!r} is none of {", ".join(PUBLISHED)}, and no list such as '
                                         'Y0.0,Y1.0,Cb0.0')
    return frozenset((COMPONENTS.index(match[1]), int(match[2]), int(match[3])) for match in matches if match)
