/* SPDX-License-Identifier: MIT */
/*
 * format.h: the .ic file, version 1. docs/format.md is the normative text; this is its C face.
 *
 * An object is a header of 64 bytes, a table with one entry of 4 bytes for each plane, and the planes. A plane holds all
 * coefficients of one frequency of one component, one a block, row by row, `bits` bits each. Nothing is entropy coded, so
 * every place and size follows from the header: that is a layout.
 *
 * All functions are pure and thread safe. A view borrows the caller's bytes and must not outlive them.
 */
#pragma once

#include "design.h"

#define IC_HEADER_SIZE 64u
#define IC_TABLE_ENTRY_SIZE 4u
#define IC_DATA_ALIGN 64u
#define IC_VERSION 1u
#define IC_COMPONENTS_MAX 3u
#define IC_SIDE_MAX 65535u /* pixels; the longest side a JPEG can have */

/* Header flags. */
#define IC_FLAG_TRUNCATED 0x0001u /* the source ended early; what was missing is as its decoder filled it in */
#define IC_FLAG_DAMAGED 0x0002u   /* data of the source stood for nothing, and are as its decoder filled them in */

/* One component (0 luma, 1 Cb, 2 Cr) on its target grid. */
struct ic_component {
	uint32_t width, height;          /* samples */
	uint32_t block_cols, block_rows; /* blocks, the last ones padded */
	uint64_t nblocks;                /* their product: coefficients of a plane */
	uint64_t plane_nbytes;           /* ceil(nblocks * bits / 8) */
};

/* Where everything lies in the object that a source of a given size has under a design. */
struct ic_layout {
	struct ic_design design;
	uint32_t source_width, source_height; /* pixels, 1..65535, as stored (orientation not applied) */
	uint32_t width, height;               /* luma's sampled grid: ceil(source / sampling) */
	unsigned ncomponents;                 /* 1 (grayscale) or 3 (JFIF YCbCr) */
	unsigned nfreqs;                      /* frequencies a component */
	unsigned nplanes;                     /* nfreqs * ncomponents; plane p is frequency p / n, component p % n */
	struct ic_component component[IC_COMPONENTS_MAX];
	uint32_t data_offset; /* bytes from the start of the object to the first plane */
	uint64_t data_nbytes;
	uint64_t nbytes; /* the whole object: data_offset + data_nbytes */
};

/* -EINVAL for an invalid design, a side of 0 or over IC_SIDE_MAX, or components other than 1 and 3. */
IC_API errint_t ic_layout_init(struct ic_layout *ret_layout, const struct ic_design *design, uint32_t source_width,
                               uint32_t source_height, unsigned ncomponents);

/* The frequencies of a design in the order of its planes: nfreqs pairs. `u` horizontal, `v` vertical. */
struct ic_freq {
	uint8_t u, v;
};
/* Fills ic_design_nfreqs(design) entries; `out` has room for IC_BLOCK_MAX * IC_BLOCK_MAX. The design must be valid. */
IC_API void ic_design_freqs(const struct ic_design *design, struct ic_freq *out);

/* One entry of the table: how the codes of a plane become coefficients (docs/format.md, "Coefficients"). */
struct ic_plane_params {
	uint8_t step;  /* 1..255: units of a JPEG coefficient (orthonormal DCT) that one 8-bit code is worth */
	uint8_t nbits; /* 1..8: bits that the plane's 8-bit codes use */
	uint8_t mean_nonneg, mean_neg; /* mean place inside their cell of the codes >= 0 and < 0, in 1/256 of a cell */
};

/* An object in the caller's memory, checked. */
struct ic_view {
	const uint8_t *bytes;
	struct ic_layout layout;
	uint8_t orientation; /* EXIF, 1..8; not applied to the planes */
	uint16_t flags;      /* IC_FLAG_ */
};

/* Check a whole object: magic, version, flags, every field against every other, the table's entries, and that all
 * layout.nbytes bytes are there (what follows them is ignored). -EBADMSG, -EOPNOTSUPP (unknown version or flag), -ENODATA
 * (valid so far, but shorter than its layout). */
IC_API errint_t ic_view_parse(struct ic_view *ret_view, const uint8_t *bytes, size_t nbytes, struct ic_why *why);

/* Check and read the header alone: `nbytes` may end anywhere after IC_HEADER_SIZE. ret_view->bytes is `bytes`; the table
 * and the planes are unchecked. */
IC_API errint_t ic_view_parse_header(struct ic_view *ret_view, const uint8_t *bytes, size_t nbytes, struct ic_why *why);

/* Bytes from the start of the object to plane `p` (< nplanes). */
IC_API uint64_t ic_layout_plane_offset(const struct ic_layout *layout, unsigned p);

/*
 * A prefix is a design: an object's table and planes up to the last one that a smaller K keeps are all that the sparser
 * object of the same sampling, blocks, chroma, filter, order and bits has.
 *
 * ic_layout_prefix_nbytes: how many bytes from the start of an object hold what `keep` (1..design.keep) needs; 0 for any
 * other. Whoever reads a file in two steps asks the header, then this.
 *
 * ic_view_parse_prefix: a view of the sparser design over the first `nbytes` of an object; `keep` 0 is the object's own.
 * As ic_view_parse otherwise: -ENODATA where the bytes end before what `keep` needs; -EINVAL where the object keeps less.
 * The view's layout has the sparser design and its planes, but the place of the data is the denser object's, whose table
 * is longer: data_offset, and with it nbytes, are larger than ic_layout_init says of the sparser design.
 */
IC_API uint64_t ic_layout_prefix_nbytes(const struct ic_layout *layout, unsigned keep);
IC_API errint_t ic_view_parse_prefix(struct ic_view *ret_view, const uint8_t *bytes, size_t nbytes, unsigned keep,
                                     struct ic_why *why);

/* Parameters and packed codes of plane `p` (< layout.nplanes) of a view that ic_view_parse or ic_view_parse_prefix
 * accepted. */
IC_API struct ic_plane_params ic_view_plane_params(const struct ic_view *view, unsigned p);
IC_API const uint8_t *ic_view_plane_data(const struct ic_view *view, unsigned p);

/* Write the 64 bytes of the header for a layout. */
IC_API void ic_header_write(uint8_t out[IC_HEADER_SIZE], const struct ic_layout *layout, uint8_t orientation,
                            uint16_t flags);

/* Whether the first bytes are those of an .ic file (8 needed). */
IC_API bool ic_is_magic(const uint8_t *bytes, size_t nbytes);
