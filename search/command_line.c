/* SPDX-License-Identifier: MIT */
#include "search/command_priv.h"
#include "search/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const places[COMMAND_NPLACES] = {
        [COMMAND_DATA] = "data", [COMMAND_DESIGN] = "design", [COMMAND_INIT] = "init",       [COMMAND_SAVE] = "save",
        [COMMAND_SEED] = "seed", [COMMAND_RESULT] = "result", [COMMAND_THREADS] = "threads",
};

/* A place at the begin of `text`: its bytes, and the option in it; or 0. Any other brace is the shell's. */
static size_t find_place(const char *text, enum command_place *ret_place, const char **ret_option, size_t *ret_noption)
{
	for (unsigned i = 0; *text == '{' && i < COMMAND_NPLACES; i++) {
		size_t n = strlen(places[i]);
		const char *end = text + 1 + n;
		if (strncmp(text + 1, places[i], n) || (*end != '}' && *end != ':'))
			continue;
		const char *close = strchr(end, '}');
		if (!close)
			return 0;
		*ret_place = i;
		*ret_option = *end == ':' ? end + 1 : NULL;
		*ret_noption = *end == ':' ? (size_t)(close - end - 1) : 0;
		return (size_t)(close - text) + 1;
	}
	return 0;
}

bool command_line_has(const char *line, enum command_place place)
{
	enum command_place found;
	const char *option;
	size_t noption;

	for (; *line; line++)
		if (find_place(line, &found, &option, &noption) && found == place)
			return true;
	return false;
}

static void put_place(FILE *out, const char *option, size_t noption, const char *value)
{
	if (option && !value)
		return;
	if (option)
		fwrite(option, 1, noption, out);
	if (noption && option[noption - 1] != '=')
		putc(' ', out);
	shell_put_word(out, value ? value : "");
}

char *command_line_fill(const char *line, const char *const values[COMMAND_NPLACES])
{
	char *filled = NULL;
	size_t size;
	FILE *out = open_memstream(&filled, &size);

	if (!out)
		return NULL;
	while (*line) {
		enum command_place place;
		const char *option;
		size_t noption, n = find_place(line, &place, &option, &noption);
		if (n)
			put_place(out, option, noption, values[place]);
		else
			putc(*line, out);
		line += n ? n : 1;
	}
	if (fclose(out)) {
		free(filled);
		return NULL;
	}
	return filled;
}
