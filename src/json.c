/* SPDX-License-Identifier: MIT */
#include "src/json.h"

#include "fs/utf8.h"

void put_json_string(FILE *out, const char *text)
{
	putc('"', out);
	while (*text) {
		size_t n = utf8_length(text);

		if (!n) {
			fputs("\\ufffd", out);
			n = 1;
		} else if (n == 1 && utf8_is_control(text, n)) {
			fprintf(out, "\\u%04x", (unsigned)*text);
		} else {
			if (*text == '"' || *text == '\\')
				putc('\\', out);
			fwrite(text, 1, n, out);
		}
		text += n;
	}
	putc('"', out);
}
