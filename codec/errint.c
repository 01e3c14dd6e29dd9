/* SPDX-License-Identifier: MIT */
#include "codec/errint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ic_why_text(const struct ic_why *why, errint_t err)
{
	return why->text[0] ? why->text : strerror(-err);
}

errint_t ic_fail(struct ic_why *why, errint_t err, const char *format, ...)
{
	if (why) {
		va_list args;

		va_start(args, format);
		if (vsnprintf(why->text, sizeof(why->text), format, args) < 0)
			why->text[0] = '\0';
		va_end(args);
	}
	return err;
}
