/* SPDX-License-Identifier: MIT */
#include "src/export_record.h"

#include "codec/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "icfs export 1, codec %d\n"

struct line {
	char *path;
	char variant[EXPORT_VARIANT_SIZE];
};

struct export_record {
	struct line *lines; /* by rising paths */
	size_t n, capacity;
};

errint_t export_record_new(struct export_record **ret_record)
{
	struct export_record *record = calloc(1, sizeof(*record));

	if (!record)
		return -ENOMEM;
	*ret_record = record;
	return 0;
}

void export_record_free(struct export_record *record)
{
	if (!record)
		return;
	for (size_t i = 0; i < record->n; i++)
		free(record->lines[i].path);
	free(record->lines);
	free(record);
}

void export_variant_write(const struct ic_variant *variant, char out[EXPORT_VARIANT_SIZE])
{
	size_t n = 0;

	if (variant->face != IC_FACE_ORIG) {
		n = ic_design_print(&variant->design, out);
		out[n++] = ',';
	}
	snprintf(out + n, EXPORT_VARIANT_SIZE - n, "%s%s", ic_face_name(variant->face),
	         variant->keeps_metadata ? ",keep" : "");
}

/* The first line whose path is not below `path[0..len)`. */
static size_t lower_bound(const struct export_record *record, const char *path, size_t len)
{
	size_t low = 0, high = record->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *at = record->lines[middle].path;
		int order = strncmp(at, path, len);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct line *find_line(const struct export_record *record, const char *path, size_t len)
{
	size_t i = lower_bound(record, path, len);

	/* of those that begin with it, the path itself comes first */
	if (i < record->n && !strncmp(record->lines[i].path, path, len) && !record->lines[i].path[len])
		return &record->lines[i];
	return NULL;
}

const char *export_record_find(const struct export_record *record, const char *path)
{
	size_t len = strlen(path);

	for (;;) {
		const struct line *line = find_line(record, path, len);
		if (line)
			return line->variant;
		if (!len)
			return NULL;
		const char *slash = memrchr(path, '/', len);
		len = slash ? (size_t)(slash - path) : 0;
	}
}

errint_t export_record_add(struct export_record *record, const char *path, const char *variant)
{
	const char *above = export_record_find(record, path);
	size_t len = strlen(path), at = lower_bound(record, path, len);

	if (above && !strcmp(above, variant))
		return 0;
	if (record->n == record->capacity) {
		size_t capacity = record->capacity ? record->capacity * 2 : 16;
		struct line *grown = realloc(record->lines, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		record->lines = grown;
		record->capacity = capacity;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	memmove(&record->lines[at + 1], &record->lines[at], (record->n - at) * sizeof(*record->lines));
	record->lines[at].path = copy;
	snprintf(record->lines[at].variant, EXPORT_VARIANT_SIZE, "%s", variant);
	record->n++;
	return 0;
}

/* --- The file: "VARIANT PATH", a backslash in the path as \\ and a newline as \n ----------------------------------- */

static void put_path(FILE *out, const char *path)
{
	for (; *path; path++) {
		if (*path == '\n')
			fputs("\\n", out);
		else if (*path == '\\')
			fputs("\\\\", out);
		else
			putc(*path, out);
	}
	putc('\n', out);
}

errint_t export_record_write(const struct export_record *record, int fd, const char *temporary, struct ic_why *why)
{
	int file = openat(fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	FILE *out = file < 0 ? NULL : fdopen(file, "w");
	errint_t err = 0;

	if (!out) {
		err = -errno;
		if (file >= 0)
			close(file);
		return ic_fail(why, err, EXPORT_RECORD_NAME ": cannot be written: %s", strerror(-err));
	}
	fprintf(out, FORMAT, IC_CODEC_VERSION);
	for (size_t i = 0; i < record->n; i++) {
		fprintf(out, "%s ", record->lines[i].variant);
		put_path(out, record->lines[i].path);
	}
	if (fflush(out) || fsync(file))
		err = -errno;
	if (fclose(out) && !err)
		err = -errno;
	if (!err && renameat(fd, temporary, fd, EXPORT_RECORD_NAME))
		err = -errno;
	if (!err)
		return 0;
	unlinkat(fd, temporary, 0);
	return ic_fail(why, err, EXPORT_RECORD_NAME ": cannot be written: %s", strerror(-err));
}

/* In place; false for an escape that there is none of. */
static bool unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; from++) {
		char c = *from;
		if (c == '\\') {
			c = *++from;
			if (c != 'n' && c != '\\')
				return false;
			c = c == 'n' ? '\n' : c;
		}
		*to++ = c;
	}
	*to = 0;
	return true;
}

static errint_t read_line(struct export_record *record, char *line)
{
	char *space = strchr(line, ' ');

	line[strcspn(line, "\n")] = 0;
	if (!space || space - line >= EXPORT_VARIANT_SIZE || !unescape(space + 1))
		return -EINVAL;
	*space = 0;
	return export_record_add(record, space + 1, line);
}

static errint_t read_lines(FILE *in, struct export_record *record, struct ic_why *why)
{
	char *line = NULL;
	size_t size = 0;
	int codec = 0;
	errint_t err = 0;

	if (getline(&line, &size, in) < 0 || sscanf(line, FORMAT, &codec) != 1)
		err = ic_fail(why, -EINVAL, EXPORT_RECORD_NAME ": not written by this version of icfs");
	else if (codec != IC_CODEC_VERSION)
		err = ic_fail(why, -EINVAL, EXPORT_RECORD_NAME ": written by version %d of the codec, and this is %d",
		              codec, IC_CODEC_VERSION);
	while (!err && getline(&line, &size, in) >= 0) {
		err = read_line(record, line);
		if (err)
			ic_fail(why, err, EXPORT_RECORD_NAME ": damaged");
	}
	free(line);
	return err;
}

errint_t export_record_read(int fd, struct export_record **ret_record, struct ic_why *why)
{
	int file = openat(fd, EXPORT_RECORD_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *in = file < 0 ? NULL : fdopen(file, "r");
	struct export_record *record = NULL;
	errint_t err = in ? export_record_new(&record) : -errno;

	if (!in) {
		if (file >= 0)
			close(file);
		return ic_fail(why, err, EXPORT_RECORD_NAME ": %s", strerror(-err));
	}
	if (!err)
		err = read_lines(in, record, why);
	fclose(in);
	if (err) {
		export_record_free(record);
		return err;
	}
	*ret_record = record;
	return 0;
}
