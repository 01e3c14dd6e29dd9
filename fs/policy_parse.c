/* SPDX-License-Identifier: MIT */
/*
 * Policy files, by way of iniparser. It lowercases names, which paths cannot bear, tells no line numbers, lets a later
 * entry replace an earlier one, cuts section names at 1,024 bytes and joins lines that end in a backslash, comments
 * too. So a scan goes first: it takes the section headers out, and writes each setting as `SECTION:LINE:key = value` into
 * a memory file, all in one section. What iniparser returns then says where it stood, and nothing can be lost unseen.
 */
#include "fs/policy.h"
#include "fs/policy_priv.h"

#include "config.h"
#if HAVE_INIPARSER_INIPARSER_H
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SETTING_SIZE_MAX 900 /* bytes of a line; with the scan's prefix it stays below iniparser's 1,024 */
#define NAME_SHOWN_MAX 72    /* bytes of a file's name in a message, so that the reason finds room beside it */
#define INI_SECTION "p"

/* iniparser's error callback is a variable of the process; whoever parses holds this. */
static pthread_mutex_t iniparser_lock = PTHREAD_MUTEX_INITIALIZER;

struct scan {
	const char *name;
	enum policy_kind kind;
	struct ic_why *why;
	struct policy_file *file;
	FILE *ini;
	unsigned line;
	unsigned nsettings;
};

struct span {
	const char *start;
	size_t nbytes;
};

