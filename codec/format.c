/* SPDX-License-Identifier: MIT */
#include "codec/format.h"

#include "codec/bytes_priv.h"

#include <errno.h>
#include <string.h>

/* A byte over 127, the name, a CR LF and a LF that any text-mode transfer would change, and a ^Z between. */
static const uint8_t magic[8] = {0x89, 'I', 'C', 'F', '\r', '\n', 0x1a, '\n'};

/* Places of the header's fields; docs/format.md has the table. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 8,
	AT_HEADER_SIZE = 10,
	AT_SOURCE_WIDTH = 12,
	AT_SOURCE_HEIGHT = 16,
	AT_WIDTH = 20,
	AT_HEIGHT = 24,
	AT_NCOMPONENTS = 28,
	AT_ORIENTATION = 29,
	AT_SX = 30,
	AT_SY = 31,
	AT_BLOCK = 32,
	AT_KEEP = 33,
	AT_BITS = 34,
	AT_CHROMA = 35,
	AT_FILTER = 36,
	AT_ORDER = 37,
	AT_FLAGS = 38,
	AT_NPLANES = 40,
	AT_DATA_OFFSET = 44,
	AT_DATA_NBYTES = 48,
	AT_RESERVED = 56,
};

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
	return a / b + (a % b != 0);
}

static struct ic_component component_layout(const struct ic_design *d, uint32_t width, uint32_t height)
{
	struct ic_component c = {
	        .width = width,
	        .height = height,
	        .block_cols = ceil_div(width, d->block),
	        .block_rows = ceil_div(height, d->block),
	};
	c.nblocks = (uint64_t)c.block_cols * c.block_rows;
	c.plane_nbytes = (c.nblocks * d->bits + 7) / 8;
	return c;
}

errint_t ic_layout_init(struct ic_layout *ret_layout, const struct ic_design *design, uint32_t source_width,
                        uint32_t source_height, unsigned ncomponents)
{
	if (!ic_design_is_valid(design) || source_width < 1 || source_width > IC_SIDE_MAX || source_height < 1 ||
	    source_height > IC_SIDE_MAX || (ncomponents != 1 && ncomponents != 3))
		return -EINVAL;

	struct ic_layout l = {
	        .design = *design,
	        .source_width = source_width,
	        .source_height = source_height,
	        .width = ceil_div(source_width, design->sx),
	        .height = ceil_div(source_height, design->sy),
	        .ncomponents = ncomponents,
	        .nfreqs = ic_design_nfreqs(design),
	};
	l.nplanes = l.nfreqs * ncomponents;
	uint64_t freq_nbytes = 0;
	for (unsigned c = 0; c < ncomponents; c++) {
		unsigned divide = c ? design->chroma : 1;
		l.component[c] = component_layout(design, ceil_div(l.width, divide), ceil_div(l.height, divide));
		freq_nbytes += l.component[c].plane_nbytes;
	}
	uint32_t table_end = IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * l.nplanes;
	l.data_offset = ceil_div(table_end, IC_DATA_ALIGN) * IC_DATA_ALIGN;
	l.data_nbytes = freq_nbytes * l.nfreqs;
	l.nbytes = l.data_offset + l.data_nbytes;
	*ret_layout = l;
	return 0;
}

bool ic_is_magic(const uint8_t *bytes, size_t nbytes)
{
	return nbytes >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

void ic_header_write(uint8_t out[IC_HEADER_SIZE], const struct ic_layout *l, uint8_t orientation, uint16_t flags)
{
	memset(out, 0, IC_HEADER_SIZE);
	memcpy(out + AT_MAGIC, magic, sizeof magic);
	put_le16(out + AT_VERSION, IC_VERSION);
	put_le16(out + AT_HEADER_SIZE, IC_HEADER_SIZE);
	put_le32(out + AT_SOURCE_WIDTH, l->source_width);
	put_le32(out + AT_SOURCE_HEIGHT, l->source_height);
	put_le32(out + AT_WIDTH, l->width);
	put_le32(out + AT_HEIGHT, l->height);
	out[AT_NCOMPONENTS] = (uint8_t)l->ncomponents;
	out[AT_ORIENTATION] = orientation;
	out[AT_SX] = l->design.sx;
	out[AT_SY] = l->design.sy;
	out[AT_BLOCK] = l->design.block;
	out[AT_KEEP] = l->design.keep;
	out[AT_BITS] = l->design.bits;
	out[AT_CHROMA] = l->design.chroma;
	out[AT_FILTER] = l->design.filter;
	out[AT_ORDER] = l->design.order;
	put_le16(out + AT_FLAGS, flags);
	put_le32(out + AT_NPLANES, l->nplanes);
	put_le32(out + AT_DATA_OFFSET, l->data_offset);
	put_le64(out + AT_DATA_NBYTES, l->data_nbytes);
}

static struct ic_design header_design(const uint8_t *bytes)
{
	return (struct ic_design){
	        .sx = bytes[AT_SX],
	        .sy = bytes[AT_SY],
	        .block = bytes[AT_BLOCK],
	        .keep = bytes[AT_KEEP],
	        .bits = bytes[AT_BITS],
	        .chroma = bytes[AT_CHROMA],
	        .filter = bytes[AT_FILTER],
	        .order = bytes[AT_ORDER],
	};
}

/* What makes this a version-1 header at all. */
static errint_t check_kind(const uint8_t *bytes, size_t nbytes, struct ic_why *why)
{
	size_t seen = nbytes < sizeof magic ? nbytes : sizeof magic;
	if (seen && memcmp(bytes, magic, seen) != 0)
		return ic_fail(why, -EBADMSG, "no .ic file: its first bytes are not the magic");
	if (nbytes < IC_HEADER_SIZE)
		return ic_fail(why, -ENODATA, "the file ends inside the .ic header, after %zu bytes", nbytes);
	unsigned version = get_le16(bytes + AT_VERSION);
	if (version != IC_VERSION)
		return ic_fail(why, -EOPNOTSUPP, ".ic version %u is not known here, only version %u", version,
		               IC_VERSION);
	unsigned flags = get_le16(bytes + AT_FLAGS);
	if (flags & ~(IC_FLAG_TRUNCATED | IC_FLAG_DAMAGED))
		return ic_fail(why, -EOPNOTSUPP, "the .ic header has flags not known here: 0x%04x", flags);
	return 0;
}

