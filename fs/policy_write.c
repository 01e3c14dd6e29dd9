/* SPDX-License-Identifier: MIT */
#include "fs/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_TRIES 100 /* names left behind by killed writers that are stepped over */

#define NEW_FILE ((mode_t)-1) /* permissions are for the umask to say */

struct temporary {
	char name[64];
	int fd;
};

/* The rule that stands in the directory now, and the permissions of its file; both are left alone where there is none. */
static errint_t read_existing(int directory_fd, struct policy_rule *rule, mode_t *mode, struct ic_why *why)
{
	int fd = openat(directory_fd, POLICY_FILE_NAME, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct policy_file *file;
	struct stat st;
	errint_t err;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return ic_fail(why, -errno, "%s: cannot be opened: %s", POLICY_FILE_NAME, strerror(errno));
	if (fstat(fd, &st))
		err = ic_fail(why, -errno, "%s: cannot be examined: %s", POLICY_FILE_NAME, strerror(errno));
	else
		err = policy_file_read(fd, POLICY_FILE_NAME, POLICY_DIRECTORY, &file, why);
	close(fd);
	if (err)
		return err;
	*rule = *policy_file_root(file);
	*mode = st.st_mode & 0777;
	policy_file_free(file);
	return 0;
}

static struct policy_rule merge(const struct policy_rule *over, const struct policy_rule *under)
{
	struct policy_rule rule = *under;

	if (over->has_design) {
		rule.has_design = true;
		rule.design_is_auto = over->design_is_auto;
		rule.design = over->design;
	}
	if (over->has_face) {
		rule.has_face = true;
		rule.face = over->face;
	}
	if (over->has_metadata) {
		rule.has_metadata = true;
		rule.keeps_metadata = over->keeps_metadata;
	}
	for (enum aim_key key = 0; key < AIM_NKEYS; key++)
		if (aim_says(&over->aim, key))
			aim_take(&rule.aim, &over->aim, key);
	return rule;
}

#define POLICY_TEXT_SIZE 1200 /* far more than any rule's text: designs and faces are short, budgets bounded */

static void print_rule(const struct policy_rule *rule, char *out, size_t size, size_t *ret_nbytes)
{
	char design[IC_DESIGN_STRING_SIZE] = "auto", value[AIM_TEXT_SIZE];
	size_t n = (size_t)snprintf(out, size, "[policy]\n");

	if (rule->has_design && !rule->design_is_auto)
		ic_design_print(&rule->design, design);
	if (rule->has_design)
		n += (size_t)snprintf(out + n, size - n, "design = %s\n", design);
	if (rule->has_face)
		n += (size_t)snprintf(out + n, size - n, "face = %s\n", ic_face_name(rule->face));
	if (rule->has_metadata)
		n += (size_t)snprintf(out + n, size - n, "metadata = %s\n", policy_metadata_name(rule->keeps_metadata));
	for (enum aim_key key = 0; key < AIM_NKEYS; key++) {
		if (!aim_says(&rule->aim, key))
			continue;
		aim_print_value(&rule->aim, key, value);
		n += (size_t)snprintf(out + n, size - n, "%s = %s\n", aim_key_name(key), value);
	}
	*ret_nbytes = n;
}

static errint_t create_temporary(int directory_fd, struct temporary *ret_temporary)
{
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		struct temporary t;

		snprintf(t.name, sizeof(t.name), POLICY_FILE_NAME ".%ld.%d", (long)getpid(), i);
		t.fd = openat(directory_fd, t.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (t.fd >= 0) {
			*ret_temporary = t;
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static errint_t write_text(int fd, const char *text, size_t nbytes)
{
	while (nbytes) {
		ssize_t n = write(fd, text, nbytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		nbytes -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

static errint_t replace(int directory_fd, mode_t mode, const char *text, size_t nbytes)
{
	struct temporary t;
	errint_t err = create_temporary(directory_fd, &t);

	if (err)
		return err;
	if (mode != NEW_FILE && fchmod(t.fd, mode))
		err = -errno;
	if (!err)
		err = write_text(t.fd, text, nbytes);
	if (close(t.fd) && !err)
		err = -errno;
	if (!err && renameat(directory_fd, t.name, directory_fd, POLICY_FILE_NAME))
		err = -errno;
	if (err)
		unlinkat(directory_fd, t.name, 0);
	else
		fsync(directory_fd); /* as durable as the file system can make it; the content is right either way */
	return err;
}

errint_t policy_file_write(int directory_fd, const struct policy_rule *rule, struct ic_why *why)
{
	struct policy_rule existing = {.has_design = false}, merged;
	mode_t mode = NEW_FILE;
	char text[POLICY_TEXT_SIZE];
	size_t nbytes;
	errint_t err = read_existing(directory_fd, &existing, &mode, why);

	if (err)
		return err;
	merged = merge(rule, &existing);
	print_rule(&merged, text, sizeof(text), &nbytes);
	err = replace(directory_fd, mode, text, nbytes);
	return err ? ic_fail(why, err, "%s: cannot be written: %s", POLICY_FILE_NAME, strerror(-err)) : 0;
}
