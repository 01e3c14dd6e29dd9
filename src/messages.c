/* SPDX-License-Identifier: MIT */
#include "src/icfs.h"

#include "fs/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void put_text(FILE *out, const char *text)
{
	while (*text) {
		size_t n = utf8_length(text);

		if (utf8_is_control(text, n))
			putc('?', out);
		else
			fwrite(text, 1, n ? n : 1, out);
		text += n ? n : 1;
	}
}

__attribute__((format(printf, 2, 0))) static void put_message(const char *prefix, const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return;
	fputs(prefix, stderr);
	put_text(stderr, text);
	putc('\n', stderr);
	free(text);
}

int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_message("icfs: ", format, args);
	va_end(args);
	return EXIT_FAILED;
}

void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_message("icfs: warning: ", format, args);
	va_end(args);
}

int fail_usage(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "icfs %s", command);
	va_start(args, format);
	put_message(": ", format, args);
	va_end(args);
	fprintf(stderr, "Try 'icfs %s --help'.\n", command);
	return EXIT_USAGE;
}

const char *explain(errint_t err)
{
	switch (-err) {
	case EBADMSG:
		return "the file is damaged, or not of the kind it claims to be";
	case EOPNOTSUPP:
		return "the file is valid, but of a kind that icfs does not handle";
	case EFBIG:
		return "the file passes a limit";
	case ENODATA:
		return "the file ends too early";
	case ESTALE:
		return "the file changed meanwhile";
	case ENODEV:
		return "there is no GPU to use";
	default:
		return strerror(-err);
	}
}
