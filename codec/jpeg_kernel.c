/* SPDX-License-Identifier: MIT */
/*
 * Compiled once for each instruction set, under the name JPEG_KERNEL; with JPEG_KERNEL_PLAIN for any machine.
 *
 * A block's symbols are as many as it has coefficients that are not 0, which no branch foresees. So the places of those are
 * listed first, those of many blocks one after the other, and symbols are made of the list, a register at a time, as if
 * there were no blocks.
 */
#include "codec/jpeg_kernel_priv.h"

#include "codec/jpeg_bits_priv.h"
#include "codec/nonzero_priv.h"

#include <stdbool.h>
#include <string.h>
#if defined(__SSSE3__)
#include <immintrin.h>
#elif defined(__AARCH64EL__) && !defined(JPEG_KERNEL_PLAIN)
#include <arm_neon.h>
#endif

#define NCOEFS 64

/* --- Planes to blocks --------------------------------------------------------------------------------------------- */

/* Pieces of 8 blocks; numbers are interleaved within each, as x86 has it. */
#if defined(__AVX2__)
#define NBLOCKS 16
#define INTERLEAVE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27
#define INTERLEAVE_HIGH 4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15, 31
#else
#define NBLOCKS 8
#define INTERLEAVE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define INTERLEAVE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#endif

typedef int8_t codes8 __attribute__((vector_size(NBLOCKS)));
typedef int16_t codes16 __attribute__((vector_size(2 * NBLOCKS)));

static inline codes16 widen(const int8_t *codes)
{
#if defined(__AVX2__)
	return (codes16)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)codes));
#else
	codes8 narrow;
	memcpy(&narrow, codes, sizeof narrow);
	return __builtin_convertvector(narrow, codes16);
#endif
}

/* Eight places of NBLOCKS blocks. Three rounds of interleaving place i with place i + 4. */
static inline void scatter(codes16 places[JPEG_KERNEL_PLACES], int16_t (*blocks)[NCOEFS], unsigned at)
{
	codes16 s[JPEG_KERNEL_PLACES];
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 4; i++) {
			s[2 * i] = __builtin_shufflevector(places[i], places[i + 4], INTERLEAVE_LOW);
			s[2 * i + 1] = __builtin_shufflevector(places[i], places[i + 4], INTERLEAVE_HIGH);
		}
		memcpy(places, s, sizeof s);
	}
	for (unsigned i = 0; i < NBLOCKS; i++)
		memcpy(blocks[i] + at, (const int16_t *)&places[i % 8] + i / 8 * 8, 8 * sizeof(int16_t));
}

static void gather8(const int8_t *const codes[JPEG_KERNEL_PLACES], size_t n, int16_t (*blocks)[NCOEFS], unsigned at)
{
	for (size_t block = 0; block < n; block += NBLOCKS) {
		codes16 places[JPEG_KERNEL_PLACES];
		for (unsigned i = 0; i < JPEG_KERNEL_PLACES; i++)
			places[i] = widen(codes[i] + block);
		scatter(places, blocks + block, at);
	}
}

static void gather16(const int16_t *const codes[JPEG_KERNEL_PLACES], size_t n, int16_t (*blocks)[NCOEFS], unsigned at)
{
	for (size_t block = 0; block < n; block += NBLOCKS) {
		codes16 places[JPEG_KERNEL_PLACES];
		for (unsigned i = 0; i < JPEG_KERNEL_PLACES; i++)
			memcpy(&places[i], codes[i] + block, sizeof places[i]);
		scatter(places, blocks + block, at);
	}
}

/* --- The places that have a symbol -------------------------------------------------------------------------------- */

