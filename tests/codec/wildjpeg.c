/* SPDX-License-Identifier: MIT */
#include "wildjpeg.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX 60
#define NTABLES 4
#define CODE_BITS_MAX 16
#define RUN_MAX 15
#define ROOM (1 << 20) /* for any of them */

enum { M_SOF0 = 0xc0, M_SOF1 = 0xc1, M_DHT = 0xc4, M_RST0 = 0xd0, M_SOI = 0xd8, M_EOI = 0xd9, M_SOS = 0xda };
enum { M_DQT = 0xdb, M_DRI = 0xdd };

/* --- Bytes and bits ----------------------------------------------------------------------------------------------- */

struct out {
	uint8_t *bytes;
	size_t n;
	unsigned held, nheld; /* bits of the next byte */
};

static struct out out_new(void)
{
	struct out out = {.bytes = malloc(ROOM)};

	if (!out.bytes)
		abort();
	return out;
}

static void put8(struct out *out, unsigned byte)
{
	if (out->n == ROOM)
		abort();
	out->bytes[out->n++] = (uint8_t)byte;
}

static void put16(struct out *out, unsigned word)
{
	put8(out, word >> 8);
	put8(out, word);
}

static void put(struct out *out, const uint8_t *bytes, size_t nbytes)
{
	for (size_t i = 0; i < nbytes; i++)
		put8(out, bytes[i]);
}

static void put_marker(struct out *out, unsigned marker)
{
	put8(out, 0xff);
	put8(out, marker);
}

static void put_head(struct out *out, unsigned marker, unsigned payload_nbytes)
{
	put_marker(out, marker);
	put16(out, 2 + payload_nbytes);
}

static void put_bits(struct out *out, unsigned bits, unsigned nbits)
{
	while (nbits-- > 0) {
		out->held = out->held << 1 | (bits >> nbits & 1);
		if (++out->nheld < 8)
			continue;
		put8(out, out->held);
		if ((out->held & 0xff) == 0xff)
			put8(out, 0);
		out->nheld = 0;
	}
}

/* Decoders pass over what fills up a byte, ones or not. */
static void fill_byte(struct out *out, struct dice *dice)
{
	while (out->nheld)
		put_bits(out, dice_roll(dice, 2), 1);
}

/* --- Codes -------------------------------------------------------------------------------------------------------- */

struct table {
	uint8_t counts[CODE_BITS_MAX + 1];
	uint8_t symbols[256];
	uint16_t codes[256];
	uint8_t nbits[256]; /* of these codes */
	unsigned nsymbols;
};

/* Some symbols below `nvalues`, 0 among them: no difference of DC, or the end of a block. */
static void choose_symbols(struct table *table, struct dice *dice, unsigned nvalues)
{
	unsigned place = dice_roll(dice, table->nsymbols);

	for (unsigned i = 0; i < nvalues; i++)
		table->symbols[i] = (uint8_t)i;
	for (unsigned i = nvalues; i-- > 1;) {
		unsigned other = 1 + dice_roll(dice, i); /* 0 stays where it is */
		uint8_t symbol = table->symbols[i];

		table->symbols[i] = table->symbols[other];
		table->symbols[other] = symbol;
	}
	table->symbols[0] = table->symbols[place];
	table->symbols[place] = 0;
}

static struct table table_new(struct dice *dice, unsigned nvalues)
{
	struct table table = {.nsymbols = 0};
	unsigned code = 0, shortest = 1 + dice_roll(dice, CODE_BITS_MAX), most = 1 + dice_roll(dice, nvalues - 1);

	for (unsigned nbits = 1; nbits <= CODE_BITS_MAX; nbits++, code <<= 1) {
		unsigned room = (1u << nbits) - 1 - code, n = dice_roll(dice, 6); /* all ones is no code */

		n = nbits == CODE_BITS_MAX ? most : nbits < shortest ? 0 : n;
		n = n < room ? n : room;
		n = n < most - table.nsymbols ? n : most - table.nsymbols;
		table.counts[nbits] = (uint8_t)n;
		for (; n > 0; n--, code++, table.nsymbols++) {
			table.codes[table.nsymbols] = (uint16_t)code;
			table.nbits[table.nsymbols] = (uint8_t)nbits;
		}
	}
	choose_symbols(&table, dice, nvalues);
	return table;
}

static void put_table(struct out *out, unsigned class_and_number, const struct table *table)
{
	put_head(out, M_DHT, 17 + table->nsymbols);
	put8(out, class_and_number);
	put(out, table->counts + 1, CODE_BITS_MAX);
	put(out, table->symbols, table->nsymbols);
}

