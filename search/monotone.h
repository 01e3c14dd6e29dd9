/* SPDX-License-Identifier: MIT */
/* monotone.h: what is nearest to given values and grows with each kind of density. */
#pragma once

#include "codec/design.h"

/*
 * values[i] belongs to ic_design_at(i). Replace them by the nearest ones, by squares weighted with weights[i] (positive,
 * finite), that never fall as k or q grows or as sampling gets finer, across or down, the rest of the design staying the
 * same: isotonic regression over a partial order. By Dykstra's alternating projections (Boyle and Dykstra, 1986) onto the
 * four cones of chains, each projection by pool-adjacent-violators (Ayer et al., 1955). Monotone to within 1e-4 when it
 * returns. -ENOMEM.
 */
errint_t monotone_project(double values[IC_DESIGN_COUNT], const double weights[IC_DESIGN_COUNT]);
