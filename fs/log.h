/* SPDX-License-Identifier: MIT */
/*
 * log.h: lines for people who run a mount. A log is an object that main makes and hands down; libraries below fs/ never
 * log. Thread safe; one line is one write.
 */
#pragma once

#include "codec/errint.h"

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 0, /* the mount itself is affected */
	LOG_LEVEL_WARNING,   /* one file or directory is affected */
	LOG_LEVEL_INFO,      /* starts, stops, policies that changed */
	LOG_LEVEL_DEBUG,     /* each object made */
};

struct log;

/* target: "stderr", "syslog", or the path of a file to append to. -EINVAL, -errno of opening. */
errint_t log_new(const char *target, enum log_level level, struct log **ret_log, struct ic_why *why);
void log_free(struct log *log); /* NULL is fine */

errint_t log_level_parse(const char *text, enum log_level *ret_level, struct ic_why *why);
bool log_enabled(const struct log *log, enum log_level level);

/* One line; control characters and bytes that are not UTF-8 are escaped as \xNN, so that a file's name cannot forge one.
 * log may be NULL: nothing is written. */
__attribute__((format(printf, 3, 4))) void log_write(struct log *log, enum log_level level, const char *format, ...);
