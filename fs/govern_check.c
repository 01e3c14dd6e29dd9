/* SPDX-License-Identifier: MIT */
/* Every .icpolicy of a tree; before a mount all must be good. Reads names alone, so a million files take a second or two. */
#include "fs/govern.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Places still to be walked. */
struct stack {
	char **places;
	size_t count, capacity;
};

static errint_t push(struct stack *stack, const char *place, const char *name)
{
	char path[PATH_MAX];

	if (source_join(place, name, path))
		return 0; /* too deep to be opened, so too deep to be served */
	if (stack->count == stack->capacity) {
		size_t capacity = stack->capacity ? stack->capacity * 2 : 64;
		char **grown = realloc(stack->places, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		stack->places = grown;
		stack->capacity = capacity;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	stack->places[stack->count++] = copy;
	return 0;
}

struct walking {
	struct source *source;
	struct stack stack;
	govern_visit *visit;
	void *context;
};

/* A policy file that cannot be opened is met later, when its directory is used, and is then said to be a problem. */
static errint_t tell(const struct walking *walking, const char *place)
{
	struct policy_file *file = NULL;
	struct ic_why why = {""};
	char name[PATH_MAX];
	struct stat st;
	int fd;

	if (source_join(place, POLICY_FILE_NAME, name) ||
	    source_open_file(walking->source, place, POLICY_FILE_NAME, &fd, &st))
		return 0;
	errint_t err = policy_file_read(fd, name, POLICY_DIRECTORY, &file, &why);
	close(fd);
	return walking->visit(walking->context, place, file, err, &why);
}

static bool is_directory(const struct dirent *d, int fd)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return !fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

static errint_t walk(struct walking *walking, const char *place)
{
	const struct dirent *d;
	errint_t err = 0;
	int fd;

	if (source_open(walking->source, place, O_RDONLY | O_DIRECTORY, &fd))
		return 0; /* not ours to read */
	DIR *stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (d = readdir(stream))) {
		if (!strcmp(d->d_name, POLICY_FILE_NAME))
			err = tell(walking, place);
		else if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..") && is_directory(d, fd))
			err = push(&walking->stack, place, d->d_name);
	}
	closedir(stream);
	return err;
}

errint_t govern_each(struct source *source, govern_visit *visit, void *context)
{
	struct walking walking = {.source = source, .visit = visit, .context = context};
	struct stack *stack = &walking.stack;
	errint_t err = push(stack, "", "");

	while (!err && stack->count) {
		char *place = stack->places[--stack->count];
		err = walk(&walking, place);
		free(place);
	}
	while (stack->count)
		free(stack->places[--stack->count]);
	free(stack->places);
	return err;
}

static errint_t check(void *context, const char *place, struct policy_file *file, errint_t err,
                      const struct ic_why *why)
{
	struct ic_why *ret_why = context;

	policy_file_free(file);
	return err ? ic_fail(ret_why, err, "%s", why->text) : 0;
}

errint_t govern_check_tree(struct source *source, struct ic_why *why)
{
	errint_t err = govern_each(source, check, why);

	return err == -ENOMEM ? ic_fail(why, err, "out of memory") : err;
}
