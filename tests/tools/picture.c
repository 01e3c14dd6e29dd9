/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define OCTAVES 7
#define SHAPES_MAX 9

enum shape_kind {
	SHAPE_ELLIPSE,
	SHAPE_BOX,
	SHAPE_DIAMOND,
	SHAPE_KINDS,
};

struct shape {
	float x, y, rx, ry; /* centre and half axes, in units of the picture's shorter side */
	float light;        /* brightness against the class's accent colour */
};

/* What a picture shows. Lengths are in units of the shorter side, colours 0..255. */
struct scene {
	uint32_t seed;
	float sky[3], ground[3], accent[3];
	float horizon, tilt;
	float stripe_x, stripe_y, stripe_depth;
	float roughness;
	enum shape_kind kind;
	unsigned nshapes;
	struct shape shapes[SHAPES_MAX];
};

uint32_t picture_hash(uint32_t seed, uint32_t n)
{
	uint32_t h = seed * 0x9e3779b1u + n * 0x85ebca77u + 0x165667b1u;

	h = (h ^ (h >> 15)) * 0x2c1b3c6du;
	h = (h ^ (h >> 12)) * 0x297a2d39u;
	return h ^ (h >> 15);
}

/* In [low, high). */
static float pick(uint32_t seed, uint32_t n, float low, float high)
{
	return low + (high - low) * (float)(picture_hash(seed, n) >> 8) / 16777216.0f;
}

static float lattice(uint32_t seed, int32_t x, int32_t y)
{
	return pick(picture_hash(seed, (uint32_t)x), (uint32_t)y, -1.0f, 1.0f);
}

static float smooth(float t)
{
	return t * t * (3.0f - 2.0f * t);
}

static float value_noise(uint32_t seed, float x, float y)
{
	const float fx = floorf(x), fy = floorf(y);
	const int32_t ix = (int32_t)fx, iy = (int32_t)fy;
	const float tx = smooth(x - fx), ty = smooth(y - fy);
	const float top = lattice(seed, ix, iy) * (1.0f - tx) + lattice(seed, ix + 1, iy) * tx;
	const float bottom = lattice(seed, ix, iy + 1) * (1.0f - tx) + lattice(seed, ix + 1, iy + 1) * tx;

	return top * (1.0f - ty) + bottom * ty;
}

static float fractal_noise(uint32_t seed, float x, float y, unsigned octaves)
{
	float sum = 0.0f, amplitude = 1.0f, frequency = 2.0f;

	for (unsigned i = 0; i < octaves; i++) {
		sum += amplitude * value_noise(seed + i, x * frequency, y * frequency);
		amplitude *= 0.75f; /* about the bytes a pixel that photographs of this size take as JPEG */
		frequency *= 2.0f;
	}
	return sum;
}

static void scene_init(struct scene *scene, uint32_t class_seed, uint32_t picture_seed)
{
	const uint32_t seed = picture_hash(class_seed, picture_seed);
	const float brightness = pick(seed, 1, 0.75f, 1.15f);

	scene->seed = seed;
	for (uint32_t c = 0; c < 3; c++) {
		scene->sky[c] =
		        brightness * (pick(class_seed, 10, 120.0f, 210.0f) + pick(class_seed, 20 + c, -40.0f, 40.0f));
		scene->ground[c] =
		        brightness * (pick(class_seed, 11, 50.0f, 130.0f) + pick(class_seed, 30 + c, -40.0f, 40.0f));
		scene->accent[c] = brightness * pick(class_seed, 40 + c, 20.0f, 220.0f);
	}
	scene->horizon = pick(seed, 2, 0.3f, 0.8f);
	scene->tilt = pick(seed, 3, -0.3f, 0.3f);
	scene->stripe_x = pick(class_seed, 4, -24.0f, 24.0f);
	scene->stripe_y = pick(class_seed, 5, -24.0f, 24.0f);
	scene->stripe_depth = pick(class_seed, 6, 5.0f, 45.0f);
	scene->roughness = pick(class_seed, 7, 25.0f, 55.0f) * pick(seed, 7, 0.6f, 1.4f);
	scene->kind = (enum shape_kind)(class_seed % SHAPE_KINDS);
	scene->nshapes = 3 + picture_hash(seed, 8) % (SHAPES_MAX - 2);
	for (uint32_t i = 0; i < scene->nshapes; i++) {
		scene->shapes[i] = (struct shape){
		        .x = pick(seed, 100 + i, 0.0f, 1.3f),
		        .y = pick(seed, 200 + i, 0.0f, 1.3f),
		        .rx = pick(seed, 300 + i, 0.04f, 0.3f),
		        .ry = pick(seed, 400 + i, 0.04f, 0.3f),
		        .light = pick(seed, 500 + i, 0.5f, 1.2f),
		};
	}
}

