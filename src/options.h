/* SPDX-License-Identifier: MIT */
/*
 * options.h: command lines from tables. A table gives the parser and --help alike, so neither can miss an option.
 */
#pragma once

#include "codec/errint.h"
#include "codec/jpeg.h"

#include <stdint.h>

struct option_entry {
	char letter;          /* 0 where there is none */
	const char *name;     /* long name; NULL ends a table */
	const char *argument; /* what --help calls it; NULL where the option takes none */
	const char *help;     /* up to 54 columns */
	/* Store `value`, which is NULL without an argument. Negative, with the reason, refuses it. */
	errint_t (*apply)(void *settings, const char *value, struct ic_why *why);
};

struct command_line {
	const char *command;
	const char *operands; /* "IN OUT" */
	const char *about;    /* sentences below the usage line */
	const struct option_entry *options;
	const char *note;     /* sentences below the options; NULL for none */
	const char *examples; /* lines, printed as they are; NULL for none */
	int min_operands, max_operands;
};

/* parse_command_line returns this when the command is to go on, else the exit status: --help or --version was printed, or
 * there was an error. */
#define GO_ON (-1)

/* Apply the options of argv[1..argc) to `settings`, and leave the operands in argv[*ret_first..argc). */
int parse_command_line(const struct command_line *line, int argc, char **argv, void *settings, int *ret_first);

/* Whole numbers in decimal, min..max. -EINVAL. */
errint_t parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number, struct ic_why *why);

/* The same with a suffix K, M, G or T, powers of 1024. */
errint_t parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number, struct ic_why *why);

/* "I/N", 1 <= I <= N: the I-th of N parts; *ret_part is counted from 0. -EINVAL. */
errint_t parse_part(const char *text, unsigned *ret_part, unsigned *ret_nparts, struct ic_why *why);

/* Options --pixels, --memory and --scans, for settings that begin with a struct ic_limits. */
errint_t apply_limit_pixels(void *settings, const char *value, struct ic_why *why);
errint_t apply_limit_memory(void *settings, const char *value, struct ic_why *why);
errint_t apply_limit_scans(void *settings, const char *value, struct ic_why *why);
#define OPTION_LIMIT_PIXELS                                                                                            \
	{                                                                                                              \
		0, "pixels", "N", "refuse more pixels (default 100000000; 0: no limit)", apply_limit_pixels            \
	}
#define OPTION_LIMIT_MEMORY                                                                                            \
	{                                                                                                              \
		0, "memory", "SIZE", "refuse what takes more memory (default 1G; 0: no limit)", apply_limit_memory     \
	}
#define OPTION_LIMIT_SCANS                                                                                             \
	{                                                                                                              \
		0, "scans", "N", "refuse more progressive scans (default 100; 0: no limit)", apply_limit_scans         \
	}
