/* SPDX-License-Identifier: MIT */
#include "codec/jpeg.h"

#include "codec/jpeg_reader_priv.h"

bool ic_is_jpeg(const uint8_t *bytes, size_t nbytes)
{
	return nbytes >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

errint_t ic_jpeg_probe(const uint8_t *bytes, size_t nbytes, bool complete, const struct ic_limits *limits,
                       struct ic_jpeg_info *ret_info, struct ic_why *why)
{
	struct jpeg_reader *reader;
	errint_t err = jpeg_reader_new(bytes, nbytes, complete, limits, &reader, ret_info, why);
	if (!err)
		jpeg_reader_free(reader);
	return err;
}
