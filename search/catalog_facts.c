/* SPDX-License-Identifier: MIT */
#include "search/catalog_priv.h"

#include "codec/format.h"

#include <errno.h>

#define NCOLORS (IC_JPEG_YCCK + 1)

static uint32_t pack_factors(const struct ic_jpeg_info *info)
{
	uint32_t factors = 0;
	for (unsigned c = 0; c < 4; c++)
		factors = factors << 8 | (c < info->ncomponents ? (uint32_t)info->h[c] << 4 | info->v[c] : 0);
	return factors;
}

/* False for factors that no JPEG has. */
static bool unpack_factors(uint32_t factors, struct ic_jpeg_info *info)
{
	for (unsigned c = 0; c < 4; c++) {
		uint8_t both = (uint8_t)(factors >> (24 - 8 * c));
		bool is_used = c < info->ncomponents;
		info->h[c] = both >> 4;
		info->v[c] = both & 15;
		if (is_used ? !info->h[c] || info->h[c] > 4 || !info->v[c] || info->v[c] > 4 : both)
			return false;
	}
	return true;
}

void catalog_bind_facts(sqlite3_stmt *statement, int first, const struct catalog_facts *facts)
{
	const struct ic_jpeg_info *info = &facts->info;
	const sqlite3_int64 values[CATALOG_FACTS_COUNT] = {
	        true,
	        info->width,
	        info->height,
	        info->ncomponents,
	        info->color,
	        info->process == IC_JPEG_PROGRESSIVE,
	        info->arithmetic,
	        info->restart_interval,
	        pack_factors(info),
	        info->orientation,
	};
	sqlite3_bind_int(statement, first, facts->is_jpeg);
	for (int i = 1; i < CATALOG_FACTS_COUNT; i++) {
		if (facts->is_jpeg)
			sqlite3_bind_int64(statement, first + i, values[i]);
		else
			sqlite3_bind_null(statement, first + i);
	}
}

/* Whatever a database may hold, this gives only what a JPEG may have. */
static bool read_info(const sqlite3_int64 *values, struct ic_jpeg_info *info)
{
	static const struct {
		sqlite3_int64 low, high;
	} ranges[CATALOG_FACTS_COUNT] = {
	        {1, 1}, {1, IC_SIDE_MAX}, {1, IC_SIDE_MAX}, {1, 4},          {0, NCOLORS - 1},
	        {0, 1}, {0, 1},           {0, UINT16_MAX},  {0, UINT32_MAX}, {1, 8},
	};
	for (int i = 0; i < CATALOG_FACTS_COUNT; i++)
		if (values[i] < ranges[i].low || values[i] > ranges[i].high)
			return false;
	*info = (struct ic_jpeg_info){
	        .width = (uint32_t)values[1],
	        .height = (uint32_t)values[2],
	        .ncomponents = (unsigned)values[3],
	        .nobject_components = values[4] == IC_JPEG_GRAY ? 1 : 3,
	        .color = (enum ic_jpeg_color)values[4],
	        .process = values[5] ? IC_JPEG_PROGRESSIVE : IC_JPEG_BASELINE,
	        .arithmetic = values[6] != 0,
	        .restart_interval = (uint16_t)values[7],
	        .orientation = (uint8_t)values[9],
	};
	return unpack_factors((uint32_t)values[8], info);
}

errint_t catalog_read_facts(sqlite3_stmt *statement, int first, bool *ret_has_facts, struct catalog_facts *ret_facts)
{
	struct catalog_facts facts = {.is_jpeg = false};
	sqlite3_int64 values[CATALOG_FACTS_COUNT];
	int type = sqlite3_column_type(statement, first);

	if (type == SQLITE_NULL) {
		*ret_has_facts = false;
		return 0;
	}
	for (int i = 0; i < CATALOG_FACTS_COUNT; i++)
		values[i] = sqlite3_column_int64(statement, first + i);
	facts.is_jpeg = values[0] != 0;
	if (type != SQLITE_INTEGER || (facts.is_jpeg && !read_info(values, &facts.info)))
		return -EBADMSG; /* not what was ever put */
	*ret_has_facts = true;
	*ret_facts = facts;
	return 0;
}
