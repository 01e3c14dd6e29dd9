/* SPDX-License-Identifier: MIT */
/*
 * icfs.h: what the subcommands share. Each is a file cmd_NAME.c with one entry in main.c's table.
 */
#pragma once

#include "codec/errint.h"

#include <stdio.h>

/* Exit statuses of every subcommand. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* something could not be done; the message names the file and what to do */
	EXIT_USAGE = 2,  /* the command line is wrong */
};

struct command {
	const char *name;
	const char *summary;               /* one line for `icfs --help` */
	int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name */
};

extern const struct command cmd_decode, cmd_designs, cmd_encode, cmd_evaluate, cmd_export, cmd_inspect, cmd_mount,
        cmd_policy, cmd_report, cmd_search, cmd_stats, cmd_warm;

/* Names of files may hold anything: in all that follows, control characters come out as '?'. */
void put_text(FILE *out, const char *text);

/* Words separated by single spaces, in lines of up to 80 columns that begin with `indent` spaces. */
void put_wrapped(FILE *out, int indent, const char *text);

/* "icfs: ..." and a newline on stderr; returns EXIT_FAILED. */
__attribute__((format(printf, 1, 2))) int fail(const char *format, ...);

/* "icfs: warning: ..." and a newline on stderr. */
__attribute__((format(printf, 1, 2))) void warn(const char *format, ...);

/* "icfs COMMAND: ..." and "Try 'icfs COMMAND --help'." on stderr; returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int fail_usage(const char *command, const char *format, ...);

/* What an error code says of a file: "damaged", "over a limit". Never NULL. */
const char *explain(errint_t err);

/* "icfs: NAME: EXPLANATION: the reason", and which options may help; returns EXIT_FAILED. */
int fail_input(const char *name, errint_t err, const struct ic_why *why);
