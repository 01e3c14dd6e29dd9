/* SPDX-License-Identifier: MIT */
/*
 * aim.h: what a search is to find: which designs may be chosen, what they may cost and lose, and which is the best then.
 *
 * As text, in options and in policy files:
 *
 *   max-loss   0.5%, 0.005      accuracy lost against the reference, absolute: 0.5% is half a point
 *   max-time   2ms, 0.002s, 12% seconds an image takes to read, decode and judge, or a share of the reference's
 *   max-bytes  20K, 12%         bytes of an object on average, or a share of the reference's
 *   objective  time, training, space, accuracy, or weights of them: time=1,space=0.5
 *
 * The reference is the default design, s1x1-b8-k15-q8, which has all pixels and frequencies in 8 bits. All functions are pure
 * and thread safe.
 */
#pragma once

#include "search/cost.h"

struct aim_limit {
	bool is_set, is_share; /* a share of the reference's */
	double value;
};

struct aim {
	bool keeps_proportions; /* nothing but designs that sample columns and rows alike: s1x1, s2x2, s4x4 */
	struct aim_limit loss, time, bytes; /* loss is never a share */
	/* To be minimized: the sum of each weight times the natural logarithm of a cost over the reference's, and
	 * times the points (hundredths) of accuracy lost. */
	double time_weight, training_weight, space_weight, accuracy_weight;
};

/* Nothing is asked for. */
struct aim aim_default(void);

enum aim_key {
	AIM_MAX_LOSS,
	AIM_MAX_TIME,
	AIM_MAX_BYTES,
	AIM_OBJECTIVE,
	AIM_NKEYS,
};
const char *aim_key_name(enum aim_key key); /* "max-loss" */

/* Take one key and its value. -EINVAL, with what was expected. */
errint_t aim_set(struct aim *aim, const char *key, const char *value, struct ic_why *why);

/* Whether a key was set, and to take what another aim says under it. */
bool aim_says(const struct aim *aim, enum aim_key key);
void aim_take(struct aim *aim, const struct aim *from, enum aim_key key);

/* What nobody said: without an objective, accuracy where a cost is limited, else time; without any limit, a loss of half a
 * point at most, where the objective is no accuracy. */
void aim_complete(struct aim *aim);

/* "max-loss=0.005 objective=time", always the same for the same aim, and what aim_set reads; where proportions are kept, which
 * is no key, that comes before. */
#define AIM_KEEPS_PROPORTIONS "keep-proportions"
#define AIM_TEXT_SIZE 200
void aim_print(const struct aim *aim, char out[AIM_TEXT_SIZE]);

/* The value of a key that was set, alone: "0.005", "12%", "time,space=0.5". */
void aim_print_value(const struct aim *aim, enum aim_key key, char out[AIM_TEXT_SIZE]);

/* Whether a design may be chosen at all, whatever it costs. */
bool aim_admits(const struct aim *aim, const struct ic_design *design);

/* Whether a design costs no more than is allowed. */
bool aim_affords(const struct aim *aim, const struct design_cost *cost, const struct design_cost *reference);

/* The largest of its costs, each as a part of what is allowed: more than 1 where it costs too much; 0 without limits. */
double aim_excess(const struct aim *aim, const struct design_cost *cost, const struct design_cost *reference);

/* What is to be minimized, of a design that has this accuracy where the reference has `full`; a change of 1 in accuracy
 * changes it by aim_slope. */
double aim_value(const struct aim *aim, const struct design_cost *cost, const struct design_cost *reference,
                 double accuracy, double full);
double aim_slope(const struct aim *aim); /* negative or 0 */

/* The least accuracy that is allowed; -INFINITY where there is no limit. */
double aim_floor(const struct aim *aim, double full);
