/* SPDX-License-Identifier: MIT */
#include "fs/log.h"

#include "fs/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LOG_TEXT_MAX 6144 /* bytes of a message; the longest path, and a sentence beside it */
#define LOG_LINE_MAX (4 * LOG_TEXT_MAX + 64)

struct log {
	enum log_level level;
	int fd; /* -1 for syslog */
	bool is_file;
};

static const struct {
	const char *name;
	int priority;
} levels[] = {
        [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
        [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
        [LOG_LEVEL_INFO] = {"info", LOG_INFO},
        [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

#define NLEVELS (sizeof(levels) / sizeof(levels[0]))

static errint_t open_target(struct log *log, const char *target, struct ic_why *why)
{
	if (!strcmp(target, "stderr")) {
		log->fd = STDERR_FILENO;
		return 0;
	}
	if (!strcmp(target, "syslog")) {
		openlog("icfs", LOG_PID, LOG_DAEMON);
		return 0;
	}
	if (!*target)
		return ic_fail(why, -EINVAL, "a log goes to stderr, syslog or the path of a file");
	log->fd = open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
	if (log->fd < 0)
		return ic_fail(why, -errno, "log %.120s: %s", target, strerror(errno));
	log->is_file = true;
	return 0;
}

errint_t log_new(const char *target, enum log_level level, struct log **ret_log, struct ic_why *why)
{
	struct log *log = malloc(sizeof(*log));
	errint_t err;

	if (!log)
		return ic_fail(why, -ENOMEM, "out of memory");
	*log = (struct log){.level = level, .fd = -1};
	err = open_target(log, target, why);
	if (err)
		free(log);
	else
		*ret_log = log;
	return err;
}

void log_free(struct log *log)
{
	if (!log)
		return;
	if (log->is_file)
		close(log->fd);
	free(log);
}

errint_t log_level_parse(const char *text, enum log_level *ret_level, struct ic_why *why)
{
	for (size_t i = 0; i < NLEVELS; i++) {
		if (!strcmp(text, levels[i].name)) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return ic_fail(why, -EINVAL, "unknown log level '%.32s'; known: error, warning, info, debug", text);
}

bool log_enabled(const struct log *log, enum log_level level)
{
	return log && level <= log->level;
}

/* `out` has room for four bytes for each of `text`. Returns the bytes written. */
static size_t escape(char *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *start = out;

	while (*text) {
		size_t n = utf8_length(text);

		if (n && !utf8_is_control(text, n)) {
			memcpy(out, text, n);
			out += n;
			text += n;
		} else {
			unsigned char byte = (unsigned char)*text++;

			memcpy(out, (char[4]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
			out += 4;
		}
	}
	return (size_t)(out - start);
}

/* Files carry the time; whoever collects stderr or syslog adds it. */
static size_t print_prefix(char *out, size_t size, const struct log *log, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	if (log->fd < 0)
		return 0;
	if (!log->is_file)
		return (size_t)snprintf(out, size, "icfs: %s: ", levels[level].name);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(out + n, size - n, ".%03ldZ %s: ", now.tv_nsec / 1000000, levels[level].name);
}

void log_write(struct log *log, enum log_level level, const char *format, ...)
{
	char text[LOG_TEXT_MAX], line[LOG_LINE_MAX];
	int saved_errno = errno;
	size_t n;
	va_list args;

	if (!log_enabled(log, level))
		return;
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);

	n = print_prefix(line, 64, log, level);
	n += escape(line + n, text);
	if (log->fd < 0) {
		syslog(levels[level].priority, "%.*s", (int)n, line);
	} else {
		ssize_t ignored; /* where the log itself cannot be written, nobody is left to tell */

		line[n++] = '\n';
		ignored = write(log->fd, line, n);
		(void)ignored;
	}
	errno = saved_errno;
}