errint_t ic_view_parse_header(struct ic_view *ret_view, const uint8_t *bytes, size_t nbytes, struct ic_why *why)
{
	errint_t err = check_kind(bytes, nbytes, why);
	if (err)
		return err;

	struct ic_view view = {
	        .bytes = bytes,
	        .orientation = bytes[AT_ORIENTATION],
	        .flags = get_le16(bytes + AT_FLAGS),
	};
	struct ic_design design = header_design(bytes);
	if (!ic_design_is_valid(&design))
		return ic_fail(why, -EBADMSG, "the .ic header names no valid design");
	err = ic_layout_init(&view.layout, &design, get_le32(bytes + AT_SOURCE_WIDTH),
	                     get_le32(bytes + AT_SOURCE_HEIGHT), bytes[AT_NCOMPONENTS]);
	if (err)
		return ic_fail(why, -EBADMSG, "the .ic header has an impossible size or number of components");
	if (view.orientation < 1 || view.orientation > 8)
		return ic_fail(why, -EBADMSG, "the .ic header has orientation %u, outside 1 to 8", view.orientation);

	/* Every other field follows from these, so the header must be the one that would be written. */
	uint8_t expected[IC_HEADER_SIZE];
	ic_header_write(expected, &view.layout, view.orientation, view.flags);
	if (memcmp(expected, bytes, IC_HEADER_SIZE) != 0)
		return ic_fail(why, -EBADMSG, "the fields of the .ic header contradict each other");
	*ret_view = view;
	return 0;
}

