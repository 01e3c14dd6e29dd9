# SPDX-License-Identifier: MIT
"""The parts of scripts/bench-loader. `environment` and `options` need nothing but Python; the rest, what they time."""
