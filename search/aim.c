/* SPDX-License-Identifier: MIT */
#include "search/aim.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct aim aim_default(void)
{
	return (struct aim){.loss.is_set = false};
}

const char *aim_key_name(enum aim_key key)
{
	static const char *const names[AIM_NKEYS] = {
	        [AIM_MAX_LOSS] = "max-loss",
	        [AIM_MAX_TIME] = "max-time",
	        [AIM_MAX_BYTES] = "max-bytes",
	        [AIM_OBJECTIVE] = "objective",
	};

	return names[key];
}

bool aim_says(const struct aim *aim, enum aim_key key)
{
	switch (key) {
	case AIM_MAX_LOSS:
		return aim->loss.is_set;
	case AIM_MAX_TIME:
		return aim->time.is_set;
	case AIM_MAX_BYTES:
		return aim->bytes.is_set;
	default:
		return aim->time_weight + aim->training_weight + aim->space_weight + aim->accuracy_weight > 0;
	}
}

void aim_take(struct aim *aim, const struct aim *from, enum aim_key key)
{
	switch (key) {
	case AIM_MAX_LOSS:
		aim->loss = from->loss;
		break;
	case AIM_MAX_TIME:
		aim->time = from->time;
		break;
	case AIM_MAX_BYTES:
		aim->bytes = from->bytes;
		break;
	default:
		aim->time_weight = from->time_weight;
		aim->training_weight = from->training_weight;
		aim->space_weight = from->space_weight;
		aim->accuracy_weight = from->accuracy_weight;
	}
}

/* --- Text --------------------------------------------------------------------------------------------------------- */

struct unit {
	const char *name;
	double factor;
};

static const struct unit time_units[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {NULL, 0}};
static const struct unit byte_units[] = {{"", 1}, {"K", 1024}, {"M", 1048576}, {NULL, 0}};
static const struct unit loss_units[] = {{"", 1}, {NULL, 0}};

/* A plain decimal number at *text, and past it. No signs, no infinities, no hexadecimal; a point whatever the locale. */
static bool take_decimal(const char **text, double *ret)
{
	double number = 0, place = 1;
	const char *p = *text;
	unsigned ndigits = 0;

	for (; *p >= '0' && *p <= '9'; p++, ndigits++)
		number = number * 10 + (*p - '0');
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, ndigits++)
			number += (*p - '0') * (place /= 10);
	if (!ndigits || ndigits > 24)
		return false;
	*text = p;
	*ret = number;
	return true;
}

static errint_t parse_limit(const char *key, const char *text, const struct unit *units, const char *example,
                            struct aim_limit *ret_limit, struct ic_why *why)
{
	const char *rest = text;
	double value;

	if (take_decimal(&rest, &value)) {
		if (!strcmp(rest, "%")) {
			*ret_limit = (struct aim_limit){true, true, value / 100};
			return 0;
		}
		for (; units->name; units++) {
			if (strcmp(rest, units->name))
				continue;
			*ret_limit = (struct aim_limit){true, false, value * units->factor};
			return 0;
		}
	}
	return ic_fail(why, -EINVAL, "%s: '%.40s' is not of the form %s", key, text, example);
}

static double *weight_of(struct aim *aim, const char *name, size_t n)
{
	struct {
		const char *name;
		double *weight;
	} all[] = {
	        {"time", &aim->time_weight},
	        {"training", &aim->training_weight},
	        {"space", &aim->space_weight},
	        {"accuracy", &aim->accuracy_weight},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strlen(all[i].name) == n && !memcmp(all[i].name, name, n))
			return all[i].weight;
	return NULL;
}

static errint_t parse_objective(const char *text, struct aim *aim, struct ic_why *why)
{
	const char *p = text;
	struct aim parsed = *aim;
	double sum = 0;

	parsed.time_weight = parsed.training_weight = parsed.space_weight = parsed.accuracy_weight = 0;
	for (;;) {
		size_t n = strcspn(p, "=,");
		double *weight = weight_of(&parsed, p, n), value = 1;
		p += n;
		if (!weight || (*p == '=' && (p++, !take_decimal(&p, &value))) || (*p && *p != ','))
			break;
		*weight = value;
		sum += value;
		if (!*p++) {
			if (!(sum > 0))
				break;
			*aim = parsed;
			return 0;
		}
	}
	return ic_fail(why, -EINVAL,
	               "objective: '%.40s' is none of time, training, space, accuracy, and no list of them with "
	               "weights, such as time=1,space=0.5",
	               text);
}

errint_t aim_set(struct aim *aim, const char *key, const char *value, struct ic_why *why)
{
	if (!strcmp(key, "max-time"))
		return parse_limit(key, value, time_units, "2ms, 0.002s or 12%", &aim->time, why);
	if (!strcmp(key, "max-bytes"))
		return parse_limit(key, value, byte_units, "2000, 20K or 12%", &aim->bytes, why);
	if (!strcmp(key, "objective"))
		return parse_objective(value, aim, why);
	if (strcmp(key, "max-loss"))
		return ic_fail(why, -EINVAL, "'%.40s' is none of max-loss, max-time, max-bytes, objective", key);
	struct aim_limit limit;
	errint_t err = parse_limit(key, value, loss_units, "0.5% or 0.005", &limit, why);
	if (err)
		return err;
	limit.is_share = false;
	aim->loss = limit;
	return 0;
}

