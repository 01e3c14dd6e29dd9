/* SPDX-License-Identifier: MIT */
#include "fs/verdict.h"
#include "codec/format.h"
#include "fs/read_at.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Nearly all headers end in the first block; EXIF thumbnails and colour profiles need the second. */
#define FIRST_LOOK 4096u
#define LOOK_FACTOR 16u

static errint_t verdict_new(const struct stat *st, const char *why, struct verdict **ret_verdict)
{
	size_t size = strlen(why) + 1;
	struct verdict *verdict = calloc(1, sizeof(*verdict) + size);

	if (!verdict)
		return -ENOMEM;
	atomic_init(&verdict->refs, 1);
	atomic_flag_clear(&verdict->reported);
	atomic_init(&verdict->is_damaged, false);
	verdict->identity = source_identify(st);
	verdict->is_kept = true;
	memcpy(verdict->why, why, size);
	*ret_verdict = verdict;
	return 0;
}

/* Probe the first `nbytes` of the file. */
static errint_t look(int fd, size_t nbytes, bool complete, const struct ic_limits *limits, bool *ret_is_image,
                     struct ic_jpeg_info *ret_info, struct ic_why *why, errint_t *ret_probe)
{
	uint8_t *bytes = malloc(nbytes ? nbytes : 1);
	size_t n = 0;

	if (!bytes)
		return -ENOMEM;
	errint_t err = read_at(fd, bytes, nbytes, 0, &n);
	if (!err) {
		*ret_is_image = ic_is_jpeg(bytes, n);
		if (*ret_is_image)
			*ret_probe = ic_jpeg_probe(bytes, n, complete, limits, ret_info, why);
	}
	free(bytes);
	return err;
}

static void set_image(struct verdict *verdict, const struct ic_jpeg_info *info)
{
	verdict->is_image = true;
	verdict->width = (uint16_t)info->width;
	verdict->height = (uint16_t)info->height;
	verdict->ncomponents = (uint8_t)info->nobject_components;
}

static bool is_too_big(uint64_t size, const struct ic_limits *limits)
{
	return limits->memory && size > limits->memory;
}

/* What the header of an .ic file says of a file of `size` bytes. */
static errint_t judge_header(const uint8_t *bytes, size_t nbytes, uint64_t size, const struct ic_limits *limits,
                             struct ic_view *ret_header, struct ic_why *why)
{
	if (is_too_big(size, limits))
		return ic_fail(why, -EFBIG, "the file is larger than the memory limit");
	errint_t err = ic_view_parse_header(ret_header, bytes, nbytes, why);
	if (!err && size < ret_header->layout.nbytes)
		err = ic_fail(why, -EBADMSG, "the file has %llu bytes, its .ic header asks for %llu",
		              (unsigned long long)size, (unsigned long long)ret_header->layout.nbytes);
	return err == -ENODATA ? -EBADMSG : err;
}

static errint_t look_for_object(int fd, const struct stat *st, const struct ic_limits *limits,
                                struct verdict **ret_verdict)
{
	uint8_t bytes[IC_HEADER_SIZE];
	struct ic_view header = {0};
	struct ic_why why = {""};
	struct verdict *verdict;
	errint_t judged = 0;
	size_t n = 0;

	errint_t err = read_at(fd, bytes, sizeof(bytes), 0, &n);
	bool is_image = !err && ic_is_magic(bytes, n);
	if (is_image)
		judged = judge_header(bytes, n, (uint64_t)st->st_size, limits, &header, &why);
	if (!err)
		err = verdict_new(st, judged ? why.text : "", &verdict);
	if (err)
		return err;
	verdict->is_image = verdict->is_object = is_image;
	verdict->err = judged;
	if (is_image && !judged) {
		verdict->design = header.layout.design;
		verdict->width = (uint16_t)header.layout.source_width;
		verdict->height = (uint16_t)header.layout.source_height;
		verdict->ncomponents = (uint8_t)header.layout.ncomponents;
		verdict->flags = header.flags;
	}
	*ret_verdict = verdict;
	return 0;
}

static errint_t look_for_jpeg(int fd, const struct stat *st, const struct ic_limits *limits,
                              struct verdict **ret_verdict, struct ic_jpeg_info *ret_info)
{
	uint64_t size = (uint64_t)st->st_size;
	uint64_t nbytes = FIRST_LOOK / LOOK_FACTOR;
	bool is_image = false, too_big = is_too_big(size, limits);
	struct ic_jpeg_info info = {0};
	struct ic_why why = {""};
	struct verdict *verdict;
	errint_t err, probe = -ENODATA;

	do {
		nbytes *= LOOK_FACTOR;
		if (nbytes > size)
			nbytes = size;
		err = look(fd, nbytes, nbytes == size, limits, &is_image, &info, &why, &probe);
		if (err)
			return err;
	} while (is_image && probe == -ENODATA && nbytes < size && !too_big);
	if (is_image && too_big)
		probe = ic_fail(&why, -EFBIG, "the file is larger than the memory limit");
	err = verdict_new(st, is_image && probe ? why.text : "", &verdict);
	if (err)
		return err;
	verdict->is_image = is_image;
	verdict->err = is_image ? probe : 0;
	if (is_image && !probe) {
		set_image(verdict, &info);
		*ret_info = info;
	}
	*ret_verdict = verdict;
	return 0;
}

errint_t verdict_look(int fd, const struct stat *st, bool is_object, const struct ic_limits *limits,
                      struct verdict **ret_verdict, struct ic_jpeg_info *ret_info)
{
	return is_object ? look_for_object(fd, st, limits, ret_verdict)
	                 : look_for_jpeg(fd, st, limits, ret_verdict, ret_info);
}

errint_t verdict_recall(const struct stat *st, const struct ic_jpeg_info *info, const struct ic_limits *limits,
                        struct verdict **ret_verdict)
{
	struct verdict *verdict;

	if (info && (is_too_big((uint64_t)st->st_size, limits) ||
	             (limits->pixels && (uint64_t)info->width * info->height > limits->pixels)))
		return -ENODATA;
	errint_t err = verdict_new(st, "", &verdict);
	if (err)
		return err;
	if (info)
		set_image(verdict, info);
	*ret_verdict = verdict;
	return 0;
}

errint_t verdict_unreadable(const struct stat *st, struct verdict **ret_verdict)
{
	errint_t err = verdict_new(st, "", ret_verdict);

	if (!err)
		(*ret_verdict)->is_kept = false;
	return err;
}

struct verdict *verdict_ref(struct verdict *verdict)
{
	if (verdict)
		atomic_fetch_add_explicit(&verdict->refs, 1, memory_order_relaxed);
	return verdict;
}

void verdict_unref(struct verdict *verdict)
{
	if (verdict && atomic_fetch_sub(&verdict->refs, 1) == 1)
		free(verdict);
}
