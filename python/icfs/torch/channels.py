# SPDX-License-Identifier: MIT
"""Which frequency each channel of a network's input is, so that weights pass from one design to another."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Optional

import torch

from ..design import Design, design_of
from ..errors import ArgumentError


class Channel(NamedTuple):
    """A channel of a map of frequencies: `component` (0, 1, 2: Y, Cb, Cr) and the frequency, `u` across and `v` down,
    in half waves of a block. Where blocks were gathered to places of `across` x `across` of them, `row` and `column`
    have the block's place there.

    Two channels that are equal show the same pattern over the same part of a place, whatever the sampling and the size
    of blocks: the lowest 8 x 8 frequencies of a block of 16 x 16 are those of a block of 8 x 8 of the picture at half
    size."""

    component: int
    u: int
    v: int
    row: int = 0
    column: int = 0
    across: int = 1


def channels(design: Design | str, components: int = 3,
             chroma: Literal["repeated", "apart"] = "repeated") -> tuple[list[Channel], list[Channel]]:
    """Those of `values`, and those of `chroma`, of what a Spec of this `chroma` makes of images of so many components,
    1 or 3. ArgumentError."""
    if chroma not in ("repeated", "apart") or components not in (1, 3):
        raise ArgumentError(f"no channels: components {components!r}, chroma {chroma!r}")
    design = design_of(design)
    is_apart = components == 3 and chroma == "apart"
    values = [Channel(component, u, v) for u, v in design.frequencies
              for component in range(1 if is_apart else components)]
    return values, [Channel(component, u, v) for u, v in design.frequencies for component in (1, 2) if is_apart]


def gathered(channels: Iterable[Channel], across: int) -> list[Channel]:
    """Of single blocks, after `torch.nn.functional.pixel_unshuffle(maps, across)`."""
    return [channel._replace(row=row, column=column, across=across)
            for channel in channels for row in range(across) for column in range(across)]


def carry(values: torch.Tensor, channels: Sequence[Channel], found: torch.Tensor, found_channels: Iterable[Channel],
          axis: int = 0, new: Optional[float] = None) -> torch.Tensor:
    """`values` of a layer for `channels`, along `axis`, with what `found`, of another such layer, has of the same
    channels in their place. The others are `new`, or as they were. Without one in common, all is as it was. ArgumentError
    where a layer has not as many channels along `axis` as are named."""
    places = {channel: index for index, channel in enumerate(found_channels)}
    if len(channels) != values.shape[axis] or len(places) != found.shape[axis]:
        raise ArgumentError(f"{len(channels)} and {len(places)} channels for layers of {values.shape[axis]} and "
                            f"{found.shape[axis]}")
    common = [(index, places[channel]) for index, channel in enumerate(channels) if channel in places]
    if not common:
        return values.clone()
    into, out_of = torch.tensor(common).T
    result = values.clone() if new is None else torch.full_like(values, new)
    return result.index_copy(axis, into, found.index_select(axis, out_of).to(values))
