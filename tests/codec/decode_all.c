/* SPDX-License-Identifier: MIT */
#include "decode_all.h"

#include "guard.h"

#include <string.h>

#define GAP 5
#define CANARY 0xa5

/* Rows of `width` bytes, GAP of canaries between them, nothing behind the last. */
struct canvas {
	struct guard guard;
	uint8_t *bytes;
	size_t width, height, stride;
};

static struct canvas canvas_new(size_t width, size_t height)
{
	size_t stride = width + GAP, nbytes = stride * (height - 1) + width;
	struct canvas canvas = {guard_new(nbytes), NULL, width, height, stride};
	canvas.bytes = guard_tail(&canvas.guard, nbytes);
	memset(canvas.bytes, CANARY, nbytes);
	return canvas;
}

/* Whether the gaps are as they were. Clears the canvas. */
static bool canvas_close(struct canvas *canvas)
{
	bool whole = true;
	for (size_t row = 0; row + 1 < canvas->height; row++)
		for (size_t x = canvas->width; x < canvas->stride; x++)
			whole = whole && canvas->bytes[row * canvas->stride + x] == CANARY;
	guard_clear(&canvas->guard);
	return whole;
}

static const char *decode_component(const struct ic_view *view, unsigned c)
{
	const struct ic_component *component = &view->layout.component[c];
	size_t nbytes = view->layout.nfreqs * component->nblocks * sizeof(int16_t);
	struct guard coefs = guard_new(nbytes);
	errint_t err = ic_decode_coefficients(view, c, guard_tail(&coefs, nbytes));
	guard_clear(&coefs);
	if (err)
		return "ic_decode_coefficients failed";

	struct canvas canvas = canvas_new(component->width, component->height);
	err = ic_decode_component(view, c, canvas.bytes, canvas.stride);
	if (!canvas_close(&canvas))
		return "ic_decode_component wrote between the rows";
	return err ? "ic_decode_component failed" : NULL;
}

const char *decode_all(const struct ic_view *view)
{
	const char *problem = NULL;
	for (unsigned c = 0; c < view->layout.ncomponents && !problem; c++)
		problem = decode_component(view, c);
	if (problem)
		return problem;

	struct canvas canvas = canvas_new((size_t)3 * view->layout.width, view->layout.height);
	errint_t err = ic_decode_rgb(view, canvas.bytes, canvas.stride);
	if (!canvas_close(&canvas))
		return "ic_decode_rgb wrote between the rows";
	return err ? "ic_decode_rgb failed" : NULL;
}
