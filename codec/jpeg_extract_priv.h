/* SPDX-License-Identifier: MIT */
/*
 * jpeg_extract_priv.h: a small picture whose Huffman tables fit a large one. To count the symbols of a picture takes
 * libjpeg three times as long as to write them, and a few rows tell nearly as much as all.
 */
#pragma once

#include "codec/jpeg_writer_priv.h"

/* Some of the rows of MCUs, and behind them blocks in which every symbol that a baseline JPEG may have occurs: so
 * the tables have a code for whatever the other rows hold. */
struct jpeg_extract {
	struct jpeg_picture picture; /* to be written; points into this struct */
	struct ic_layout layout;
	const struct jpeg_picture *whole;
	uint32_t stride; /* one row of MCUs in so many ... */
	uint32_t nrows;  /* ... which are so many rows */
};

/* False for a picture so small that an extract would save nothing. `whole` must outlive the extract. */
bool jpeg_extract_init(struct jpeg_extract *extract, const struct jpeg_picture *whole);
