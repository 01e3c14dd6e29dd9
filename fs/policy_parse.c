/* SPDX-License-Identifier: MIT */
/*
 * Policy files, by way of iniparser. It lowercases names, which paths cannot bear, tells no line numbers, lets a later
 * entry replace an earlier one, cuts section names at 1,024 bytes and joins lines that end in a backslash, comments
 * too. So a scan goes first: it takes the section headers out, and writes each setting as `INDEX:LINE:key = value` into
 * a memory file, all in one section. What iniparser returns then says where it stood, and nothing can be lost unseen.
 */
#include "fs/policy.h"
#include "fs/policy_priv.h"
#include "fs/read_at.h"

#include "config.h"
#if HAVE_INIPARSER_INIPARSER_H
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* iniparser's error callback is a variable of the process; whoever parses holds this. */
static pthread_mutex_t iniparser_lock = PTHREAD_MUTEX_INITIALIZER;

static bool find_key(const char *name, enum policy_key *ret_key)
{
	for (enum policy_key key = 0; key < POLICY_NKEYS; key++) {
		if (strcmp(name, policy_key_name(key)))
			continue;
		*ret_key = key;
		return true;
	}
	return false;
}

static errint_t fail_unknown(const struct policy_scan *scan, unsigned line, const char *name)
{
	char known[200] = "";
	size_t n = 0;

	for (enum policy_key key = 0; key < POLICY_NKEYS; key++)
		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", key ? ", " : "", policy_key_name(key));
	return policy_fail_at(scan, line, "unknown key '%.80s'; known: %s", name, known);
}

static errint_t apply_value(struct policy_rule *rule, enum policy_key key, const char *value, struct ic_why *why)
{
	switch (key) {
	case POLICY_KEY_DESIGN:
		return policy_set_design(rule, value, why);
	case POLICY_KEY_FACE:
		return policy_set_face(rule, value, why);
	case POLICY_KEY_METADATA:
		return policy_set_metadata(rule, value, why);
	default:
		return policy_set_aim(rule, (enum aim_key)(key - POLICY_KEY_AIM), value, why);
	}
}

/* `entry` is "p:INDEX:LINE:key", as the scan wrote it and iniparser gave it back. */
static errint_t apply_entry(const struct policy_scan *scan, const char *entry, const char *value)
{
	size_t section;
	unsigned line;
	int nprefix = 0;
	const char *key;
	struct policy_rule *rule;
	struct ic_why reason;
	enum policy_key which;
	errint_t err;

	if (sscanf(entry, POLICY_INI_SECTION ":%zu:%u:%n", &section, &line, &nprefix) != 2 || !nprefix)
		return policy_fail(scan->why, -EINVAL, scan->name, "cannot be read as an INI file");
	key = entry + nprefix;
	rule = &scan->file->sections[section].rule;
	if (!find_key(key, &which))
		return fail_unknown(scan, line, key);
	if (rule->lines[which])
		return policy_fail_at(scan, line, "'%s' was already set in line %u", key, rule->lines[which]);
	rule->lines[which] = line;
	err = apply_value(rule, which, value, &reason);
	return err ? policy_fail_at(scan, line, "%s", reason.text) : 0;
}

static errint_t apply_entries(const struct policy_scan *scan, const dictionary *ini)
{
	unsigned nkeys = (unsigned)iniparser_getsecnkeys(ini, POLICY_INI_SECTION);
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
	iniparser_getseckeys(ini, POLICY_INI_SECTION, keys);
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

static errint_t sort_sections(const struct policy_scan *scan)
{
	struct policy_file *file = scan->file;

	if (file->nsections)
		qsort(file->sections, file->nsections, sizeof(file->sections[0]), compare_sections);
	for (size_t i = 1; i < file->nsections; i++) {
		const struct policy_section *first = &file->sections[i - 1], *second = &file->sections[i];

		if (!strcmp(first->path, second->path))
			return policy_fail_at(scan, second->line, "the section [%s] was already in line %u",
			                      *second->path ? second->path : "policy", first->line);
	}
	/* "" sorts first */
	if (file->nsections && !*file->sections[0].path)
		file->root = file->sections[0].rule;
	return 0;
}

static errint_t parse_into(struct policy_scan *scan, const char *text, size_t nbytes)
{
	errint_t err = policy_scan_text(scan, text, nbytes);
	dictionary *ini;

	if (err)
		return err;
	if (fflush(scan->ini) || ferror(scan->ini))
		return -ENOMEM;
	ini = load_ini(fileno(scan->ini));
	if (!ini)
		return policy_fail(scan->why, -EINVAL, scan->name, "cannot be read as an INI file");
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
	static const char byte_order_mark[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
	struct policy_scan scan = {.name = name, .kind = kind, .why = why};
	size_t mark_len = strlen(byte_order_mark);
	errint_t err = -ENOMEM;

	if (nbytes >= mark_len && !memcmp(text, byte_order_mark, mark_len)) {
		text += mark_len;
		nbytes -= mark_len;
	}
	if (nbytes > POLICY_FILE_SIZE_MAX)
		return policy_fail(why, -EFBIG, name, "longer than %d bytes", POLICY_FILE_SIZE_MAX);
	scan.file = calloc(1, sizeof(*scan.file));
	scan.ini = open_memory_file();
	if (scan.file && scan.ini)
		err = parse_into(&scan, text, nbytes);
	if (scan.ini)
		fclose(scan.ini);
	if (err == -ENOMEM)
		policy_fail(why, err, name, "out of memory");
	if (err)
		policy_file_free(scan.file);
	else
		*ret_file = scan.file;
	return err;
}

errint_t policy_file_read(int fd, const char *name, enum policy_kind kind, struct policy_file **ret_file,
                          struct ic_why *why)
{
	size_t size = POLICY_FILE_SIZE_MAX + 1, nbytes = 0;
	char *text = malloc(size);
	errint_t err = text ? read_at(fd, text, size, 0, &nbytes) : -ENOMEM;

	if (err)
		policy_fail(why, err, name, "cannot be read: %s", strerror(-err));
	else
		err = policy_file_parse(text, nbytes, name, kind, ret_file, why);
	free(text);
	return err;
}

errint_t policy_file_open(const char *path, struct policy_file **ret_file, struct ic_why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return ic_fail(why, -errno, "%s: %s", path, strerror(errno));
	errint_t err = policy_file_read(fd, path, POLICY_TREE, ret_file, why);
	close(fd);
	return err;
}
