/* SPDX-License-Identifier: MIT */
/*
 * csv.h: rows of a CSV file in memory, as RFC 4180 has them: fields are separated by commas, and one that begins with a quote
 * goes on to the next single quote, lines and commas included. Lines end with LF or CRLF, the last one with either or nothing.
 */
#pragma once

#include "codec/errint.h"

#include <stddef.h>

#define CSV_FIELDS_MAX 64

/* What is still to be read: text that ends with a terminator and is written to. */
struct csv {
	char *at;
	unsigned line; /* of it, from 1 */
};

/* Read a row, of 1 field or more: each is unescaped and terminated where it lies. To be called while *csv->at is not 0.
 * -EBADMSG, with the line: a quote without an end or in the middle of a field, or more than CSV_FIELDS_MAX fields. */
errint_t csv_read(struct csv *csv, char *fields[CSV_FIELDS_MAX], size_t *ret_n, struct ic_why *why);
