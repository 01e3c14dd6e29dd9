/* SPDX-License-Identifier: MIT */
#include "src/icfs.h"

#include "fs/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_WIDTH 80

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

void put_wrapped(FILE *out, int indent, const char *text)
{
	int column = LINE_WIDTH + 1;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column + 1 + n > LINE_WIDTH) {
			fprintf(out, "%s%*s", column > LINE_WIDTH ? "" : "\n", indent, "");
			column = indent;
		} else {
			putc(' ', out);
			column++;
		}
		fwrite(text, 1, (size_t)n, out);
		column += n;
		text += n;
		text += *text == ' ';
	}
	putc('\n', out);
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
		return "damaged";
	case EOPNOTSUPP:
		return "of a kind that icfs does not handle";
	case EFBIG:
		return "over a limit";
	case ENODATA:
		return "ends too early";
	case ESTALE:
		return "changed meanwhile";
	case ENODEV:
		return "there is no GPU";
	default:
		return strerror(-err);
	}
}

int fail_input(const char *name, errint_t err, const struct ic_why *why)
{
	if (err == -EINVAL)
		return fail("%s: %s", name, why->text);
	if (err == -EFBIG)
		return fail("%s: %s: %s; raise it with --pixels, --memory or --scans", name, explain(err), why->text);
	return fail("%s: %s: %s", name, explain(err), why->text);
}
