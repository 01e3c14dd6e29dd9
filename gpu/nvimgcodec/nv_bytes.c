/* SPDX-License-Identifier: MIT */
#include "nv_bytes_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static errint_t stream_size(nvimgcodecIoStreamDesc_t *io, size_t *ret_nbytes, struct ic_why *why)
{
	size_t nbytes = 0;

	if (io->size(io->instance, &nbytes) != NVIMGCODEC_STATUS_SUCCESS)
		return ic_fail(why, -EIO, "the stream does not tell its size");
	*ret_nbytes = nbytes;
	return 0;
}

static errint_t read_front(nvimgcodecIoStreamDesc_t *io, uint8_t *out, size_t nbytes, struct ic_why *why)
{
	size_t done = 0;

	if (io->seek(io->instance, 0, SEEK_SET) != NVIMGCODEC_STATUS_SUCCESS ||
	    io->read(io->instance, &done, out, nbytes) != NVIMGCODEC_STATUS_SUCCESS)
		return ic_fail(why, -EIO, "the stream cannot be read");
	if (done != nbytes)
		return ic_fail(why, -EIO, "the stream gave %zu bytes of %zu", done, nbytes);
	return 0;
}

errint_t nv_bytes_head(nvimgcodecIoStreamDesc_t *io, uint8_t *out, size_t capacity, size_t *ret_nbytes,
                       size_t *ret_stream_nbytes, struct ic_why *why)
{
	size_t stream_nbytes = 0;
	errint_t err = stream_size(io, &stream_nbytes, why);

	if (err)
		return err;
	size_t nbytes = stream_nbytes < capacity ? stream_nbytes : capacity;
	err = read_front(io, out, nbytes, why);
	if (err)
		return err;
	*ret_nbytes = nbytes;
	*ret_stream_nbytes = stream_nbytes;
	return 0;
}

errint_t nv_bytes_load(struct nv_bytes *ret_bytes, nvimgcodecIoStreamDesc_t *io, struct ic_why *why)
{
	struct nv_bytes loaded = {.io = io};
	void *mapped = NULL;
	errint_t err = stream_size(io, &loaded.nbytes, why);

	if (err)
		return err;
	if (loaded.nbytes && io->map(io->instance, &mapped, 0, loaded.nbytes) == NVIMGCODEC_STATUS_SUCCESS && mapped) {
		loaded.bytes = mapped;
		*ret_bytes = loaded;
		return 0;
	}
	loaded.owned = malloc(loaded.nbytes + 1); /* so that none is something, too */
	if (!loaded.owned)
		return ic_fail(why, -ENOMEM, "no memory for %zu bytes of the stream", loaded.nbytes);
	err = read_front(io, loaded.owned, loaded.nbytes, why);
	if (err) {
		free(loaded.owned);
		return err;
	}
	loaded.bytes = loaded.owned;
	*ret_bytes = loaded;
	return 0;
}

void nv_bytes_clear(struct nv_bytes *bytes)
{
	if (bytes->owned)
		free(bytes->owned);
	else if (bytes->bytes)
		bytes->io->unmap(bytes->io->instance, (void *)(uintptr_t)bytes->bytes, bytes->nbytes);
	*bytes = (struct nv_bytes){0};
}
