/* SPDX-License-Identifier: MIT */
/*
 * files.h: inputs read whole, and outputs that are there complete or not at all.
 *
 * Every function tells the user what failed, and returns EXIT_OK or EXIT_FAILED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define INPUT_NBYTES_MAX ((uint64_t)4 << 30)

/* Read all of `path`, "-" for standard input, into malloc'ed memory of the caller's. Longer than INPUT_NBYTES_MAX is
 * refused. */
int read_input(const char *path, uint8_t **ret_bytes, size_t *ret_nbytes);

/* Whether the two are one existing file, which writing `output` would destroy. */
bool is_same_file(const char *input, const char *output);

/* How messages call an input or output. */
const char *input_name(const char *path);
const char *output_name(const char *path);

struct output;

/* Open `path`, "-" for standard output. A file is written under another name beside it until output_commit. */
int output_open(const char *path, struct output **ret_output);

/* Where to write to; errors are found by output_commit. */
FILE *output_stream(struct output *output);

/* Put the output in its place. The output is freed, also on failure, and then no trace of it is left. */
int output_commit(struct output *output);

/* Give it up. NULL is fine. */
void output_abandon(struct output *output);

/* All of the above at once. */
int write_output(const char *path, const uint8_t *bytes, size_t nbytes);