#if defined(__AVX512BW__)
static inline uint64_t nonzero_of(const int16_t block[NCOEFS])
{
	__m512i low = _mm512_loadu_si512(block), high = _mm512_loadu_si512(block + 32);
	return (uint64_t)_mm512_test_epi16_mask(high, high) << 32 | _mm512_test_epi16_mask(low, low);
}
#elif defined(__AVX2__)
static inline uint32_t zeros_of_half(const int16_t half[32])
{
	__m256i low = _mm256_loadu_si256((const __m256i *)half);
	__m256i high = _mm256_loadu_si256((const __m256i *)(half + 16));
	__m256i narrow = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8); /* saturated: only 0 is 0 */
	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(narrow, _mm256_setzero_si256()));
}

static inline uint64_t nonzero_of(const int16_t block[NCOEFS])
{
	return ~((uint64_t)zeros_of_half(block + 32) << 32 | zeros_of_half(block));
}
#else
#define nonzero_of nonzero
#endif

#define MASKS_AT_ONCE 8

/* Whether any has sixteen zeros below a one. */
static inline bool have_zero_runs(const uint64_t masks[MASKS_AT_ONCE])
{
	uint64_t gaps = 0;
	for (unsigned i = 0; i < MASKS_AT_ONCE; i++) {
		/* In the end, at each place, whether there is a one there or at the next fifteen. */
		uint64_t near = masks[i];
		for (unsigned n = 1; n < 16; n *= 2)
			near |= near >> n;
		gaps |= near & (near + 1); /* nothing, where ones fill it up to the last of them */
	}
	return gaps;
}

/* Sixteen zeros before a coefficient have a symbol of their own, of run 15 and size 0, which is what the last of them gets
 * as a coefficient. Bit 0 is set. */
static inline uint64_t with_zero_runs(uint64_t mask)
{
	for (;;) {
		uint64_t runs = ~mask; /* those that begin at a place, in the end: of 2, 4, 8, 16 zeros */
		for (unsigned n = 1; n < 16; n *= 2)
			runs &= runs >> n;
		runs &= ((uint64_t)1 << (63 - __builtin_clzll(mask))) - 1;
		if (!runs)
			return mask;
		mask |= (runs & -runs) << 15;
	}
}

static void find_places(struct jpeg_mcu_blocks *of)
{
	size_t n = (size_t)of->nrows * of->ncols;
	for (size_t i = 0; i < n; i += MASKS_AT_ONCE) {
		uint64_t *places = of->places + i;
		for (unsigned j = 0; j < MASKS_AT_ONCE; j++)
			places[j] = nonzero_of(of->blocks[i + j]) | 1;
		if (have_zero_runs(places))
			for (unsigned j = 0; j < MASKS_AT_ONCE; j++)
				places[j] = with_zero_runs(places[j]);
	}
}

/* --- Blocks to a list of places ----------------------------------------------------------------------------------- */

#define AT_ONCE_MAX 32 /* that are written or read together, and so up to one less behind the last */
#define PLACES_MAX 2048
#define MCU_PLACES_MAX (6 * NCOEFS)

/* A place is listed for each symbol. */
#define AT_END NCOEFS          /* the end of a block that ends in zeros */
#define AT_CHROMA (2 * NCOEFS) /* added to places of chroma */

struct list {
	uint16_t at[1 + PLACES_MAX + AT_ONCE_MAX]; /* from 1 on, so that each has one before it */
	int16_t value[1 + PLACES_MAX + AT_ONCE_MAX];
	size_t end;
};

#if defined(__AVX512VBMI2__)
static inline size_t list_half(struct list *list, size_t end, const int16_t block[32], __m512i at, uint32_t mask)
{
	_mm512_storeu_si512(list->value + end, _mm512_maskz_compress_epi16(mask, _mm512_loadu_si512(block)));
	_mm512_storeu_si512(list->at + end, _mm512_maskz_compress_epi16(mask, at));
	return end + (unsigned)__builtin_popcount(mask);
}

