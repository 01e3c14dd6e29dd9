/* SPDX-License-Identifier: MIT */
/*
 * Objects by way of the store: what is there is taken from it, what is not is made at 8 bits, which the store keeps, and the
 * variant is derived from that.
 */
#include "fs/stored_priv.h"
#include "codec/encode.h"
#include "codec/make.h"
#include "fs/content_priv.h"

#include <errno.h>
#include <stdlib.h>

struct store_source stored_source(const struct content_source *source)
{
	return (struct store_source){
	        .name = source->name,
	        .inode = source->identity.ino,
	        .nbytes = source->identity.size,
	        .mtime_ns = source->identity.mtime_ns,
	};
}

/* Metadata is the source's alone. */
static errint_t present_with_metadata(struct fs *fs, const struct content_source *source, const struct ic_view *view,
                                      const struct ic_variant *variant, uint8_t **ret_bytes, size_t *ret_nbytes,
                                      struct ic_why *why)
{
	const struct ic_limits *limits = &fs->settings.limits;
	size_t nbytes = source->identity.size;
	uint64_t memory =
	        ic_make_memory_from_object(&view->layout, variant) + 2 * (uint64_t)nbytes; /* metadata, at most */
	uint8_t *bytes;

	errint_t err = content_get_source(fs, source, &bytes, why);
	if (err)
		return err;
	gate_enter(fs->encode_gate, memory);
	err = ic_make_from_object_of(view, bytes, nbytes, variant, limits, ret_bytes, ret_nbytes, why);
	gate_leave(fs->encode_gate, memory);
	content_put_source(fs, source, bytes);
	return err;
}

errint_t stored_get(struct fs *fs, const struct content_source *source, const struct ic_variant *variant,
                    uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	struct store_source key = stored_source(source);
	struct ic_view view;
	uint8_t *bytes;

	if (!fs->store || variant->face == IC_FACE_ORIG)
		return -ENOENT;
	errint_t err = store_get(fs->store, &key, &variant->design, &bytes, &view);
	if (err)
		return -ENOENT; /* whatever it was, the source is still there */
	err = ic_make_check_presenting(&view.layout, variant, &fs->settings.limits, why);
	if (err) {
		/* as of the source */
	} else if (variant->keeps_metadata) {
		err = present_with_metadata(fs, source, &view, variant, ret_bytes, ret_nbytes, why);
	} else {
		uint64_t memory = ic_make_memory_from_object(&view.layout, variant);
		gate_enter(fs->encode_gate, memory);
		err = ic_make_from_object(&view, variant, ret_bytes, ret_nbytes, why);
		gate_leave(fs->encode_gate, memory);
	}
	free(bytes);
	return err;
}

errint_t stored_make(struct fs *fs, const struct content_source *source, const uint8_t *jpeg,
                     const struct ic_variant *variant, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	const struct ic_limits *limits = &fs->settings.limits;
	struct ic_design dense = ic_design_at_q8(&variant->design);
	size_t nbytes = source->identity.size, object_nbytes;
	struct store_source key = stored_source(source);
	struct ic_view view;
	uint8_t *object;

	if (!fs->store || variant->face == IC_FACE_ORIG || !ic_is_jpeg(jpeg, nbytes))
		return ic_make(jpeg, nbytes, variant, limits, ret_bytes, ret_nbytes, why);
	errint_t err = ic_encode_jpeg(jpeg, nbytes, &dense, limits, &object, &object_nbytes, why);
	if (err == -EFBIG) /* fewer bits take less memory */
		return ic_make(jpeg, nbytes, variant, limits, ret_bytes, ret_nbytes, why);
	if (err)
		return err;
	err = ic_view_parse(&view, object, object_nbytes, why);
	if (!err) {
		store_put(fs->store, &key, &view);
		err = ic_make_from_object_of(&view, jpeg, nbytes, variant, limits, ret_bytes, ret_nbytes, why);
	}
	free(object);
	return err;
}

bool stored_has(struct fs *fs, const struct content_source *source, const struct ic_variant *variant)
{
	struct store_source key = stored_source(source);
	struct ic_design dense = ic_design_at_q8(&variant->design);

	return store_has_kept(fs->store, &key, &dense);
}

static errint_t encode_and_put(struct fs *fs, const struct content_source *source, const uint8_t *jpeg,
                               const struct ic_design *dense, struct ic_why *why)
{
	const struct ic_limits *limits = &fs->settings.limits;
	size_t nbytes = source->identity.size, object_nbytes;
	struct store_source key = stored_source(source);
	struct ic_jpeg_info info;
	struct ic_view view;
	uint8_t *object;

	errint_t err = ic_jpeg_probe(jpeg, nbytes, true, limits, &info, why);
	if (err)
		return err;
	uint64_t memory = ic_encode_memory(&info, dense);
	gate_enter(fs->encode_gate, memory);
	err = ic_encode_jpeg(jpeg, nbytes, dense, limits, &object, &object_nbytes, why);
	gate_leave(fs->encode_gate, memory);
	if (err)
		return err;
	err = ic_view_parse(&view, object, object_nbytes, why);
	if (!err) {
		err = store_put_wait(fs->store, &key, &view);
		if (err)
			ic_fail(why, err, "%s",
			        err == -EFBIG
			                ? "its object is larger than the store may be"
			                : "the store takes nothing more: no room within its bounds, or on the disk");
	}
	free(object);
	return err;
}

errint_t stored_keep(struct fs *fs, const struct content_source *source, const struct ic_variant *variant,
                     struct ic_why *why)
{
	struct ic_design dense = ic_design_at_q8(&variant->design);
	uint8_t *bytes;

	errint_t err = content_get_source(fs, source, &bytes, why);
	if (err)
		return err;
	err = encode_and_put(fs, source, bytes, &dense, why);
	content_put_source(fs, source, bytes);
	return err;
}
