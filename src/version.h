/* SPDX-License-Identifier: MIT */
/*
 * version.h: what this build of icfs is made of.
 */
#pragma once

/* Print it, for `icfs --version`. */
void print_version(void);
