/* SPDX-License-Identifier: MIT */
#include "src/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* From behind the first quote to behind the last one, unescaped to `*to`; NULL: there is none. */
static char *read_quoted(struct csv *csv, char *from, char **to)
{
	for (; *from != '"' || from[1] == '"'; *(*to)++ = *from++) {
		if (!*from)
			return NULL;
		from += *from == '"';
		csv->line += *from == '\n';
	}
	return from + 1;
}

/* One field, unescaped and terminated where it lies. */
static errint_t read_field(struct csv *csv, char **ret_field, bool *ret_is_last, struct ic_why *why)
{
	char *field = csv->at, *to = field, *from = field;
	unsigned line = csv->line;

	if (*from == '"') {
		from = read_quoted(csv, from + 1, &to);
		if (!from)
			return ic_fail(why, -EBADMSG, "line %u: a quoted field has no end", line);
	} else {
		from += strcspn(from, ",\"\n");
		from -= *from == '\n' && from > field && from[-1] == '\r';
		to = from;
	}
	from += from[0] == '\r' && from[1] == '\n';
	if (*from && *from != ',' && *from != '\n')
		return ic_fail(why, -EBADMSG, "line %u: a field of which a part is quoted", csv->line);
	*ret_is_last = *from != ',';
	*ret_field = field;
	csv->line += *from == '\n';
	csv->at = from + (*from != 0);
	*to = 0;
	return 0;
}

errint_t csv_read(struct csv *csv, char *fields[CSV_FIELDS_MAX], size_t *ret_n, struct ic_why *why)
{
	unsigned line = csv->line;
	bool is_last = false;
	size_t n = 0;

	while (!is_last) {
		if (n == CSV_FIELDS_MAX)
			return ic_fail(why, -EBADMSG, "line %u: more than %d fields", line, CSV_FIELDS_MAX);
		errint_t err = read_field(csv, &fields[n++], &is_last, why);
		if (err)
			return err;
	}
	*ret_n = n;
	return 0;
}
