# SPDX-License-Identifier: MIT
"""The mean of differences between pairs, and how well it is known."""
from __future__ import annotations

import math
import statistics
from typing import Optional

# 0.975 of Student's t with 1, 2, ... degrees of freedom; past them 1.96 and a little.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
           2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)


def half_interval(differences: list[float]) -> Optional[float]:
    """Half of the 95 % interval of their mean; None of a single one."""
    count = len(differences)
    if count < 2:
        return None
    student = STUDENT[count - 2] if count - 2 < len(STUDENT) else 1.96 + 2.4 / (count - 1)
    return student * statistics.stdev(differences) / math.sqrt(count)