static unsigned place_of_0(const struct table *table)
{
	return (unsigned)((const uint8_t *)memchr(table->symbols, 0, table->nsymbols) - table->symbols);
}

/* --- Blocks ------------------------------------------------------------------------------------------------------- */

static void put_symbol(struct out *out, const struct table *table, unsigned place, unsigned value)
{
	put_bits(out, table->codes[place], table->nbits[place]);
	put_bits(out, value, table->symbols[place] & 15);
}

/* What the bits of a value stand for (ITU-T T.81, F.2.2.1). */
static int extended(unsigned value, unsigned nbits)
{
	return nbits == 0 || value >> (nbits - 1) ? (int)value : (int)value - (1 << nbits) + 1;
}

/* The sum of the differences stays within 16 bits. */
static void put_dc(struct out *out, struct dice *dice, const struct table *table, int *last_dc)
{
	unsigned place = dice_roll(dice, table->nsymbols), nbits = table->symbols[place];
	unsigned value = dice_roll(dice, 1u << nbits);
	int dc = *last_dc + extended(value, nbits);

	if (dc < INT16_MIN || dc > INT16_MAX) {
		place = place_of_0(table);
		value = 0;
		dc = *last_dc;
	}
	put_symbol(out, table, place, value);
	*last_dc = dc;
}

