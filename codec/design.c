/* SPDX-License-Identifier: MIT */
#include "codec/design.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t samplings[] = {1, 2, 4};
static const uint8_t base_blocks[] = {1, 2, 4, 8, 16};

#define N_SAMPLINGS 3
#define N_BITS 8
#define N_KEEPS 57 /* sum of 2B-1 over the base blocks */

struct ic_design ic_design_default(void)
{
	return (struct ic_design){
	        .sx = 1,
	        .sy = 1,
	        .block = 8,
	        .keep = 15,
	        .bits = 8,
	        .chroma = IC_CHROMA_HALF,
	};
}

static bool is_sampling(unsigned n)
{
	return n == 1 || n == 2 || n == 4;
}

static bool is_block(unsigned n)
{
	return n >= 1 && n <= IC_BLOCK_MAX && (n & (n - 1)) == 0;
}

bool ic_design_is_valid(const struct ic_design *d)
{
	return is_sampling(d->sx) && is_sampling(d->sy) && is_block(d->block) && d->keep >= 1 &&
	       d->keep <= 2 * d->block - 1 && d->bits >= 1 && d->bits <= N_BITS &&
	       (d->chroma == IC_CHROMA_FULL || d->chroma == IC_CHROMA_HALF) && d->filter <= IC_FILTER_BOX &&
	       d->order <= IC_ORDER_ROWS;
}

bool ic_design_is_base(const struct ic_design *d)
{
	return ic_design_is_valid(d) && d->block <= 16 && d->chroma == IC_CHROMA_HALF && d->filter == IC_FILTER_DROP &&
	       d->order == IC_ORDER_HIGH;
}

bool ic_design_equal(const struct ic_design *a, const struct ic_design *b)
{
	return a->sx == b->sx && a->sy == b->sy && a->block == b->block && a->keep == b->keep && a->bits == b->bits &&
	       a->chroma == b->chroma && a->filter == b->filter && a->order == b->order;
}

/* --- The written form ------------------------------------------------------------------------------------------ */

static const char *const filter_names[] = {[IC_FILTER_DROP] = "drop", [IC_FILTER_BOX] = "box"};
static const char *const order_names[] = {
        [IC_ORDER_HIGH] = "h", [IC_ORDER_LOW] = "l", [IC_ORDER_COLUMNS] = "x", [IC_ORDER_ROWS] = "y"};

/* Take `word` from the front of *text. */
static bool take(const char **text, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(*text, word, n) != 0)
		return false;
	*text += n;
	return true;
}

/* Take a whole number of one or two digits, without leading zeros. */
static bool take_number(const char **text, uint8_t *ret)
{
	const char *p = *text;
	unsigned n = 0, digits = 0;
	while (digits < 2 && *p >= '0' && *p <= '9') {
		n = n * 10 + (unsigned)(*p++ - '0');
		digits++;
	}
	if (digits == 0 || (digits > 1 && **text == '0'))
		return false;
	*ret = (uint8_t)n;
	*text = p;
	return true;
}

/* Take the name at the front of *text. At most one is there: no name of a list is the beginning of another. */
static bool take_name(const char **text, const char *const *names, size_t n_names, uint8_t *ret)
{
	for (size_t i = 0; i < n_names; i++) {
		if (take(text, names[i])) {
			*ret = (uint8_t)i;
			return true;
		}
	}
	return false;
}

static errint_t check_ranges(const struct ic_design *d, const char *text, struct ic_why *why)
{
	if (!is_sampling(d->sx) || !is_sampling(d->sy))
		return ic_fail(why, -EINVAL, "design '%.60s': sampling is 1, 2 or 4 each way, not s%ux%u", text, d->sx,
		               d->sy);
	if (!is_block(d->block))
		return ic_fail(why, -EINVAL, "design '%.60s': a block is 1, 2, 4, 8, 16 or 32 wide, not b%u", text,
		               d->block);
	if (d->keep < 1 || d->keep > 2 * d->block - 1)
		return ic_fail(why, -EINVAL, "design '%.60s': with b%u, k is 1 to %u, not k%u", text, d->block,
		               2u * d->block - 1, d->keep);
	if (d->bits < 1 || d->bits > N_BITS)
		return ic_fail(why, -EINVAL, "design '%.60s': q is 1 to 8, not q%u", text, d->bits);
	if (d->chroma != IC_CHROMA_FULL && d->chroma != IC_CHROMA_HALF)
		return ic_fail(why, -EINVAL, "design '%.60s': chroma is c1 or c2, not c%u", text, d->chroma);
	return 0;
}

