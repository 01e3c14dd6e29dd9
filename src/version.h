/* SPDX-License-Identifier: MIT */
/*
 * version.h: what this build of icfs is made of.
 */
#pragma once

/* Print it, for --version, which every command takes. */
void print_version(void);
