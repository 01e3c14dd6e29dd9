/* SPDX-License-Identifier: MIT */
#include "codec/statistics.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define FREQS_MAX (IC_BLOCK_MAX * IC_BLOCK_MAX)
#define WORD_MAX 63 /* characters of a number, or of a string */

/* --- The little of JSON that the file has ------------------------------------------------------------------------- */

struct reader {
	const char *at, *end;
};

static void skip_space(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
		r->at++;
}

static bool read_mark(struct reader *r, char mark)
{
	skip_space(r);
	if (r->at == r->end || *r->at != mark)
		return false;
	r->at++;
	return true;
}

/* A string without escapes. */
static bool read_string(struct reader *r, char out[WORD_MAX + 1])
{
	size_t n = 0;
	if (!read_mark(r, '"'))
		return false;
	for (; r->at < r->end && *r->at != '"'; r->at++) {
		if (n == WORD_MAX || *r->at == '\\' || (unsigned char)*r->at < ' ')
			return false;
		out[n++] = *r->at;
	}
	out[n] = '\0';
	return read_mark(r, '"');
}

/* Finite: every character that is not one of a number ends it, so there is no "inf" or "nan". */
static bool read_number(struct reader *r, double *ret_number)
{
	char word[WORD_MAX + 1], *rest;
	size_t n = 0;
	skip_space(r);
	for (; r->at < r->end && *r->at && strchr("+-.0123456789eE", *r->at); r->at++) {
		if (n == WORD_MAX)
			return false;
		word[n++] = *r->at;
	}
	word[n] = '\0';
	double number = strtod(word, &rest);
	if (!n || *rest || number - number != 0)
		return false;
	*ret_number = number;
	return true;
}

static bool read_row(struct reader *r, double *out, unsigned *ret_n)
{
	unsigned n = 0;
	if (!read_mark(r, '['))
		return false;
	do {
		if (n == FREQS_MAX || !read_number(r, &out[n++]))
			return false;
	} while (read_mark(r, ','));
	*ret_n = n;
	return read_mark(r, ']');
}

/* --- The file ----------------------------------------------------------------------------------------------------- */

/* One of the two tables; rows as they come. */
struct table {
	unsigned nrows, n; /* numbers in each */
	double rows[IC_COMPONENTS_MAX][FREQS_MAX];
};

static bool read_table(struct reader *r, struct table *t)
{
	if (t->nrows || !read_mark(r, '['))
		return false;
	do {
		unsigned n;
		if (t->nrows == IC_COMPONENTS_MAX || !read_row(r, t->rows[t->nrows], &n) || (t->nrows && n != t->n))
			return false;
		t->n = n;
		t->nrows++;
	} while (read_mark(r, ','));
	return read_mark(r, ']');
}

struct statistics_file {
	char design[WORD_MAX + 1];
	double nimages; /* below 0: not there yet */
	struct table mean, std;
};

static bool read_member(struct reader *r, struct statistics_file *f)
{
	char key[WORD_MAX + 1];
	if (!read_string(r, key) || !read_mark(r, ':'))
		return false;
	if (!strcmp(key, "design"))
		return !f->design[0] && read_string(r, f->design);
	if (!strcmp(key, "images"))
		return f->nimages < 0 && read_number(r, &f->nimages) && f->nimages >= 0 && f->nimages < 0x1p53;
	if (!strcmp(key, "mean"))
		return read_table(r, &f->mean);
	return !strcmp(key, "std") && read_table(r, &f->std);
}

static bool read_file(struct reader *r, struct statistics_file *f)
{
	if (!read_mark(r, '{'))
		return false;
	do {
		if (!read_member(r, f))
			return false;
	} while (read_mark(r, ','));
	if (!read_mark(r, '}'))
		return false;
	skip_space(r);
	return r->at == r->end;
}

