/* SPDX-License-Identifier: MIT */
#include "fs/making_priv.h"
#include "codec/make.h"
#include "fs/content_priv.h"
#include "fs/facts_priv.h"
#include "fs/stored_priv.h"
#include "fs/visit_priv.h"
#include "search/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct object_key making_key(const struct node *node)
{
	return (struct object_key){.identity = node_identity(node), .variant = node_variant(node)};
}

struct making {
	struct fs *fs;
	struct content_source source;
	struct ic_variant variant;
	struct node *node; /* NULL while its size is not known */
	bool is_ours;      /* made here, not by somebody who was asked before */
	bool is_no_image;  /* the source, which was taken for one */
	struct ic_why why;
};

static errint_t encode(struct making *making, const uint8_t *bytes, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	struct fs *fs = making->fs;
	const struct ic_limits *limits = &fs->settings.limits;
	size_t nbytes = making->source.identity.size;
	uint64_t memory;

	errint_t err = ic_make_memory(bytes, nbytes, &making->variant, limits, &memory, &making->why);
	if (err)
		return err;
	gate_enter(fs->encode_gate, memory);
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	err = stored_make(fs, &making->source, bytes, &making->variant, ret_bytes, ret_nbytes, &making->why);
	stats_add(&fs->stats, STATS_ENCODE_NANOSECONDS, (uint64_t)(clock_ns(CLOCK_MONOTONIC) - start));
	gate_leave(fs->encode_gate, memory);
	if (!err)
		stats_add(&fs->stats, STATS_OBJECT_BYTES_MADE, *ret_nbytes);
	return err;
}

static errint_t make_object(struct making *making, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	uint8_t *bytes;

	errint_t err = stored_get(making->fs, &making->source, &making->variant, ret_bytes, ret_nbytes, &making->why);
	if (err != -ENOENT)
		return err;
	err = content_get_source(making->fs, &making->source, &bytes, &making->why);
	if (err)
		return err;
	making->is_no_image = !content_is_object(&making->source) && !ic_is_jpeg(bytes, making->source.identity.size);
	err = encode(making, bytes, ret_bytes, ret_nbytes);
	content_put_source(making->fs, &making->source, bytes);
	return err;
}

/* Errors that lie in the source's bytes, whatever the limits are. */
static bool is_damage(errint_t err)
{
	return err == -EBADMSG || err == -EOPNOTSUPP;
}

/* Errors that stay as long as the source is the same and the mount lives. */
static bool is_final(errint_t err)
{
	return is_damage(err) || err == -EFBIG || err == -EINVAL;
}

/* Whether a source that there is no object of is served as it is. What is left of an .ic file is no picture. */
static bool may_be_as_is(const struct making *making)
{
	return making->variant.face == IC_FACE_JPEG && !content_is_object(&making->source);
}

static const char was_wrong[] = "what the catalog remembered of it was not so";

/* What was remembered of a source does not hold, for this reason: its object has `size`, which may be that it has none, or
 * (NULL) only a look tells. A reader was promised another size and would see the new bytes cut, or filled up with zeros; so
 * the node is given up, and looked up again. */
static errint_t correct(struct fs *fs, struct node *node, const char *why, const struct catalog_size *size)
{
	struct content_source source = content_source_of(node);
	struct ic_variant variant = node_variant(node);

	if (node_fail(node, -ESTALE, why)) {
		content_warn(fs, &source, "", why);
		if (size && variant.face == IC_FACE_JPEG)
			sizes_correct(fs, &source.identity, &variant, *size);
		else
			content_forget(fs, &source); /* with its dimensions: sizes follow from them */
	}
	return content_stale(fs, &source);
}

/* An object that was looked up cannot be made. */
static errint_t fail_node(struct making *making, errint_t err, const char *why)
{
	struct node *node = making->node;

	if (!atomic_exchange(&node->reported, true))
		content_warn(making->fs, &making->source, "", why);
	if (making->is_no_image)
		return correct(making->fs, node, was_wrong, NULL);
	if (may_be_as_is(making) && is_damage(err))
		return correct(making->fs, node, was_wrong, &(struct catalog_size){making->source.identity.size, true});
	if (may_be_as_is(making) && is_final(err))
		return correct(making->fs, node, "it was made before within wider limits, or from a store", NULL);
	if (is_final(err))
		node_fail(node, err, why);
	return err;
}

