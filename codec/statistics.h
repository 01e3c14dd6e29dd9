/* SPDX-License-Identifier: MIT */
/*
 * statistics.h: mean and standard deviation of each frequency over a set of images, as they are kept in a file, to
 * normalise frequency tensors by (tensor.h). The file is what icfs.torch.Statistics.save of the Python package writes:
 *
 *     {"design": "s2x2-b8-k6-q8", "images": 2000, "mean": [[Y...], [Cb...], [Cr...]], "std": [[...], [...], [...]]}
 *
 * A row for each component, one or three, and in it a number for each frequency, in the order of ic_design_freqs and in
 * units of a JPEG coefficient. Keys come in any order; no others are known.
 */
#pragma once

#include "tensor.h"

struct ic_statistics {
	struct ic_design design;
	unsigned ncomponents, nfreqs;
	uint64_t nimages;         /* that were looked at */
	const double *mean, *std; /* [component * nfreqs + frequency]; finite, and std above 0 */
};

/* Read a file's bytes, of which nothing is kept. -EBADMSG for anything else, -ENOMEM. The result is for
 * ic_statistics_free, which takes NULL. */
IC_API errint_t ic_statistics_parse(const char *text, size_t nbytes, struct ic_statistics **ret_statistics,
                                    struct ic_why *why);
IC_API void ic_statistics_free(struct ic_statistics *statistics);

/*
 * What spec->mean and spec->scale are for images of this layout: as many numbers in each as ic_tensor_shape says that
 * there are channels, those of the output apart behind the others.
 *
 * The layout's design is that of the statistics, or one that keeps fewer groups of frequencies of the same; it and the
 * spec have no more components than they. Else -ERANGE. -EINVAL where the spec wants no frequencies, and errors of
 * ic_tensor_shape. A failure has written nothing. spec->mean and spec->scale are not looked at.
 */
IC_API errint_t ic_statistics_arrange(const struct ic_statistics *statistics, const struct ic_layout *layout,
                                      const struct ic_tensor_spec *spec, float *mean, float *scale, struct ic_why *why);
