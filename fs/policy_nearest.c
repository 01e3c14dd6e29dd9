/* SPDX-License-Identifier: MIT */
#include "fs/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool policy_nearest_take(struct policy_nearest *nearest, const struct policy_rule *rule, const char *path)
{
	bool is_complete = true;

	for (enum policy_key key = 0; key < POLICY_NKEYS; key++) {
		if (!nearest->at[key].is_found && policy_rule_says(rule, key)) {
			nearest->at[key].is_found = true;
			nearest->at[key].rule = *rule;
			snprintf(nearest->at[key].path, sizeof(nearest->at[key].path), "%s", path);
		}
		is_complete = is_complete && nearest->at[key].is_found;
	}
	return is_complete;
}

/* Of one directory, if it has a policy file. */
static errint_t take_file(struct policy_nearest *nearest, const char *path, bool *ret_is_complete, struct ic_why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct policy_file *file;
	errint_t err;

	if (fd < 0) {
		err = -errno;
		return err == -ENOENT || err == -ENOTDIR
		               ? 0
		               : ic_fail(why, err, "%s: cannot be opened: %s", path, strerror(-err));
	}
	err = policy_file_read(fd, path, POLICY_DIRECTORY, &file, why);
	close(fd);
	if (err)
		return err;
	*ret_is_complete = policy_nearest_take(nearest, policy_file_root(file), path);
	policy_file_free(file);
	return 0;
}

errint_t policy_nearest_find(const char *directory, struct policy_nearest *ret_nearest, struct ic_why *why)
{
	size_t n = strlen(directory);
	bool is_complete = false;
	char path[PATH_MAX];

	*ret_nearest = (struct policy_nearest){0};
	if (n == 1)
		n = 0; /* "/" becomes "", so that a slash always goes between */
	for (;;) {
		int length = snprintf(path, sizeof(path), "%.*s/" POLICY_FILE_NAME, (int)n, directory);
		if (length < 0 || (size_t)length >= sizeof(path))
			return ic_fail(why, -ENAMETOOLONG, "%.100s...: the path is too long", directory);
		errint_t err = take_file(ret_nearest, path, &is_complete, why);
		if (err || is_complete || !n)
			return err;
		const char *slash = memrchr(directory, '/', n);
		n = slash ? (size_t)(slash - directory) : 0;
	}
}
