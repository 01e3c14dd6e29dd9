/* SPDX-License-Identifier: MIT */
#pragma once

/* From now on this thread, and what it starts, has processor and disk when nobody else wants them. Where that is
 * refused, it goes on as it is. */
void priority_become_idle(void);
