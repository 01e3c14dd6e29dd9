/* SPDX-License-Identifier: MIT */
#include "fs/policy.h"

#include <stdarg.h>
#include <stdio.h>

struct words {
	char *out;
	size_t n, size;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *words, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(words->out + words->n, words->size - words->n, format, args);
	va_end(args);
	if (n > 0)
		words->n += (size_t)n < words->size - words->n ? (size_t)n : words->size - words->n - 1;
}

static const char *ordinal(unsigned n)
{
	return n == 2 ? "2nd" : "4th";
}

static void say_sampling(struct words *words, const struct ic_design *design)
{
	unsigned sx = design->sx, sy = design->sy;

	if (sx == 1 && sy == 1)
		say(words, "Every pixel is kept");
	else if (design->filter == IC_FILTER_BOX)
		say(words, "Every %u x %u pixels become their mean", sx, sy);
	else if (sx == sy)
		say(words, "Every %s column and row is kept", ordinal(sx));
	else if (sy == 1)
		say(words, "Every %s column is kept", ordinal(sx));
	else if (sx == 1)
		say(words, "Every %s row is kept", ordinal(sy));
	else
		say(words, "Every %s column and every %s row is kept", ordinal(sx), ordinal(sy));
}

static void say_frequencies(struct words *words, const struct ic_design *design)
{
	static const struct {
		const char *before, *after;
	} kept[] = {
	        [IC_ORDER_HIGH] = {"the lowest ", "anti-diagonals of frequencies"},
	        [IC_ORDER_LOW] = {"the highest ", "anti-diagonals of frequencies"},
	        [IC_ORDER_COLUMNS] = {"", "half columns of frequencies, cut from both ends"},
	        [IC_ORDER_ROWS] = {"", "half rows of frequencies, cut from both ends"},
	};
	unsigned ngroups = 2u * design->block - 1;

	if (design->block == 1)
		say(words, "; no transform");
	else if (design->keep == ngroups)
		say(words, "; in blocks of %u x %u, all frequencies", design->block, design->block);
	else
		say(words, "; in blocks of %u x %u, %s%u of %u %s", design->block, design->block,
		    kept[design->order].before, design->keep, ngroups, kept[design->order].after);
}

/* The source's own blocks, all of them. */
static bool is_dense(const struct ic_design *design)
{
	return design->sx == 1 && design->sy == 1 && design->block == 8 && design->keep == 15 && design->bits == 8;
}

void policy_describe_design(const struct ic_design *design, char out[POLICY_DESIGN_WORDS_SIZE])
{
	struct words words = {.out = out, .size = POLICY_DESIGN_WORDS_SIZE};

	say_sampling(&words, design);
	say_frequencies(&words, design);
	say(&words, "; %u bit%s a coefficient", design->bits, design->bits == 1 ? "" : "s");
	if (design->chroma == IC_CHROMA_HALF)
		say(&words, "; colour at half of luma's resolution.");
	else
		say(&words, "; colour at luma's resolution.");
	if (is_dense(design))
		say(&words, " Nothing is lost beyond 8-bit codes%s; larger than the JPEGs.",
		    design->chroma == IC_CHROMA_HALF ? " and finer colour" : "");
}

const char *policy_describe_face(enum ic_face face)
{
	switch (face) {
	case IC_FACE_IC:
		return "The object itself, under its source's stem and .ic.";
	case IC_FACE_JPEG:
		return "A baseline JPEG of the object, under its source's name. Sources that are over a limit, end "
		       "early, are damaged or cannot be transcoded are served as they are.";
	case IC_FACE_BMP:
		return "The object's pixels as a BMP, under its source's name; there is no place in it for an "
		       "orientation. Sources that are over a limit, end early, are damaged or cannot be transcoded are "
		       "I/O errors.";
	case IC_FACE_ORIG:
		return "The source, byte for byte; the design plays no part.";
	}
	return "";
}

bool policy_shows_pictures(enum ic_face face)
{
	return face == IC_FACE_JPEG || face == IC_FACE_BMP;
}
