/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_scan_priv.h"

#include "codec/jpeg_huffman_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#define BLOCK_SIZE 64
#define LAST (BLOCK_SIZE - 1)

#define SYMBOL_BITS_MAX (HUFFMAN_CODE_BITS_MAX + 15) /* a code and its value */
/* Zeros behind the data: what one block of them may take, and what is loaded ahead. */
#define PADDING (BLOCK_SIZE * SYMBOL_BITS_MAX / 8 + 16)

#define INLINE static inline __attribute__((always_inline))
#define unlikely(condition) __builtin_expect(condition, 0)

/* v * 8 + u of each place in the order of coding (ITU-T T.81, figure A.6). */
static const uint8_t zigzag[BLOCK_SIZE] = {
        0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
        41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
        30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

struct bit_reader {
	uint64_t bits;       /* the next ones, from the highest bit down; beyond `nbits` they are 0 or right */
	unsigned nbits;      /* of which so many count */
	const uint8_t *next; /* to be loaded */
	const uint8_t *end;  /* PADDING zeros are behind it */
};

struct scan_component {
	unsigned h, v;         /* blocks in an MCU */
	size_t stride;         /* blocks from row to row */
	int16_t (*blocks)[64]; /* v rows of them */
	const struct huffman_table *dc, *ac;
	int32_t last_dc;
};

struct jpeg_scan {
	struct huffman_table tables[2][NUM_HUFF_TBLS]; /* by enum huffman_class */
	unsigned ncomponents;
	unsigned order[MAX_COMPS_IN_SCAN]; /* of the components in an MCU */
	struct scan_component component[MAX_COMPS_IN_SCAN];
	uint32_t mcus_per_row;
	uint32_t restart_interval; /* MCUs; 0 for none */
	uint32_t restart_left;     /* MCUs until the next one */
	unsigned nrestarts;
	struct bit_reader reader;
	const uint8_t *source, *source_end; /* not yet taken */
	uint8_t *segment;                   /* data up to a marker, without the stuffed zeros */
	uint8_t marker;                     /* the one behind the segment; 0 where there is none */
	void *blocks;
};

/* --- Bits --------------------------------------------------------------------------------------------------------- */

INLINE uint64_t load_be64(const uint8_t *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* Have 56 bits at least. The address does not depend on the bits taken since the last time, so that no one waits for the
 * load (F. Giesen, "Reading bits in far too many ways", part 2, variant 4). */
INLINE void refill(struct bit_reader *r)
{
	r->bits |= load_be64(r->next) >> r->nbits;
	r->next += (63 - r->nbits) >> 3;
	r->nbits |= 56;
}

/* No farther than what the end of the data may bring: the rest of the block is within the padding. */
INLINE bool is_within(const struct bit_reader *r)
{
	return r->next - r->end <= 7;
}

INLINE huffman_entry next_entry(const struct bit_reader *r, const struct huffman_table *table)
{
	huffman_entry entry = table->lookup[r->bits >> (64 - HUFFMAN_LOOKUP_BITS)];
	if (unlikely(!entry))
		entry = huffman_long_code(table, (uint32_t)(r->bits >> (64 - HUFFMAN_CODE_BITS_MAX)));
	return entry;
}

/* Take a symbol's code and value; the value, whose bits are inverted where it is negative (T.81, F.2.2.1). Without a
 * branch, and so that the next symbol waits for one shift alone. */
INLINE int32_t take_value(struct bit_reader *r, huffman_entry entry)
{
	uint64_t value = r->bits << (entry >> 24);
	uint64_t sign = (value >> 63) - 1; /* all ones for a negative value */
	int32_t magnitude = (int32_t)((value ^ sign) >> 1 >> (entry >> 8 & 63));
	r->bits <<= entry & 63;
	r->nbits -= entry & 63;
	return (magnitude ^ (int32_t)sign) - (int32_t)sign;
}

/* --- Blocks ------------------------------------------------------------------------------------------------------- */

INLINE void clear(int16_t block[BLOCK_SIZE])
{
	typedef int16_t lanes __attribute__((vector_size(16), may_alias));
	for (unsigned i = 0; i < BLOCK_SIZE; i += 8) /* a call of memset costs more */
		*(lanes *)(block + i) = (lanes){0};
}

INLINE bool decode_dc(struct bit_reader *r, struct scan_component *component, int16_t *dc)
{
	huffman_entry entry = next_entry(r, component->dc);
	component->last_dc += take_value(r, entry);
	*dc = (int16_t)component->last_dc;
	return *dc == component->last_dc && huffman_forward(entry) != HUFFMAN_NO_CODE;
}

/* Go forward from place `at` to the next coefficient. False where the block ends. */
INLINE bool decode_ac(struct bit_reader *r, const struct huffman_table *table, unsigned *at, int16_t *block)
{
	if (unlikely(r->nbits < SYMBOL_BITS_MAX))
		refill(r);
	huffman_entry entry = next_entry(r, table);
	*at += huffman_forward(entry);
	int32_t value = take_value(r, entry);
	if (*at < LAST) {
		block[zigzag[*at]] = (int16_t)value;
		return true;
	}
	if (*at == LAST)
		block[LAST] = (int16_t)value;
	return false;
}

/* Three symbols rarely take more than the bits that one load brings; that they are tried for anew before each of the
 * three is a branch that goes one way. */
INLINE bool decode_block(struct bit_reader *reader, struct scan_component *component, int16_t block[BLOCK_SIZE])
{
	const struct huffman_table *ac = component->ac;
	struct bit_reader r = *reader;
	unsigned at = 0;
	clear(block);
	refill(&r);
	if (unlikely(!decode_dc(&r, component, block)))
		return false;
	do {
		refill(&r);
	} while (decode_ac(&r, ac, &at, block) && decode_ac(&r, ac, &at, block) && decode_ac(&r, ac, &at, block));
	*reader = r;
	/* A run of zeros past the end, or no code at all, lands elsewhere. */
	bool is_whole = at == LAST || (at >= HUFFMAN_END_OF_BLOCK && at < HUFFMAN_END_OF_BLOCK + BLOCK_SIZE);
	return is_whole && is_within(&r);
}

static bool decode_mcu(struct jpeg_scan *scan, uint32_t mcu)
{
	for (unsigned i = 0; i < scan->ncomponents; i++) {
		struct scan_component *component = &scan->component[scan->order[i]];
		for (unsigned y = 0; y < component->v; y++) {
			int16_t(*row)[64] = component->blocks + y * component->stride + (size_t)mcu * component->h;
			for (unsigned x = 0; x < component->h; x++) {
				if (!decode_block(&scan->reader, component, row[x]))
					return false;
			}
		}
	}
	return true;
}

/* --- Segments: what lies between markers ---------------------------------------------------------------------------- */

/* Take the marker that `source` is at, behind any number of fill bytes. */
static void take_marker(struct jpeg_scan *scan)
{
	scan->marker = 0;
	while (scan->source < scan->source_end && *scan->source == 0xff)
		scan->source++;
	if (scan->source < scan->source_end)
		scan->marker = *scan->source++;
}

/* Take the data up to the next marker, without the zeros stuffed in behind bytes of 0xff. */
static void take_segment(struct jpeg_scan *scan)
{
	uint8_t *out = scan->segment;
	const uint8_t *in = scan->source, *end = scan->source_end;
	while (in < end) {
		const uint8_t *ff = memchr(in, 0xff, (size_t)(end - in));
		size_t n = (size_t)((ff ? ff : end) - in);
		memcpy(out, in, n);
		out += n;
		in += n;
		if (end - in < 2 || in[1] != 0)
			break;
		*out++ = 0xff;
		in += 2;
	}
	memset(out, 0, PADDING);
	scan->source = in;
	scan->reader = (struct bit_reader){.next = scan->segment, .end = out};
	take_marker(scan);
}

/* Bits of the segment that were not wanted yet; fewer than none where more were wanted than it has. */
static int64_t bits_left(const struct bit_reader *r)
{
	return (r->end - r->next) * 8 + (int64_t)r->nbits;
}

/* Its bits were all wanted, but for those that fill up its last byte. */
static bool is_used_up(const struct bit_reader *r)
{
	return bits_left(r) >= 0 && bits_left(r) < 8;
}

static bool restart(struct jpeg_scan *scan)
{
	if (!is_used_up(&scan->reader) || scan->marker != JPEG_RST0 + scan->nrestarts++ % 8)
		return false;
	for (unsigned c = 0; c < scan->ncomponents; c++)
		scan->component[c].last_dc = 0;
	scan->restart_left = scan->restart_interval;
	take_segment(scan);
	return true;
}

bool jpeg_scan_next(struct jpeg_scan *scan)
{
	for (uint32_t mcu = 0; mcu < scan->mcus_per_row; mcu++) {
		if (scan->restart_interval && scan->restart_left == 0 && !restart(scan))
			return false;
		if (!decode_mcu(scan, mcu))
			return false;
		scan->restart_left--;
	}
	return bits_left(&scan->reader) >= 0; /* what lies behind the data decodes to something else with libjpeg */
}

bool jpeg_scan_met_damage(const struct jpeg_scan *scan)
{
	bool awaits_restart = scan->restart_interval && scan->restart_left == 0;
	return !awaits_restart && bits_left(&scan->reader) >= SYMBOL_BITS_MAX; /* else they ended in a symbol */
}

const int16_t (*jpeg_scan_blocks(const struct jpeg_scan *scan, unsigned component, unsigned row))[64]
{
	const struct scan_component *c = &scan->component[component];
	return (const int16_t(*)[64])c->blocks + row * c->stride;
}

bool jpeg_scan_ends_well(const struct jpeg_scan *scan)
{
	return is_used_up(&scan->reader) && scan->marker == JPEG_EOI;
}

/* --- From libjpeg's view of the header ---------------------------------------------------------------------------- */

static bool is_supported(const struct jpeg_decompress_struct *jpeg)
{
	return !jpeg->progressive_mode && !jpeg->arith_code && jpeg->data_precision == 8 &&
	       jpeg->comps_in_scan == jpeg->num_components && jpeg->num_components <= MAX_COMPS_IN_SCAN &&
	       jpeg->Ss == 0 && jpeg->Se == BLOCK_SIZE - 1 && jpeg->Ah == 0 && jpeg->Al == 0;
}

static bool set_table(struct jpeg_scan *scan, enum huffman_class class, JHUFF_TBL *const tables[], int index,
                      const struct huffman_table **ret)
{
	if (index < 0 || index >= NUM_HUFF_TBLS || !tables[index])
		return false;
	*ret = &scan->tables[class][index];
	return huffman_table_init(&scan->tables[class][index], class, tables[index]->bits, tables[index]->huffval);
}

/* A component that is alone in its scan has MCUs of one block (T.81, A.2.2). */
static bool set_components(struct jpeg_scan *scan, const struct jpeg_decompress_struct *jpeg)
{
	bool alone = jpeg->num_components == 1;
	unsigned in_mcu = 0;
	for (int i = 0; i < jpeg->num_components; i++) {
		const jpeg_component_info *info = jpeg->cur_comp_info[i];
		struct scan_component *c = &scan->component[info->component_index];
		scan->order[i] = (unsigned)info->component_index;
		c->h = alone ? 1 : (unsigned)info->h_samp_factor;
		c->v = alone ? 1 : (unsigned)info->v_samp_factor;
		c->stride = (size_t)scan->mcus_per_row * c->h;
		in_mcu += c->h * c->v;
		if (info->quant_tbl_no < 0 || info->quant_tbl_no >= NUM_QUANT_TBLS ||
		    !jpeg->quant_tbl_ptrs[info->quant_tbl_no] ||
		    !set_table(scan, HUFFMAN_DC, jpeg->dc_huff_tbl_ptrs, info->dc_tbl_no, &c->dc) ||
		    !set_table(scan, HUFFMAN_AC, jpeg->ac_huff_tbl_ptrs, info->ac_tbl_no, &c->ac))
			return false;
	}
	return in_mcu <= D_MAX_BLOCKS_IN_MCU;
}

/* Data that take more bytes than their coefficients do are no picture's. */
static void limit_source(struct jpeg_scan *scan, size_t ncoefs)
{
	size_t most = ncoefs * sizeof(int16_t);
	if ((size_t)(scan->source_end - scan->source) > most)
		scan->source_end = scan->source + most;
}

static bool set_memory(struct jpeg_scan *scan, uint32_t mcu_rows)
{
	size_t nblocks = 0;
	for (unsigned c = 0; c < scan->ncomponents; c++)
		nblocks += scan->component[c].stride * scan->component[c].v;
	limit_source(scan, nblocks * BLOCK_SIZE * mcu_rows);
	scan->segment = malloc((size_t)(scan->source_end - scan->source) + PADDING);
	scan->blocks = malloc(nblocks * BLOCK_SIZE * sizeof(int16_t));
	int16_t(*blocks)[64] = scan->blocks;
	for (unsigned c = 0; c < scan->ncomponents && blocks; c++) {
		scan->component[c].blocks = blocks;
		blocks += scan->component[c].stride * scan->component[c].v;
	}
	return scan->segment && scan->blocks;
}

struct jpeg_scan *jpeg_scan_new(const struct jpeg_decompress_struct *jpeg)
{
	struct jpeg_scan *scan = is_supported(jpeg) ? calloc(1, sizeof *scan) : NULL;
	if (!scan)
		return NULL;
	scan->ncomponents = (unsigned)jpeg->num_components;
	scan->mcus_per_row = jpeg_mcus(jpeg->image_width, jpeg->max_h_samp_factor, jpeg->num_components);
	scan->restart_interval = scan->restart_left = jpeg->restart_interval;
	scan->source = jpeg->src->next_input_byte;
	scan->source_end = scan->source + jpeg->src->bytes_in_buffer;
	uint32_t mcu_rows = jpeg_mcus(jpeg->image_height, jpeg->max_v_samp_factor, jpeg->num_components);
	if (!set_components(scan, jpeg) || !set_memory(scan, mcu_rows)) {
		jpeg_scan_free(scan);
		return NULL;
	}
	take_segment(scan);
	return scan;
}

void jpeg_scan_free(struct jpeg_scan *scan)
{
	if (!scan)
		return;
	free(scan->segment);
	free(scan->blocks);
	free(scan);
}