static inline size_t list_masked(struct list *list, const int16_t block[NCOEFS], unsigned first, uint64_t mask)
{
	static const uint16_t count[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
	                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
	__m512i at = _mm512_add_epi16(_mm512_loadu_si512(count), _mm512_set1_epi16((short)first));
	size_t end = list_half(list, list->end, block, at, (uint32_t)mask);
	return list_half(list, end, block + 32, _mm512_add_epi16(at, _mm512_set1_epi16(32)), (uint32_t)(mask >> 32));
}
#elif !defined(JPEG_KERNEL_PLAIN) && (defined(__SSSE3__) || defined(__AARCH64EL__))
typedef uint16_t eight __attribute__((vector_size(16)));

/* Bytes of the numbers, of eight, that a mask has, one after the other: a row for each mask of the first seven. The last of
 * the eight stands behind those, whether it is wanted or not. */
#define NUMBER_0(i)
#define NUMBER_1(i) 2 * (i), 2 * (i) + 1,
#define ROW(g, f, e, d, c, b, a)                                                                                       \
	{NUMBER_##a(0) NUMBER_##b(1) NUMBER_##c(2) NUMBER_##d(3) NUMBER_##e(4) NUMBER_##f(5) NUMBER_##g(6) 14, 15},
#define ROWS_2(...) ROW(__VA_ARGS__, 0) ROW(__VA_ARGS__, 1)
#define ROWS_4(...) ROWS_2(__VA_ARGS__, 0) ROWS_2(__VA_ARGS__, 1)
#define ROWS_8(...) ROWS_4(__VA_ARGS__, 0) ROWS_4(__VA_ARGS__, 1)
#define ROWS_16(...) ROWS_8(__VA_ARGS__, 0) ROWS_8(__VA_ARGS__, 1)
#define ROWS_32(...) ROWS_16(__VA_ARGS__, 0) ROWS_16(__VA_ARGS__, 1)
#define ROWS_64(...) ROWS_32(__VA_ARGS__, 0) ROWS_32(__VA_ARGS__, 1)
static const uint8_t bytes_of_mask[128][16] = {ROWS_64(0) ROWS_64(1)};

static inline eight pick(eight numbers, uint64_t mask)
{
#if defined(__SSSE3__)
	return (eight)_mm_shuffle_epi8((__m128i)numbers, _mm_loadu_si128((const __m128i *)bytes_of_mask[mask % 128]));
#else
	return (eight)vqtbl1q_u8((uint8x16_t)numbers, vld1q_u8(bytes_of_mask[mask % 128]));
#endif
}

static inline size_t list_masked(struct list *list, const int16_t block[NCOEFS], unsigned first, uint64_t mask)
{
	size_t end = list->end;
	eight at = (eight){0, 1, 2, 3, 4, 5, 6, 7} + (uint16_t)first;
	for (; mask; mask >>= 8, block += 8, at += 8) {
		eight values, places = pick(at, mask);
		memcpy(&values, block, sizeof values);
		values = pick(values, mask);
		memcpy(list->value + end, &values, sizeof values);
		memcpy(list->at + end, &places, sizeof places);
		end += (unsigned)__builtin_popcount(mask % 256);
	}
	return end;
}
#else
static inline size_t list_masked(struct list *list, const int16_t block[NCOEFS], unsigned first, uint64_t mask)
{
	size_t end = list->end;
	for (; mask; mask &= mask - 1, end++) {
		unsigned place = (unsigned)__builtin_ctzll(mask);
		list->at[end] = (uint16_t)(first + place);
		list->value[end] = block[place];
	}
	return end;
}
#endif

/* A block whose DC differs by `dc` from the one before. */
static inline void list_block(struct list *list, const int16_t block[NCOEFS], uint64_t mask, int dc, unsigned first)
{
	size_t begin = list->end, end = list_masked(list, block, first, mask);
	list->value[begin] = (int16_t)dc;
	list->at[end] = (uint16_t)(first + AT_END);
	list->value[end] = 0;
	list->end = end + !(mask >> 63);
}

/* --- The list to symbols ------------------------------------------------------------------------------------------ */

#if defined(__AVX512BW__)
#define AT_ONCE 32
#elif defined(__AVX2__)
#define AT_ONCE 16
#else
#define AT_ONCE 8
#endif

typedef uint16_t numbers __attribute__((vector_size(2 * AT_ONCE)));
typedef int16_t signed_numbers __attribute__((vector_size(2 * AT_ONCE)));

static inline numbers load(const void *p)
{
	numbers n;
	memcpy(&n, p, sizeof n);
	return n;
}

static inline numbers count_ones(numbers n)
{
	n -= n >> 1 & 0x5555;
	n = (n & 0x3333) + (n >> 2 & 0x3333);
	n = (n + (n >> 4)) & 0x0f0f;
	return (n + (n >> 8)) & 0x001f;
}

/* A value's size is the number of its bits; what follows its code is as many bits of itself, or, where it is negative, of one
 * less (T.81, F.1.2.1). */
static inline void make_symbols(const uint16_t *places, const int16_t *values, uint16_t *symbols, uint16_t *bits)
{
	numbers value = load(values), sign = (numbers)((signed_numbers)value >> 15);
	numbers ones = (value ^ sign) - sign; /* in the end as many as the size */
	for (int n = 1; n < 16; n *= 2)
		ones |= ones >> n;
	numbers follow = (value + sign) & ones;

	numbers at = load(places), before = load(places - 1), is_chroma = at / AT_CHROMA;
	numbers run = (at - before - 1) & (numbers)(at % AT_END != 0);
	numbers table = is_chroma * JPEG_TABLE_CHROMA + (1 & (numbers)(at % AT_CHROMA != 0));
	numbers symbol = table << 8 | run << 4 | count_ones(ones);
	memcpy(bits, &follow, sizeof follow);
	memcpy(symbols, &symbol, sizeof symbol);
}

static void append_list(struct jpeg_symbols *symbols, struct list *list)
{
	for (size_t i = 1; i < list->end; i += AT_ONCE)
		make_symbols(list->at + i, list->value + i, symbols->symbols + symbols->n + i - 1,
		             symbols->bits + symbols->n + i - 1);
	symbols->n += list->end - 1;
	list->end = 1;
}

/* --- A row of MCUs ------------------------------------------------------------------------------------------------ */

/* The blocks of one component in an MCU. Those that only fill it up nobody sees: they are the cheapest there are. */
static inline void list_unit(struct list *list, struct jpeg_mcu_blocks *of, uint32_t mcu, unsigned first)
{
	static const int16_t filler[NCOEFS] = {0};
	for (uint32_t row = 0; row < of->factor; row++) {
		for (uint32_t col = mcu * of->factor; col < (mcu + 1) * of->factor; col++) {
			bool is_seen = col < of->ncols && row < of->nrows;
			size_t i = (size_t)row * of->ncols + col;
			const int16_t *block = is_seen ? of->blocks[i] : filler;
			int dc = is_seen ? block[0] : of->last_dc;
			list_block(list, block, is_seen ? of->places[i] : 1, dc - of->last_dc, first);
			of->last_dc = dc;
		}
	}
}

static void append(struct jpeg_symbols *symbols, struct jpeg_mcu_row *row)
{
	struct list list; /* of which only what is listed matters */
	list.at[0] = 0;
	list.end = 1;
	for (unsigned c = 0; c < row->ncomponents; c++)
		find_places(&row->component[c]);
	for (uint32_t mcu = 0; mcu < row->nmcus; mcu++) {
		for (unsigned c = 0; c < row->ncomponents; c++)
			list_unit(&list, &row->component[c], mcu, c == 0 ? 0 : AT_CHROMA);
		if (list.end > PLACES_MAX - MCU_PLACES_MAX)
			append_list(symbols, &list);
	}
	append_list(symbols, &list);
}

const struct jpeg_kernel JPEG_KERNEL = {JPEG_KERNEL_LABEL, gather8, gather16, append, jpeg_write_bits};