void aim_complete(struct aim *aim)
{
	bool limits_cost = aim->time.is_set || aim->bytes.is_set;

	if (!aim_says(aim, AIM_OBJECTIVE)) {
		aim->accuracy_weight = limits_cost && !aim->loss.is_set;
		aim->time_weight = !aim->accuracy_weight;
	}
	if (!limits_cost && !aim->loss.is_set && !(aim->accuracy_weight > 0))
		aim->loss = (struct aim_limit){.is_set = true, .value = 0.005};
}

/* In the form that take_decimal reads. */
static void put_decimal(FILE *out, double number)
{
	char text[64];
	size_t n = (size_t)snprintf(text, sizeof(text), "%.9f", number);

	n = n < sizeof(text) ? n : sizeof(text) - 1;
	while (n && text[n - 1] == '0')
		n--;
	if (n && text[n - 1] == '.')
		n--;
	fwrite(text, 1, n, out);
}

static void put_limit(FILE *out, const struct aim_limit *limit, const char *unit)
{
	put_decimal(out, limit->is_share ? limit->value * 100 : limit->value);
	fputs(limit->is_share ? "%" : unit, out);
}

static void put_objective(FILE *out, const struct aim *aim)
{
	const struct {
		const char *name;
		double weight;
	} all[] = {
	        {"time", aim->time_weight},
	        {"training", aim->training_weight},
	        {"space", aim->space_weight},
	        {"accuracy", aim->accuracy_weight},
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!(all[i].weight > 0))
			continue;
		fprintf(out, "%s%s", between, all[i].name);
		between = ",";
		if (all[i].weight == 1)
			continue;
		putc('=', out);
		put_decimal(out, all[i].weight);
	}
}

static void put_value(FILE *out, const struct aim *aim, enum aim_key key)
{
	switch (key) {
	case AIM_MAX_LOSS:
		put_limit(out, &aim->loss, "");
		break;
	case AIM_MAX_TIME:
		put_limit(out, &aim->time, "s");
		break;
	case AIM_MAX_BYTES:
		put_limit(out, &aim->bytes, "");
		break;
	default:
		put_objective(out, aim);
	}
}

void aim_print(const struct aim *aim, char out[AIM_TEXT_SIZE])
{
	FILE *stream = fmemopen(out, AIM_TEXT_SIZE, "w");
	const char *between = "";

	*out = 0;
	if (!stream)
		return;
	if (aim->keeps_proportions) {
		fputs(AIM_KEEPS_PROPORTIONS, stream);
		between = " ";
	}
	for (enum aim_key key = 0; key < AIM_NKEYS; key++) {
		if (!aim_says(aim, key))
			continue;
		fprintf(stream, "%s%s=", between, aim_key_name(key));
		put_value(stream, aim, key);
		between = " ";
	}
	fclose(stream);
}

void aim_print_value(const struct aim *aim, enum aim_key key, char out[AIM_TEXT_SIZE])
{
	FILE *stream = fmemopen(out, AIM_TEXT_SIZE, "w");

	*out = 0;
	if (!stream)
		return;
	put_value(stream, aim, key);
	fclose(stream);
}

/* --- Judging ------------------------------------------------------------------------------------------------------ */

bool aim_admits(const struct aim *aim, const struct ic_design *design)
{
	return !aim->keeps_proportions || design->sx == design->sy;
}

static bool is_within(const struct aim_limit *limit, double cost, double reference)
{
	return !limit->is_set || cost <= limit->value * (limit->is_share ? reference : 1);
}

bool aim_affords(const struct aim *aim, const struct design_cost *cost, const struct design_cost *reference)
{
	return is_within(&aim->time, cost->infer_s, reference->infer_s) &&
	       is_within(&aim->bytes, cost->nbytes, reference->nbytes);
}

static double part_of(const struct aim_limit *limit, double cost, double reference)
{
	return limit->is_set ? cost / (limit->value * (limit->is_share ? reference : 1)) : 0;
}

double aim_excess(const struct aim *aim, const struct design_cost *cost, const struct design_cost *reference)
{
	return fmax(part_of(&aim->time, cost->infer_s, reference->infer_s),
	            part_of(&aim->bytes, cost->nbytes, reference->nbytes));
}

static double log_share(double cost, double reference)
{
	return cost > 0 && reference > 0 ? log(cost / reference) : 0;
}

double aim_value(const struct aim *aim, const struct design_cost *cost, const struct design_cost *reference,
                 double accuracy, double full)
{
	return aim->time_weight * log_share(cost->infer_s, reference->infer_s) +
	       aim->training_weight * log_share(cost->train_s, reference->train_s) +
	       aim->space_weight * log_share(cost->nbytes, reference->nbytes) +
	       aim->accuracy_weight * 100 * (full - accuracy);
}

double aim_slope(const struct aim *aim)
{
	return -100 * aim->accuracy_weight;
}

double aim_floor(const struct aim *aim, double full)
{
	return aim->loss.is_set ? full - aim->loss.value : -(double)INFINITY;
}