static bool shape_holds(enum shape_kind kind, const struct shape *shape, float x, float y)
{
	const float dx = fabsf(x - shape->x) / shape->rx, dy = fabsf(y - shape->y) / shape->ry;

	switch (kind) {
	case SHAPE_ELLIPSE:
		return dx * dx + dy * dy < 1.0f;
	case SHAPE_BOX:
		return dx < 1.0f && dy < 1.0f;
	default:
		return dx + dy < 1.0f;
	}
}

/* Brightness of the shape in front, 0 where only the background shows. */
static float scene_shape_light(const struct scene *scene, float x, float y)
{
	for (unsigned i = scene->nshapes; i-- > 0;) {
		const struct shape *shape = &scene->shapes[i];

		if (shape_holds(scene->kind, shape, x, y))
			return shape->light * (1.0f - 0.4f * (y - shape->y) / shape->ry);
	}
	return 0.0f;
}

static uint8_t to_byte(float value)
{
	if (value <= 0.0f)
		return 0;
	return value >= 255.0f ? 255 : (uint8_t)(value + 0.5f);
}

static void scene_pixel(const struct scene *scene, float x, float y, uint32_t n, uint8_t *out)
{
	const float noise = fractal_noise(scene->seed, x, y, OCTAVES);
	const float tint = fractal_noise(scene->seed + 99, x, y, 2);
	const float depth = (y - scene->horizon + scene->tilt * x) * 4.0f + 0.5f;
	const float below = depth <= 0.0f ? 0.0f : depth >= 1.0f ? 1.0f : smooth(depth);
	const float phase = scene->stripe_x * x + scene->stripe_y * y + 0.7f * noise;
	const float stripe = (fabsf(phase - floorf(phase) - 0.5f) - 0.25f) * scene->stripe_depth * (0.3f + below);
	const float light = scene_shape_light(scene, x, y);
	const float grain = pick(scene->seed, n, -7.0f, 7.0f);

	for (unsigned c = 0; c < 3; c++) {
		float value = scene->sky[c] + (scene->ground[c] - scene->sky[c]) * below + stripe;

		if (light > 0.0f)
			value = scene->accent[c] * light;
		value += noise * scene->roughness * (0.4f + 0.6f * below) + grain;
		value += tint * (c == 0 ? 18.0f : c == 2 ? -18.0f : 4.0f);
		out[c] = to_byte(value);
	}
}

struct picture picture_new(uint32_t width, uint32_t height, uint32_t class_seed, uint32_t picture_seed)
{
	const float scale = 1.0f / (float)(width < height ? width : height);
	struct picture picture = {width, height, malloc((size_t)3 * width * height)};
	struct scene scene;

	if (!picture.rgb) {
		perror("picture");
		exit(EXIT_FAILURE);
	}
	scene_init(&scene, class_seed, picture_seed);
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			const size_t n = (size_t)y * width + x;

			scene_pixel(&scene, (float)x * scale, (float)y * scale, (uint32_t)n, picture.rgb + 3 * n);
		}
	}
	return picture;
}

void picture_clear(struct picture *picture)
{
	free(picture->rgb);
	*picture = (struct picture){0};
}