errint_t ic_design_parse(const char *text, struct ic_design *ret_design, struct ic_why *why)
{
	struct ic_design d = ic_design_default();
	const char *p = text;

	bool ok = take(&p, "s") && take_number(&p, &d.sx) && take(&p, "x") && take_number(&p, &d.sy) &&
	          take(&p, "-b") && take_number(&p, &d.block) && take(&p, "-k") && take_number(&p, &d.keep) &&
	          take(&p, "-q") && take_number(&p, &d.bits);
	if (ok && take(&p, "-c"))
		ok = take_number(&p, &d.chroma);
	if (ok && take(&p, "-f"))
		ok = take_name(&p, filter_names, 2, &d.filter);
	if (ok && take(&p, "-o"))
		ok = take_name(&p, order_names, 4, &d.order);
	if (!ok || *p)
		return ic_fail(why, -EINVAL,
		               "design '%.60s' is not of the form sXxY-bB-kK-qQ[-cC][-fdrop|-fbox][-oh|-ol|-ox|-oy], "
		               "such as s2x2-b8-k6-q8",
		               text);

	errint_t err = check_ranges(&d, text, why);
	if (err)
		return err;
	*ret_design = d;
	return 0;
}

size_t ic_design_print(const struct ic_design *d, char out[IC_DESIGN_STRING_SIZE])
{
	bool box = d->filter != IC_FILTER_DROP, ordered = d->order != IC_ORDER_HIGH;
	int n = snprintf(out, IC_DESIGN_STRING_SIZE, "s%ux%u-b%u-k%u-q%u%s%s%s%s%s", d->sx, d->sy, d->block, d->keep,
	                 d->bits, d->chroma == IC_CHROMA_HALF ? "" : "-c1", box ? "-f" : "",
	                 box ? filter_names[d->filter] : "", ordered ? "-o" : "", ordered ? order_names[d->order] : "");
	return (size_t)n;
}

/* --- The base space --------------------------------------------------------------------------------------------- */

errint_t ic_design_at(unsigned index, struct ic_design *ret_design)
{
	if (index >= IC_DESIGN_COUNT)
		return -EINVAL;
	struct ic_design d = ic_design_default();
	d.bits = (uint8_t)(index % N_BITS + 1);
	index /= N_BITS;
	unsigned keep = index % N_KEEPS, i = 0;
	index /= N_KEEPS;
	while (keep >= 2u * base_blocks[i] - 1)
		keep -= 2u * base_blocks[i++] - 1;
	d.block = base_blocks[i];
	d.keep = (uint8_t)(keep + 1);
	d.sy = samplings[index % N_SAMPLINGS];
	d.sx = samplings[index / N_SAMPLINGS];
	*ret_design = d;
	return 0;
}

static unsigned sampling_index(unsigned n)
{
	return n >> 1; /* 1, 2, 4 -> 0, 1, 2 */
}

int ic_design_index(const struct ic_design *d)
{
	if (!ic_design_is_base(d))
		return -EINVAL;
	unsigned keeps_before = 0;
	for (unsigned i = 0; base_blocks[i] < d->block; i++)
		keeps_before += 2u * base_blocks[i] - 1;
	unsigned sampling = sampling_index(d->sx) * N_SAMPLINGS + sampling_index(d->sy);
	return (int)((sampling * N_KEEPS + keeps_before + d->keep - 1) * N_BITS + d->bits - 1);
}

/* --- Comparing -------------------------------------------------------------------------------------------------- */

int ic_design_compare_density(const struct ic_design *a, const struct ic_design *b)
{
	/* Bits a source pixel: nfreqs / B^2 * Q / (X Y) * (1 + 2 / C^2), as a fraction. */
	uint64_t over[2], under[2];
	const struct ic_design *both[2] = {a, b};
	for (int i = 0; i < 2; i++) {
		const struct ic_design *d = both[i];
		uint64_t cc = (uint64_t)d->chroma * d->chroma;
		over[i] = (uint64_t)ic_design_nfreqs(d) * d->bits * (cc + 2);
		under[i] = (uint64_t)d->block * d->block * d->sx * d->sy * cc;
	}
	uint64_t left = over[0] * under[1], right = over[1] * under[0];
	return (left > right) - (left < right);
}
