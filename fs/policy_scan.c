/* SPDX-License-Identifier: MIT */
#include "fs/policy_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SETTING_SIZE_MAX 900 /* bytes of a line; with what is put before it, it stays below iniparser's 1,024 */
#define NAME_SHOWN_MAX 72    /* bytes of a file's name in a message, so that the reason finds room beside it */

struct span {
	const char *start;
	size_t nbytes;
};

__attribute__((format(printf, 5, 0))) static errint_t fail_with(struct ic_why *why, errint_t err, const char *name,
                                                                unsigned line, const char *format, va_list args)
{
	size_t nname = strlen(name);
	bool cut = nname > NAME_SHOWN_MAX;
	struct ic_why reason;
	char at[16] = "";

	if (line)
		snprintf(at, sizeof(at), ":%u", line);
	vsnprintf(reason.text, sizeof(reason.text), format, args);
	return ic_fail(why, err, "%s%s%s: %s", cut ? "..." : "", cut ? name + nname - NAME_SHOWN_MAX : name, at,
	               reason.text);
}

errint_t policy_fail(struct ic_why *why, errint_t err, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_with(why, err, name, 0, format, args);
	va_end(args);
	return err;
}

errint_t policy_fail_at(const struct policy_scan *scan, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_with(scan->why, -EINVAL, scan->name, line, format, args);
	va_end(args);
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span text)
{
	while (text.nbytes && is_blank(text.start[0])) {
		text.start++;
		text.nbytes--;
	}
	while (text.nbytes && is_blank(text.start[text.nbytes - 1]))
		text.nbytes--;
	return text;
}

static bool is_empty_or_comment(struct span text)
{
	return !text.nbytes || text.start[0] == ';' || text.start[0] == '#';
}

static errint_t add_section(struct policy_scan *scan, struct span path)
{
	struct policy_file *file = scan->file;
	char *copy;

	if (file->nsections == file->capacity) {
		size_t capacity = file->capacity ? 2 * file->capacity : 4;
		void *grown = reallocarray(file->sections, capacity, sizeof(file->sections[0]));

		if (!grown)
			return -ENOMEM;
		file->sections = grown;
		file->capacity = capacity;
	}
	copy = strndup(path.start, path.nbytes);
	if (!copy)
		return -ENOMEM;
	file->sections[file->nsections++] = (struct policy_section){.path = copy, .line = scan->line};
	return 0;
}

/* Whether a path's components are names of directories: none empty, none "." or "..". */
static bool is_plain_path(struct span path)
{
	while (path.nbytes) {
		const char *slash = memchr(path.start, '/', path.nbytes);
		size_t n = slash ? (size_t)(slash - path.start) : path.nbytes;
		bool dots = path.start[0] == '.' && (n == 1 || (n == 2 && path.start[1] == '.'));

		if (!n || dots || (slash && n + 1 == path.nbytes))
			return false;
		path.start += n + !!slash;
		path.nbytes -= n + !!slash;
	}
	return true;
}

static errint_t scan_path(struct policy_scan *scan, struct span name)
{
	struct span path = name;

	if (path.nbytes && path.start[0] == '/') {
		path.start++;
		path.nbytes--;
	}
	if (path.nbytes && path.start[path.nbytes - 1] == '/')
		path.nbytes--;
	if (!path.nbytes)
		return policy_fail_at(scan, scan->line, "[%.*s] names no directory; the root's section is [policy]",
		                      (int)name.nbytes, name.start);
	if (path.nbytes >= PATH_MAX)
		return policy_fail_at(scan, scan->line, "a section's name is longer than any path");
	if (!is_plain_path(path))
		return policy_fail_at(scan, scan->line, "[%.*s] is no plain path below the root", (int)name.nbytes,
		                      name.start);
	return add_section(scan, path);
}

static errint_t scan_section(struct policy_scan *scan, struct span text)
{
	const char *end = memchr(text.start, ']', text.nbytes);
	struct span name, rest;

	if (!end)
		return policy_fail_at(scan, scan->line, "']' is missing");
	name = trim((struct span){text.start + 1, (size_t)(end - text.start) - 1});
	rest = trim((struct span){end + 1, text.nbytes - (size_t)(end - text.start) - 1});
	if (!is_empty_or_comment(rest))
		return policy_fail_at(scan, scan->line, "only a comment may follow a section's ']'");
	if (name.nbytes == 6 && !memcmp(name.start, "policy", 6))
		return add_section(scan, (struct span){"", 0});
	if (scan->kind == POLICY_DIRECTORY)
		return policy_fail_at(scan, scan->line,
		                      "unknown section [%.*s]; a directory's policy has only [policy]",
		                      (int)name.nbytes, name.start);
	return scan_path(scan, name);
}

/* iniparser takes what stands between quotes, closed or not, and drops what follows. */
static bool is_well_quoted(struct span value)
{
	const char *end;

	if (!value.nbytes || (value.start[0] != '"' && value.start[0] != '\''))
		return true;
	end = memchr(value.start + 1, value.start[0], value.nbytes - 1);
	return end && is_empty_or_comment(trim((struct span){end + 1, value.nbytes - (size_t)(end + 1 - value.start)}));
}

static errint_t scan_setting(struct policy_scan *scan, struct span text)
{
	const char *equals = memchr(text.start, '=', text.nbytes);

	if (text.nbytes > SETTING_SIZE_MAX)
		return policy_fail_at(scan, scan->line, "a line is longer than %d bytes", SETTING_SIZE_MAX);
	if (!equals || equals == text.start)
		return policy_fail_at(scan, scan->line, "expected a [section], a 'key = value' or a comment");
	if (!is_well_quoted(trim((struct span){equals + 1, text.nbytes - (size_t)(equals + 1 - text.start)})))
		return policy_fail_at(scan, scan->line, "a quote is not closed, or text follows it");
	if (!scan->file->nsections)
		return policy_fail_at(scan, scan->line, "a setting before any section; begin with [policy]");
	if (text.start[text.nbytes - 1] == '\\')
		return policy_fail_at(scan, scan->line, "a line cannot be continued with a backslash");
	scan->nsettings++;
	fprintf(scan->ini, "%zu:%u:%.*s\n", scan->file->nsections - 1, scan->line, (int)text.nbytes, text.start);
	return 0;
}

static errint_t scan_line(struct policy_scan *scan, struct span line)
{
	struct span text = trim(line);

	if (is_empty_or_comment(text))
		return 0;
	if (memchr(text.start, '\0', text.nbytes))
		return policy_fail_at(scan, scan->line, "a NUL byte; this is no text file");
	return text.start[0] == '[' ? scan_section(scan, text) : scan_setting(scan, text);
}

errint_t policy_scan_text(struct policy_scan *scan, const char *bytes, size_t nbytes)
{
	struct span text = {bytes, nbytes};
	errint_t err = 0;

	fputs("[" POLICY_INI_SECTION "]\n", scan->ini);
	while (!err && text.nbytes) {
		const char *newline = memchr(text.start, '\n', text.nbytes);
		size_t n = newline ? (size_t)(newline - text.start) : text.nbytes;

		scan->line++;
		err = scan_line(scan, (struct span){text.start, n});
		text.start += n + !!newline;
		text.nbytes -= n + !!newline;
	}
	return err;
}
