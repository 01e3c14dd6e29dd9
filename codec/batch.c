/* SPDX-License-Identifier: MIT */
#include "codec/batch.h"

#include "codec/pool_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is read of a file before its header is looked at: most objects are no larger, and are read at once. */
#define FIRST_READ ((size_t)64 << 10)

/* A batch under way. */
struct decoding {
	const struct ic_batch *batch;
	pthread_mutex_t lock; /* guards what follows */
	size_t nfailed, first_failed;
	struct ic_why why; /* of the first that failed */
};

/* --- Files --------------------------------------------------------------------------------------------------------- */

/* A file while it is read: its first bytes are in a thread's memory. */
struct file {
	int fd;
	size_t size, nread;
	struct pool_memory *memory;
};

/* Without waiting for whoever would write to a pipe of that name. */
static errint_t file_open(struct file *file, int dirfd, const char *path, struct pool_memory *memory,
                          struct ic_why *why)
{
	struct stat st;
	*file = (struct file){.memory = memory};
	file->fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0)
		return ic_fail(why, -errno, "%s cannot be opened: %s", path, strerror(errno));
	if (fstat(file->fd, &st) || !S_ISREG(st.st_mode)) {
		close(file->fd);
		return ic_fail(why, -EBADMSG, "%s is no regular file", path);
	}
	file->size = (uint64_t)st.st_size > PTRDIFF_MAX ? PTRDIFF_MAX : (size_t)st.st_size;
	return 0;
}

/* Have the first `nbytes`, or all that there are. */
static errint_t file_read(struct file *file, uint64_t nbytes, struct ic_why *why)
{
	size_t wanted = nbytes < file->size ? (size_t)nbytes : file->size;
	if (pool_memory_grow(file->memory, wanted))
		return ic_fail(why, -ENOMEM, "out of memory for a file of %zu bytes", wanted);
	while (file->nread < wanted) {
		ssize_t n =
		        pread(file->fd, file->memory->bytes + file->nread, wanted - file->nread, (off_t)file->nread);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ic_fail(why, -errno, "a file cannot be read: %s", strerror(errno));
		if (n == 0)
			file->size = wanted = file->nread; /* it became shorter */
		file->nread += (size_t)n;
	}
	return 0;
}

/* --- One image ----------------------------------------------------------------------------------------------------- */

static bool same_shape(const struct ic_tensor_shape *a, const struct ic_tensor_shape *b)
{
	return a->channels == b->channels && a->height == b->height && a->width == b->width &&
	       a->chroma_channels == b->chroma_channels && a->chroma_height == b->chroma_height &&
	       a->chroma_width == b->chroma_width && a->value_nbytes == b->value_nbytes && a->nbytes == b->nbytes &&
	       a->chroma_nbytes == b->chroma_nbytes;
}

/* Chroma is named where the rest is alike. */
static errint_t fail_shape(const struct ic_tensor_shape *is, const struct ic_tensor_shape *wanted, struct ic_why *why)
{
	bool alike = is->channels == wanted->channels && is->height == wanted->height && is->width == wanted->width;
	if (alike && is->value_nbytes == wanted->value_nbytes)
		return ic_fail(why, -ERANGE,
		               "the image's chroma becomes %u x %u x %u values, the batch's has %u x %u x %u",
		               is->chroma_channels, is->chroma_height, is->chroma_width, wanted->chroma_channels,
		               wanted->chroma_height, wanted->chroma_width);
	return ic_fail(why, -ERANGE,
	               "the image becomes %u x %u x %u values of %u bytes, the batch has %u x %u x %u of %u",
	               is->channels, is->height, is->width, is->value_nbytes, wanted->channels, wanted->height,
	               wanted->width, wanted->value_nbytes);
}

/* Which K an object is to be read with; 0 is its own. */
static errint_t choose_keep(const struct ic_layout *layout, const struct ic_design *design, unsigned *ret_keep,
                            struct ic_why *why)
{
	struct ic_design own = layout->design;
	char has[IC_DESIGN_STRING_SIZE], wants[IC_DESIGN_STRING_SIZE];
	*ret_keep = 0;
	if (!design)
		return 0;
	own.keep = design->keep;
	if (ic_design_equal(&own, design) && layout->design.keep >= design->keep) {
		*ret_keep = design->keep;
		return 0;
	}
	ic_design_print(&layout->design, has);
	ic_design_print(design, wants);
	return ic_fail(why, -ERANGE, "an object of %s is not one of %s, nor its head", has, wants);
}

/* Whether an image of this header is one of the batch, which says how much of it is needed. */
static errint_t check_header(const struct ic_batch *batch, const uint8_t *bytes, size_t nbytes, unsigned *ret_keep,
                             uint64_t *ret_needed, struct ic_why *why)
{
	struct ic_tensor_shape shape;
	struct ic_view view;
	errint_t err = ic_view_parse_header(&view, bytes, nbytes, why);
	if (!err)
		err = choose_keep(&view.layout, batch->design, ret_keep, why);
	if (err)
		return err;
	*ret_needed = ic_layout_prefix_nbytes(&view.layout, *ret_keep ? *ret_keep : view.layout.design.keep);
	if (*ret_keep) {
		view.layout.design.keep = (uint8_t)*ret_keep;
		view.layout.nfreqs = ic_design_nfreqs(&view.layout.design);
	}
	err = ic_tensor_shape(&view.layout, &batch->spec, &shape, why);
	if (!err && !same_shape(&shape, &batch->shape))
		err = fail_shape(&shape, &batch->shape, why);
	return err;
}

