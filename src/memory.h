/* SPDX-License-Identifier: MIT */
#pragma once

/* Have malloc suit a process whose threads make one object after the other. To be called before there are threads. */
void memory_set_up(void);