__attribute__((format(printf, 3, 4))) static errint_t fail_at(const struct scan *scan, unsigned line,
                                                              const char *format, ...)
{
	size_t nname = strlen(scan->name);
	bool cut = nname > NAME_SHOWN_MAX;
	struct ic_why reason;
	va_list args;

	va_start(args, format);
	vsnprintf(reason.text, sizeof(reason.text), format, args);
	va_end(args);
	return ic_fail(scan->why, -EINVAL, "%s%s:%u: %s", cut ? "..." : "",
	               cut ? scan->name + nname - NAME_SHOWN_MAX : scan->name, line, reason.text);
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

static errint_t add_section(struct scan *scan, struct span path)
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

static errint_t scan_path(struct scan *scan, struct span name)
{
	struct span path = name;

	if (path.nbytes && path.start[0] == '/') {
		path.start++;
		path.nbytes--;
	}
	if (path.nbytes && path.start[path.nbytes - 1] == '/')
		path.nbytes--;
	if (!path.nbytes)
		return fail_at(scan, scan->line, "[%.*s] names no directory; the root's section is [policy]",
		               (int)name.nbytes, name.start);
	if (path.nbytes >= PATH_MAX)
		return fail_at(scan, scan->line, "a section's name is longer than any path");
	if (!is_plain_path(path))
		return fail_at(scan, scan->line, "[%.*s] is no plain path below the root", (int)name.nbytes,
		               name.start);
	return add_section(scan, path);
}

static errint_t scan_section(struct scan *scan, struct span text)
{
	const char *end = memchr(text.start, ']', text.nbytes);
	struct span name, rest;

	if (!end)
		return fail_at(scan, scan->line, "']' is missing");
	name = trim((struct span){text.start + 1, (size_t)(end - text.start) - 1});
	rest = trim((struct span){end + 1, text.nbytes - (size_t)(end - text.start) - 1});
	if (!is_empty_or_comment(rest))
		return fail_at(scan, scan->line, "only a comment may follow a section's ']'");
	if (name.nbytes == 6 && !memcmp(name.start, "policy", 6))
		return add_section(scan, (struct span){"", 0});
	if (scan->kind == POLICY_DIRECTORY)
		return fail_at(scan, scan->line, "unknown section [%.*s]; a directory's policy has only [policy]",
		               (int)name.nbytes, name.start);
	return scan_path(scan, name);
}

static errint_t scan_setting(struct scan *scan, struct span text)
{
	const char *equals = memchr(text.start, '=', text.nbytes);

	if (text.nbytes > SETTING_SIZE_MAX)
		return fail_at(scan, scan->line, "a line is longer than %d bytes", SETTING_SIZE_MAX);
	if (!equals || equals == text.start)
		return fail_at(scan, scan->line, "expected a [section], a 'key = value' or a comment");
	if (!scan->file->nsections)
		return fail_at(scan, scan->line, "a setting before any section; begin with [policy]");
	if (text.start[text.nbytes - 1] == '\\')
		return fail_at(scan, scan->line, "a line cannot be continued with a backslash");
	scan->nsettings++;
	fprintf(scan->ini, "%zu:%u:%.*s\n", scan->file->nsections - 1, scan->line, (int)text.nbytes, text.start);
	return 0;
}

static errint_t scan_line(struct scan *scan, struct span line)
{
	struct span text = trim(line);

	if (is_empty_or_comment(text))
		return 0;
	if (memchr(text.start, '\0', text.nbytes))
		return fail_at(scan, scan->line, "a NUL byte; this is no text file");
	return text.start[0] == '[' ? scan_section(scan, text) : scan_setting(scan, text);
}

static errint_t scan_text(struct scan *scan, struct span text)
{
	errint_t err = 0;

	fputs("[" INI_SECTION "]\n", scan->ini);
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

/* `entry` is "p:SECTION:LINE:key", as scan_setting wrote it and iniparser gave it back. */
static errint_t apply_entry(const struct scan *scan, const char *entry, const char *value)
{
	size_t section;
	unsigned line;
	int nprefix = 0;
	const char *key;
	struct policy_rule *rule;
	struct ic_why reason;
	unsigned *key_line;
	errint_t err;

	if (sscanf(entry, INI_SECTION ":%zu:%u:%n", &section, &line, &nprefix) != 2 || !nprefix)
		return -EINVAL;
	key = entry + nprefix;
	rule = &scan->file->sections[section].rule;
	if (!strcmp(key, "design"))
		key_line = &rule->design_line;
	else if (!strcmp(key, "face"))
		key_line = &rule->face_line;
	else
		return fail_at(scan, line, "unknown key '%s'; known: design, face", key);
	if (*key_line)
		return fail_at(scan, line, "'%s' was already set in line %u", key, *key_line);
	*key_line = line;
	err = key_line == &rule->design_line ? policy_set_design(rule, value, &reason)
	                                     : policy_set_face(rule, value, &reason);
	return err ? fail_at(scan, line, "%s", reason.text) : 0;
}

static errint_t apply_entries(const struct scan *scan, const dictionary *ini)
{
	unsigned nkeys = (unsigned)iniparser_getsecnkeys(ini, INI_SECTION);
	const char **keys;
	errint_t err = 0;

	/* iniparser drops what it has no memory for and goes on. */
	if (nkeys != scan->nsettings)
		return -ENOMEM;
	if (!nkeys)
		return 0;
	keys = calloc(nkeys, sizeof(keys[0]));
	if (!keys)
		return -ENOMEM;
	iniparser_getseckeys(ini, INI_SECTION, keys);
	for (unsigned i = 0; i < nkeys && !err; i++)
		err = apply_entry(scan, keys[i], iniparser_getstring(ini, keys[i], ""));
	free(keys);
	return err;
}

static int ignore_message(const char *format, ...)
{
	return 0;
}

/* iniparser 4.1 takes nothing but a path. */
static dictionary *load_ini(int fd)
{
	char path[40];
	dictionary *ini;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pthread_mutex_lock(&iniparser_lock);
	iniparser_set_error_callback(ignore_message);
	ini = iniparser_load(path);
	iniparser_set_error_callback(NULL);
	pthread_mutex_unlock(&iniparser_lock);
	return ini;
}

static int compare_sections(const void *a, const void *b)
{
	const struct policy_section *one = a, *two = b;
	int order = strcmp(one->path, two->path);

	return order ? order : (one->line > two->line) - (one->line < two->line);
}

static errint_t sort_sections(const struct scan *scan)
{
	struct policy_file *file = scan->file;

	if (file->nsections)
		qsort(file->sections, file->nsections, sizeof(file->sections[0]), compare_sections);
	for (size_t i = 1; i < file->nsections; i++) {
		const struct policy_section *first = &file->sections[i - 1], *second = &file->sections[i];

		if (!strcmp(first->path, second->path))
			return fail_at(scan, second->line, "the section [%s] was already in line %u",
			               *second->path ? second->path : "policy", first->line);
	}
	/* "" sorts first */
	if (file->nsections && !*file->sections[0].path)
		file->root = file->sections[0].rule;
	return 0;
}

static errint_t parse_into(struct scan *scan, struct span text)
{
	errint_t err = scan_text(scan, text);
	dictionary *ini;

	if (err)
		return err;
	if (fflush(scan->ini) || ferror(scan->ini))
		return -ENOMEM;
	ini = load_ini(fileno(scan->ini));
	if (!ini)
		return ic_fail(scan->why, -EINVAL, "%.*s: cannot be read as an INI file", NAME_SHOWN_MAX, scan->name);
	err = apply_entries(scan, ini);
	iniparser_freedict(ini);
	return err ? err : sort_sections(scan);
}

static FILE *open_memory_file(void)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

errint_t policy_file_parse(const char *text, size_t nbytes, const char *name, enum policy_kind kind,
                           struct policy_file **ret_file, struct ic_why *why)
{
	struct scan scan = {.name = name, .kind = kind, .why = why};
	errint_t err = -ENOMEM;

	if (nbytes > POLICY_FILE_SIZE_MAX)
		return ic_fail(why, -EFBIG, "%.*s: longer than %d bytes", NAME_SHOWN_MAX, name, POLICY_FILE_SIZE_MAX);
	scan.file = calloc(1, sizeof(*scan.file));
	scan.ini = open_memory_file();
	if (scan.file && scan.ini)
		err = parse_into(&scan, (struct span){text, nbytes});
	if (scan.ini)
		fclose(scan.ini);
	if (err == -ENOMEM)
		ic_fail(why, err, "%.*s: out of memory", NAME_SHOWN_MAX, name);
	if (err)
		policy_file_free(scan.file);
	else
		*ret_file = scan.file;
	return err;
}

static errint_t read_text(int fd, char *text, size_t size, size_t *ret_nbytes)
{
	size_t total = 0;

	while (total < size) {
		ssize_t n = pread(fd, text + total, size - total, (off_t)total);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		total += (size_t)n;
	}
	*ret_nbytes = total;
	return 0;
}

errint_t policy_file_read(int fd, const char *name, enum policy_kind kind, struct policy_file **ret_file,
                          struct ic_why *why)
{
	size_t size = POLICY_FILE_SIZE_MAX + 1, nbytes = 0;
	char *text = malloc(size);
	errint_t err = text ? read_text(fd, text, size, &nbytes) : -ENOMEM;

	if (err)
		ic_fail(why, err, "%.*s: cannot be read: %s", NAME_SHOWN_MAX, name, strerror(-err));
	else
		err = policy_file_parse(text, nbytes, name, kind, ret_file, why);
	free(text);
	return err;
}