static errint_t decode_bytes(const struct ic_batch *batch, size_t index, const uint8_t *bytes, size_t nbytes,
                             unsigned keep, struct ic_why *why)
{
	struct ic_item *item = &batch->items[index];
	struct ic_region region;
	struct ic_view view;
	uint8_t *out = (uint8_t *)batch->out + index * batch->out_stride;
	uint8_t *chroma = batch->shape.chroma_nbytes ? (uint8_t *)batch->chroma + index * batch->chroma_stride : NULL;
	errint_t err = ic_view_parse_prefix(&view, bytes, nbytes, keep, why);
	if (!err)
		err = ic_tensor_region(&view.layout, &batch->spec, &item->window, &region, why);
	if (!err)
		err = ic_tensor_decode(&view, &batch->spec, &item->window, out, chroma, why);
	if (err)
		return err;
	item->region = region;
	item->orientation = view.orientation;
	item->flags = view.flags;
	return 0;
}

static errint_t decode_memory(const struct ic_batch *batch, size_t index, struct ic_why *why)
{
	const struct ic_item *item = &batch->items[index];
	uint64_t needed;
	unsigned keep;
	errint_t err = check_header(batch, item->bytes, item->nbytes, &keep, &needed, why);
	return err ? err : decode_bytes(batch, index, item->bytes, item->nbytes, keep, why);
}

static errint_t decode_file(const struct ic_batch *batch, size_t index, struct pool_memory *memory, struct ic_why *why)
{
	const struct ic_item *item = &batch->items[index];
	struct file file;
	uint64_t needed = 0;
	unsigned keep = 0;
	errint_t err = file_open(&file, batch->dirfd, item->path, memory, why);
	if (err)
		return err;
	err = file_read(&file, FIRST_READ, why);
	if (!err)
		err = check_header(batch, memory->bytes, file.nread, &keep, &needed, why);
	if (!err)
		err = file_read(&file, needed, why);
	close(file.fd);
	return err ? err : decode_bytes(batch, index, memory->bytes, file.nread, keep, why);
}

static void note_failure(struct decoding *decoding, size_t index, const struct ic_why *why)
{
	pthread_mutex_lock(&decoding->lock);
	if (!decoding->nfailed++ || index < decoding->first_failed) {
		decoding->first_failed = index;
		decoding->why = *why;
	}
	pthread_mutex_unlock(&decoding->lock);
}

static void decode_item(void *context, size_t index, struct pool_memory *memory)
{
	struct decoding *decoding = context;
	const struct ic_batch *batch = decoding->batch;
	struct ic_item *item = &batch->items[index];
	struct ic_why why = {""};
	item->region = (struct ic_region){0};
	item->orientation = 0;
	item->flags = 0;
	if (item->bytes)
		item->err = decode_memory(batch, index, &why);
	else if (item->path)
		item->err = decode_file(batch, index, memory, &why);
	else
		item->err = ic_fail(&why, -EINVAL, "an item has neither bytes nor a path");
	if (!item->err)
		return;
	memset((uint8_t *)batch->out + index * batch->out_stride, 0, batch->shape.nbytes);
	if (batch->shape.chroma_nbytes)
		memset((uint8_t *)batch->chroma + index * batch->chroma_stride, 0, batch->shape.chroma_nbytes);
	note_failure(decoding, index, &why);
}

/* --- The batch ----------------------------------------------------------------------------------------------------- */

static bool is_output(const void *out, size_t stride, size_t nbytes, size_t nitems, size_t value_nbytes)
{
	return out && stride >= nbytes && stride % value_nbytes == 0 && (uintptr_t)out % value_nbytes == 0 &&
	       stride <= PTRDIFF_MAX / nitems;
}

static errint_t check_batch(const struct ic_batch *b, struct ic_why *why)
{
	const struct ic_tensor_shape *s = &b->shape;
	if (!b->items)
		return ic_fail(why, -EINVAL, "the batch has no items");
	if (b->design && !ic_design_is_valid(b->design))
		return ic_fail(why, -EINVAL, "the batch's design is not valid");
	if (!s->nbytes || (s->value_nbytes != 1 && s->value_nbytes != 2 && s->value_nbytes != 4))
		return ic_fail(why, -EINVAL, "the batch has no shape");
	if (!is_output(b->out, b->out_stride, s->nbytes, b->nitems, s->value_nbytes))
		return ic_fail(why, -EINVAL,
		               "the output is not there, or its stride is less than an image or unaligned");
	if (s->chroma_nbytes && !is_output(b->chroma, b->chroma_stride, s->chroma_nbytes, b->nitems, s->value_nbytes))
		return ic_fail(why, -EINVAL,
		               "chroma's output is not there, or its stride is less than an image or unaligned");
	return 0;
}

static void run_here(struct decoding *decoding)
{
	struct pool_memory memory = {0};
	for (size_t i = 0; i < decoding->batch->nitems; i++)
		decode_item(decoding, i, &memory);
	free(memory.bytes);
}

errint_t ic_batch_decode(struct ic_pool *pool, const struct ic_batch *batch, size_t *ret_nfailed, struct ic_why *why)
{
	struct decoding decoding = {.batch = batch};
	errint_t err = batch->nitems ? check_batch(batch, why) : 0;
	if (err)
		return err;
	pthread_mutex_init(&decoding.lock, NULL);
	if (pool)
		pool_run(pool, decode_item, &decoding, batch->nitems);
	else
		run_here(&decoding);
	pthread_mutex_destroy(&decoding.lock);
	if (decoding.nfailed && why)
		*why = decoding.why;
	if (ret_nfailed)
		*ret_nfailed = decoding.nfailed;
	return 0;
}