static errint_t check_table(const struct ic_view *view, struct ic_why *why)
{
	const struct ic_layout *l = &view->layout;
	for (unsigned p = 0; p < l->nplanes; p++) {
		struct ic_plane_params params = ic_view_plane_params(view, p);
		if (params.step == 0 || params.nbits < 1 || params.nbits > 8)
			return ic_fail(why, -EBADMSG, "the table entry of plane %u is not valid", p);
		if (params.nbits <= l->design.bits && (params.mean_nonneg || params.mean_neg))
			return ic_fail(why, -EBADMSG, "the table entry of plane %u has means, but nothing was dropped",
			               p);
	}
	for (size_t i = IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * l->nplanes; i < l->data_offset; i++) {
		if (view->bytes[i])
			return ic_fail(why, -EBADMSG, "the padding behind the table is not zero");
	}
	return 0;
}

uint64_t ic_layout_prefix_nbytes(const struct ic_layout *l, unsigned keep)
{
	struct ic_design sparse = l->design;
	if (keep < 1 || keep > l->design.keep)
		return 0;
	sparse.keep = (uint8_t)keep;
	return l->data_offset + l->data_nbytes / l->nfreqs * ic_design_nfreqs(&sparse);
}

/* The layout of the first groups of frequencies, at their place in the object. */
static struct ic_layout prefix_layout(const struct ic_layout *dense, unsigned keep)
{
	struct ic_layout l = *dense;
	l.design.keep = (uint8_t)keep;
	l.nfreqs = ic_design_nfreqs(&l.design);
	l.nplanes = l.nfreqs * l.ncomponents;
	l.data_nbytes = dense->data_nbytes / dense->nfreqs * l.nfreqs;
	l.nbytes = l.data_offset + l.data_nbytes;
	return l;
}

errint_t ic_view_parse_prefix(struct ic_view *ret_view, const uint8_t *bytes, size_t nbytes, unsigned keep,
                              struct ic_why *why)
{
	struct ic_view view;
	errint_t err = ic_view_parse_header(&view, bytes, nbytes, why);
	if (err)
		return err;
	keep = keep ? keep : view.layout.design.keep;
	uint64_t needed = ic_layout_prefix_nbytes(&view.layout, keep);
	if (!needed)
		return ic_fail(why, -EINVAL, "the object keeps %u groups of frequencies, not %u",
		               view.layout.design.keep, keep);
	if (nbytes < needed)
		return ic_fail(why, -ENODATA, "the file has %zu bytes, its .ic header asks for %llu", nbytes,
		               (unsigned long long)needed);
	err = check_table(&view, why);
	if (err)
		return err;
	view.layout = prefix_layout(&view.layout, keep);
	*ret_view = view;
	return 0;
}

errint_t ic_view_parse(struct ic_view *ret_view, const uint8_t *bytes, size_t nbytes, struct ic_why *why)
{
	return ic_view_parse_prefix(ret_view, bytes, nbytes, 0, why);
}

struct ic_plane_params ic_view_plane_params(const struct ic_view *view, unsigned p)
{
	const uint8_t *entry = view->bytes + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p;
	return (struct ic_plane_params){entry[0], entry[1], entry[2], entry[3]};
}

uint64_t ic_layout_plane_offset(const struct ic_layout *l, unsigned p)
{
	uint64_t freq_nbytes = l->data_nbytes / l->nfreqs;
	uint64_t at = l->data_offset + freq_nbytes * (p / l->ncomponents);
	for (unsigned c = 0; c < p % l->ncomponents; c++)
		at += l->component[c].plane_nbytes;
	return at;
}

const uint8_t *ic_view_plane_data(const struct ic_view *view, unsigned p)
{
	return view->bytes + ic_layout_plane_offset(&view->layout, p);
}
