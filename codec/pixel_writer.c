/* SPDX-License-Identifier: MIT */
#include "codec/pixel_writer_priv.h"

#include <string.h>

void pixel_writer_init(struct pixel_writer *writer, const struct tensor_job *job)
{
	const struct ic_tensor_spec *spec = job->spec;
	writer->job = job;
	if (spec->type == IC_UINT8)
		return;
	for (unsigned i = 0; i < 3 * PIXEL_NUMBERS; i++) {
		struct pixel_numbers *numbers = &writer->numbers[i / PIXEL_NUMBERS];
		unsigned channel = spec->axes == IC_NHWC ? i % 3 : i / PIXEL_NUMBERS;
		numbers->mean[i % PIXEL_NUMBERS] = tensor_mean(spec, channel);
		numbers->scale[i % PIXEL_NUMBERS] = tensor_scale(spec, channel);
	}
}

void pixel_writer_values(const struct pixel_writer *writer, const uint8_t *in, size_t n, unsigned channel, void *out)
{
	const struct pixel_kernel *kernel = writer->job->kernel->pixel;
	const struct pixel_numbers *numbers = &writer->numbers[channel];
	if (writer->job->spec->type == IC_UINT8)
		memcpy(out, in, n);
	else if (writer->job->spec->type == IC_FLOAT16)
		kernel->to_f16(in, n, numbers, out);
	else if (writer->job->spec->type == IC_BFLOAT16)
		kernel->to_bf16(in, n, numbers, out);
	else
		kernel->to_f32(in, n, numbers, out);
}

void pixel_writer_row(const struct pixel_writer *writer, uint32_t row, const uint8_t *const rgb[3], size_t n,
                      uint8_t *joined)
{
	const struct tensor_job *job = writer->job;
	size_t line_nbytes = (size_t)job->shape.width * job->shape.value_nbytes;
	if (job->spec->axes == IC_NHWC) {
		uint8_t *out = (uint8_t *)job->out + 3 * row * line_nbytes;
		bool is_direct = job->spec->type == IC_UINT8;
		job->kernel->pixel->interleave(rgb, n, is_direct ? out : joined);
		if (!is_direct)
			pixel_writer_values(writer, joined, 3 * n, 0, out);
		return;
	}
	for (unsigned c = 0; c < 3; c++)
		pixel_writer_values(writer, rgb[c], n, c,
		                    (uint8_t *)job->out + ((size_t)c * job->shape.height + row) * line_nbytes);
}