static bool is_whole(const struct statistics_file *f, struct ic_design *ret_design)
{
	const struct table *mean = &f->mean, *std = &f->std;
	if (f->nimages < 0 || ic_design_parse(f->design, ret_design, NULL))
		return false;
	if (mean->nrows != std->nrows || mean->n != std->n || (mean->nrows != 1 && mean->nrows != 3) ||
	    mean->n != ic_design_nfreqs(ret_design))
		return false;
	for (unsigned i = 0; i < std->nrows * std->n; i++) {
		if (!(std->rows[i / std->n][i % std->n] > 0))
			return false;
	}
	return true;
}

/* One allocation, tables and all. */
static errint_t keep(const struct statistics_file *f, const struct ic_design *design,
                     struct ic_statistics **ret_statistics, struct ic_why *why)
{
	size_t n = f->mean.n, all = f->mean.nrows * n;
	struct ic_statistics *s = malloc(sizeof *s + 2 * all * sizeof *s->mean);
	if (!s)
		return ic_fail(why, -ENOMEM, "out of memory");
	double *numbers = (double *)(void *)(s + 1);
	*s = (struct ic_statistics){
	        .design = *design,
	        .ncomponents = f->mean.nrows,
	        .nfreqs = f->mean.n,
	        .nimages = (uint64_t)f->nimages,
	        .mean = numbers,
	        .std = numbers + all,
	};
	for (unsigned c = 0; c < f->mean.nrows; c++) {
		memcpy(numbers + c * n, f->mean.rows[c], n * sizeof *numbers);
		memcpy(numbers + all + c * n, f->std.rows[c], n * sizeof *numbers);
	}
	*ret_statistics = s;
	return 0;
}

errint_t ic_statistics_parse(const char *text, size_t nbytes, struct ic_statistics **ret_statistics, struct ic_why *why)
{
	struct reader r = {text, text + nbytes};
	struct ic_design design;
	struct statistics_file *f = calloc(1, sizeof *f);
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* where a number's point is a point */
	errint_t err = f && plain ? 0 : ic_fail(why, -ENOMEM, "out of memory");
	if (!err) {
		locale_t before = uselocale(plain);
		f->nimages = -1;
		if (!read_file(&r, f) || !is_whole(f, &design))
			err = ic_fail(why, -EBADMSG,
			              "no statistics of frequencies, or of other ones than their design has");
		uselocale(before);
	}
	if (!err)
		err = keep(f, &design, ret_statistics, why);
	if (plain)
		freelocale(plain);
	free(f);
	return err;
}

void ic_statistics_free(struct ic_statistics *statistics)
{
	free(statistics);
}

/* --- For a tensor ------------------------------------------------------------------------------------------------- */

static bool has_all(const struct ic_statistics *s, const struct ic_layout *l, unsigned ncomponents)
{
	struct ic_design wanted = l->design;
	if (wanted.keep > s->design.keep || ncomponents > s->ncomponents)
		return false;
	wanted.keep = s->design.keep;
	return ic_design_equal(&wanted, &s->design);
}

errint_t ic_statistics_arrange(const struct ic_statistics *s, const struct ic_layout *l,
                               const struct ic_tensor_spec *spec, float *mean, float *scale, struct ic_why *why)
{
	struct ic_tensor_spec bare = *spec;
	struct ic_tensor_shape shape;
	bare.mean = bare.scale = NULL;
	if (spec->values != IC_FREQUENCIES)
		return ic_fail(why, -EINVAL, "statistics are those of frequencies");
	errint_t err = ic_tensor_shape(l, &bare, &shape, why);
	if (err)
		return err;
	unsigned channels = shape.channels + shape.chroma_channels, ncomponents = channels / l->nfreqs;
	if (!has_all(s, l, ncomponents))
		return ic_fail(why, -ERANGE, "the statistics are those of another design, or of fewer components");
	for (unsigned i = 0; i < channels; i++) {
		bool is_apart = i >= shape.channels;
		unsigned first = is_apart ? 1 : 0, together = is_apart ? 2 : shape.channels / l->nfreqs;
		unsigned own = is_apart ? i - shape.channels : i;
		size_t at = (size_t)(first + own % together) * s->nfreqs + own / together;
		mean[i] = (float)s->mean[at];
		scale[i] = (float)(1 / s->std[at]);
	}
	return 0;
}