/* cache_maker. Failures are noted here, before those who wait for the object learn of them. */
static errint_t make(void *context, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	struct making *making = context;
	errint_t err = make_object(making, ret_bytes, ret_nbytes);

	making->is_ours = true;
	if (!err || err == -ESTALE)
		return err;
	const char *why = ic_why_text(&making->why, err);
	stats_add(&making->fs->stats, STATS_FAILURES, 1);
	if (making->node)
		return fail_node(making, err, why);
	bool is_as_is = is_final(err) && may_be_as_is(making);
	content_warn(making->fs, &making->source, is_as_is ? "served as it is: " : "", why);
	return err;
}

errint_t making_get(struct fs *fs, struct node *node, const struct object **ret_object)
{
	struct making making = {
	        .fs = fs,
	        .source = content_source_of(node),
	        .variant = node_variant(node),
	        .node = node,
	};
	const struct node_failure *failure = atomic_load(&node->file.failure);
	struct object_key key = making_key(node);
	const struct object *object;

	if (failure)
		return failure->err;
	errint_t err = cache_get(fs->cache, &key, make, &making, &object);
	if (err)
		return err;
	if (object->nbytes != node->file.nbytes) {
		err = correct(fs, node, was_wrong, &(struct catalog_size){object->nbytes, false});
		cache_put(fs->cache, object);
		return err;
	}
	*ret_object = object;
	return 0;
}

static void take_failure(struct making *making, struct found *found, errint_t err)
{
	const struct source_identity *identity = &making->source.identity;

	if (is_damage(err)) {
		atomic_store(&found->verdict->is_damaged, true);
		if (making->is_no_image)
			content_forget(making->fs, &making->source);
		else if (making->is_ours && may_be_as_is(making))
			sizes_put(making->fs, identity, &making->variant, (struct catalog_size){identity->size, true});
	}
	if (may_be_as_is(making)) {
		found_set_as_is(found);
		return;
	}
	found->why = making->why;
	found_set_failed(found, err, found->why.text);
}

errint_t making_once(struct fs *fs, struct found *found, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	struct node_spec *spec = &found->spec;
	struct making making = {
	        .fs = fs,
	        .source = content_source_found(found),
	        .variant = spec->variant,
	};
	uint8_t *bytes = NULL;
	size_t nbytes = 0;

	if (spec->err)
		return ic_fail(why, spec->err, "%s", spec->why);
	errint_t err = make_object(&making, &bytes, &nbytes);
	if (is_final(err) && may_be_as_is(&making)) {
		content_warn(fs, &making.source, "served as it is: ", making.why.text);
		found_set_as_is(found);
		if (why)
			*why = making.why;
		err = 0;
	} else if (!err && !found->lacks_size && nbytes != spec->nbytes) {
		free(bytes);
		err = ic_fail(&making.why, -EBADMSG, "it has %zu bytes, not the %llu that its header promised", nbytes,
		              (unsigned long long)spec->nbytes);
	}
	if (err)
		return ic_fail(why, err, "%s", ic_why_text(&making.why, err));
	*ret_bytes = bytes;
	*ret_nbytes = nbytes;
	return 0;
}

errint_t making_measure(struct fs *fs, struct found *found)
{
	struct node_spec *spec = &found->spec;
	struct making making = {
	        .fs = fs,
	        .source = content_source_found(found),
	        .variant = spec->variant,
	};
	struct object_key key = {.identity = spec->identity, .variant = spec->variant};
	const struct object *object;

	errint_t err = cache_get(fs->cache, &key, make, &making, &object);
	if (is_final(err)) {
		take_failure(&making, found, err);
		return 0;
	}
	if (err)
		return err;
	spec->nbytes = object->nbytes;
	found->lacks_size = false;
	cache_put(fs->cache, object);
	if (making.is_ours)
		sizes_put(fs, &spec->identity, &spec->variant, (struct catalog_size){spec->nbytes, false});
	return 0;
}