static void put_ac(struct out *out, struct dice *dice, const struct table *table)
{
	unsigned at = 0;

	while (at < 63) {
		unsigned place = dice_roll(dice, table->nsymbols), symbol = table->symbols[place];
		unsigned run = symbol >> 4, nbits = symbol & 15;

		if (at + run + 1 > 63 || dice_roll(dice, 8) == 0) {
			place = place_of_0(table);
			run = nbits = 0;
		}
		put_symbol(out, table, place, dice_roll(dice, 1u << nbits));
		at += nbits || run == RUN_MAX ? run + 1 : 63;
	}
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

struct wild {
	unsigned width, height, ncomponents, restart_interval;
	unsigned h[4], v[4], max_h, max_v, dc[4], ac[4]; /* sampling factors and numbers of tables */
	struct table tables[2][NTABLES];
	int last_dc[4];
};

static void choose_factors(struct wild *wild, struct dice *dice, unsigned blocks_in_mcu_max)
{
	unsigned most = dice_roll(dice, 3) ? 2 : 4, in_mcu = UINT_MAX;

	while (in_mcu > blocks_in_mcu_max) {
		in_mcu = wild->max_h = wild->max_v = 0;
		for (unsigned c = 0; c < wild->ncomponents; c++) {
			wild->h[c] = 1 + dice_roll(dice, most);
			wild->v[c] = 1 + dice_roll(dice, most);
			wild->max_h = wild->h[c] > wild->max_h ? wild->h[c] : wild->max_h;
			wild->max_v = wild->v[c] > wild->max_v ? wild->v[c] : wild->max_v;
			in_mcu += wild->ncomponents == 1 ? 1 : wild->h[c] * wild->v[c];
		}
	}
}

static struct wild choose(struct dice *dice, unsigned blocks_in_mcu_max)
{
	static const unsigned components[] = {1, 3, 3, 4};
	struct wild wild = {
	        .width = 1 + dice_roll(dice, SIDE_MAX),
	        .height = 1 + dice_roll(dice, SIDE_MAX),
	        .ncomponents = components[dice_roll(dice, 4)],
	        .restart_interval = dice_roll(dice, 2) ? 0 : 1 + dice_roll(dice, 12),
	};

	choose_factors(&wild, dice, blocks_in_mcu_max);
	for (unsigned i = 0; i < NTABLES; i++) {
		wild.tables[0][i] = table_new(dice, 16);
		wild.tables[1][i] = table_new(dice, 256);
		wild.dc[i] = dice_roll(dice, NTABLES);
		wild.ac[i] = dice_roll(dice, NTABLES);
	}
	return wild;
}

static void put_steps(struct out *out, struct dice *dice, unsigned number)
{
	bool wide = dice_roll(dice, 4) == 0;

	put_head(out, M_DQT, wide ? 129 : 65);
	put8(out, (unsigned)wide << 4 | number);
	for (unsigned i = 0; i < 64; i++)
		(wide ? put16 : put8)(out, dice_roll(dice, wide ? 65536 : 256));
}

static void put_header(struct out *out, struct dice *dice, const struct wild *wild)
{
	put_marker(out, M_SOI);
	for (unsigned i = 0; i < 4; i++)
		put_steps(out, dice, i);
	put_head(out, dice_roll(dice, 2) ? M_SOF0 : M_SOF1, 6 + 3 * wild->ncomponents);
	put8(out, 8);
	put16(out, wild->height);
	put16(out, wild->width);
	put8(out, wild->ncomponents);
	for (unsigned c = 0; c < wild->ncomponents; c++) {
		put8(out, c + 1);
		put8(out, wild->h[c] << 4 | wild->v[c]);
		put8(out, dice_roll(dice, 4));
	}
	for (unsigned i = 0; i < 2 * NTABLES; i++)
		put_table(out, i / NTABLES << 4 | i % NTABLES, &wild->tables[i / NTABLES][i % NTABLES]);
	put_head(out, M_DRI, 2);
	put16(out, wild->restart_interval);
	put_head(out, M_SOS, 4 + 2 * wild->ncomponents);
	put8(out, wild->ncomponents);
	for (unsigned c = 0; c < wild->ncomponents; c++) {
		put8(out, c + 1);
		put8(out, wild->dc[c] << 4 | wild->ac[c]);
	}
	put8(out, 0);
	put16(out, 63 << 8);
}

/* Behind as many fill bytes as there happen to be. */
static void put_restart(struct out *out, struct dice *dice, struct wild *wild, unsigned number)
{
	fill_byte(out, dice);
	for (unsigned n = dice_roll(dice, 3); n > 0; n--)
		put8(out, 0xff);
	put_marker(out, M_RST0 + number % 8);
	memset(wild->last_dc, 0, sizeof(wild->last_dc));
}

static void put_mcu(struct out *out, struct dice *dice, struct wild *wild)
{
	for (unsigned c = 0; c < wild->ncomponents; c++) {
		unsigned nblocks = wild->ncomponents == 1 ? 1 : wild->h[c] * wild->v[c];

		for (unsigned i = 0; i < nblocks; i++) {
			put_dc(out, dice, &wild->tables[0][wild->dc[c]], &wild->last_dc[c]);
			put_ac(out, dice, &wild->tables[1][wild->ac[c]]);
		}
	}
}

static unsigned mcus(const struct wild *wild)
{
	unsigned width = 8 * (wild->ncomponents == 1 ? 1 : wild->max_h);
	unsigned height = 8 * (wild->ncomponents == 1 ? 1 : wild->max_v);

	return ((wild->width + width - 1) / width) * ((wild->height + height - 1) / height);
}

struct bytes wildjpeg_new(struct dice *dice, unsigned blocks_in_mcu_max)
{
	struct wild wild = choose(dice, blocks_in_mcu_max);
	struct out out = out_new();
	unsigned interval = wild.restart_interval;

	put_header(&out, dice, &wild);
	for (unsigned mcu = 0; mcu < mcus(&wild); mcu++) {
		if (interval && mcu && mcu % interval == 0)
			put_restart(&out, dice, &wild, mcu / interval - 1);
		put_mcu(&out, dice, &wild);
	}
	fill_byte(&out, dice);
	put_marker(&out, M_EOI);
	return (struct bytes){out.bytes, out.n};
}

static void put_code(struct out *out, unsigned class_and_number, struct wildjpeg_code code)
{
	struct table table = {.counts = {0}, .symbols = {code.symbol}, .nsymbols = 1};

	table.counts[code.nbits] = 1;
	put_table(out, class_and_number, &table);
}

struct bytes wildjpeg_column(uint8_t nblocks, struct wildjpeg_code dc, struct wildjpeg_code ac, struct bytes data)
{
	const uint8_t frame[] = {8, 0, (uint8_t)(8 * nblocks), 0, 8, 1, 1, 0x11, 0}, scan[] = {1, 1, 0, 0, 63, 0};
	struct out out = out_new();

	put_marker(&out, M_SOI);
	put_head(&out, M_DQT, 65);
	for (unsigned i = 0; i < 65; i++)
		put8(&out, i > 0);
	put_head(&out, M_SOF0, sizeof(frame));
	put(&out, frame, sizeof(frame));
	put_code(&out, 0x00, dc);
	put_code(&out, 0x10, ac);
	put_head(&out, M_SOS, sizeof(scan));
	put(&out, scan, sizeof(scan));
	put(&out, data.data, data.nbytes);
	put_marker(&out, M_EOI);
	return (struct bytes){out.bytes, out.n};
}
