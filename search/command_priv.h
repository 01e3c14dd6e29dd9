/* SPDX-License-Identifier: MIT */
/* command_priv.h: the parts of the evaluator `command`. */
#pragma once

#include "codec/errint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* --- command_line.c: a command line with places to be filled in --------------------------------------------------- */

enum command_place {
	COMMAND_DATA,
	COMMAND_DESIGN,
	COMMAND_INIT,
	COMMAND_SAVE,
	COMMAND_SEED,
	COMMAND_RESULT,
	COMMAND_THREADS,
	COMMAND_NPLACES,
};

/* Which of them the line has. */
bool command_line_has(const char *line, enum command_place place);

/* The line with each {name} replaced by its value as one word of the shell's, and each {name:OPTION} by OPTION and that
 * word (of --option=, without a space between). For a value that is NULL, {name} is the empty word and {name:OPTION} is
 * nothing. malloc'ed; NULL without memory. */
char *command_line_fill(const char *line, const char *const values[COMMAND_NPLACES]);

/* --- command_output.c: what a program says ------------------------------------------------------------------------ */

enum command_number {
	COMMAND_METRIC,
	COMMAND_LOG_LOSS,
	COMMAND_NIMAGES,
	COMMAND_INFER_S,
	COMMAND_TRAIN_S,
	COMMAND_IMAGES_PER_S,
	COMMAND_WAIT_SHARE,
	COMMAND_NNUMBERS,
};

#define COMMAND_ACCURACY "accuracy" /* the metric where none is named; a share, from 0 to 1 */
#define COMMAND_LINE_MAX 256        /* of a line that can say something; longer ones are passed over */

/* Lines of NAME=NUMBER in a stream of bytes. */
struct command_output {
	const char *metric; /* its name; the caller's */
	char line[COMMAND_LINE_MAX];
	size_t nline; /* COMMAND_LINE_MAX: it is too long */
	double number[COMMAND_NNUMBERS];
	unsigned times[COMMAND_NNUMBERS]; /* said with differing numbers */
	char nonsense[60];                /* of the metric's last value that is no finite number; "" */
};

void command_output_init(struct command_output *output, const char *metric);
void command_output_add(struct command_output *output, const char *bytes, size_t nbytes);
/* The end of the stream. -EBADMSG: there is not exactly one finite number for the metric, or an accuracy is no share. */
errint_t command_output_end(struct command_output *output, struct ic_why *why);
/* NAN where it was not said once, or is no finite number from 0 on (the metric may be less). */
double command_output_number(const struct command_output *output, enum command_number number);

/* A file of at most so many bytes: the head of what is added, a line that says how much is left out, and the tail. Where it
 * cannot be written, there is none: a log is no reason to give up a training. */
struct command_log {
	int fd;
	size_t head_nbytes, written; /* of them */
	char *ring;
	size_t ring_nbytes;
	unsigned long long ring_total; /* bytes that ever came into the ring */
};

void command_log_open(struct command_log *log, const char *path, size_t nbytes);
void command_log_add(struct command_log *log, const char *bytes, size_t nbytes);
void command_log_close(struct command_log *log, const char *last_line);
