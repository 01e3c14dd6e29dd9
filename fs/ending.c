/* SPDX-License-Identifier: MIT */
#include "fs/ending.h"
#include "fs/table.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

/* One bit for each way to write it in small and capital letters, from `first` on. */
static const struct extension {
	const char *text;
	unsigned first;
} extensions[] = {{"jpg", 0}, {"jpeg", 8}, {"jpe", 24}, {"jfif", 32}, {"ic", 48}};

#define NEXTENSIONS (sizeof(extensions) / sizeof(*extensions))

static size_t stem_of(const char *name)
{
	size_t n = stem_length(name);

	return n ? n : object_stem_length(name);
}

uint64_t ending_of(const char *name)
{
	size_t stem_len = stem_of(name);
	const char *text = name + stem_len + 1;
	unsigned way = 0;

	if (!stem_len)
		return 0;
	for (size_t k = 0; text[k]; k++)
		way |= (unsigned)(isupper((unsigned char)text[k]) != 0) << k;
	for (size_t i = 0; i < NEXTENSIONS; i++)
		if (!strcasecmp(text, extensions[i].text))
			return UINT64_C(1) << (extensions[i].first + way);
	return 0;
}

static bool shorten(char *name)
{
	size_t stem_len = stem_of(name);

	if (stem_len)
		name[stem_len] = 0;
	return stem_len;
}

bool ending_is_double(const char *name)
{
	char stem[NAME_MAX + 1];

	if (strlen(name) > NAME_MAX)
		return false;
	strcpy(stem, name);
	return shorten(stem) && stem_of(stem);
}

/* Writes what `bit` stands for behind the stem; false where that makes no name. */
static bool append(char *stem, size_t stem_len, unsigned bit)
{
	const struct extension *extension = &extensions[NEXTENSIONS - 1];

	while (extension->first > bit)
		extension--;
	size_t n = strlen(extension->text);
	if (stem_len + 1 + n > NAME_MAX)
		return false;
	stem[stem_len] = '.';
	for (size_t k = 0; k <= n; k++) {
		bool is_capital = k < n && (bit - extension->first) >> k & 1;
		stem[stem_len + 1 + k] =
		        (char)(is_capital ? toupper((unsigned char)extension->text[k]) : extension->text[k]);
	}
	return true;
}

void ending_each_near(const char *name, uint64_t endings, ending_visitor *each, void *context)
{
	char near[NAME_MAX + 1];

	each(context, name);
	if (!stem_of(name) || strlen(name) > NAME_MAX)
		return;
	strcpy(near, name);
	while (shorten(near))
		;
	size_t stem_len = strlen(near);
	for (unsigned bit = 0; endings >> bit && bit < 64; bit++)
		if (endings >> bit & 1 && append(near, stem_len, bit) && strcmp(near, name))
			each(context, near);
}
