/* SPDX-License-Identifier: MIT */
#include "search/command_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

static const char *const names[COMMAND_NNUMBERS] = {
        [COMMAND_LOG_LOSS] = "log_loss",         [COMMAND_NIMAGES] = "images",
        [COMMAND_INFER_S] = "infer_s",           [COMMAND_TRAIN_S] = "train_s",
        [COMMAND_IMAGES_PER_S] = "images_per_s", [COMMAND_WAIT_SHARE] = "wait_share",
};

void command_output_init(struct command_output *output, const char *metric)
{
	*output = (struct command_output){.metric = metric};
	for (unsigned i = 0; i < COMMAND_NNUMBERS; i++)
		output->number[i] = (double)NAN;
}

/* The number that all of the text is; NAN for any other, and for "nan". */
static double number_of(const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end)
		return (double)NAN;
	return isfinite(number) ? number : (double)NAN;
}

static void note(struct command_output *output, unsigned which, const char *value)
{
	double number = number_of(value);

	if (which == COMMAND_METRIC && isnan(number)) {
		snprintf(output->nonsense, sizeof(output->nonsense), "%.58s", *value ? value : "nothing");
		for (char *c = output->nonsense; *c; c++)
			*c = isprint((unsigned char)*c) ? *c : '?';
	}
	output->times[which] += !output->times[which] || number != output->number[which];
	output->number[which] = number;
}

static void end_line(struct command_output *output)
{
	char *line = output->line;
	size_t n = output->nline;

	output->nline = 0;
	if (n >= COMMAND_LINE_MAX)
		return;
	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	line[n] = 0;
	while (isspace((unsigned char)*line))
		line++;
	char *equals = strchr(line, '=');
	if (!equals)
		return;
	*equals = 0;
	for (unsigned i = 0; i < COMMAND_NNUMBERS; i++)
		if (!strcmp(line, i == COMMAND_METRIC ? output->metric : names[i]))
			note(output, i, equals + 1);
}

void command_output_add(struct command_output *output, const char *bytes, size_t nbytes)
{
	for (size_t i = 0; i < nbytes; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			end_line(output);
		else if (output->nline < COMMAND_LINE_MAX - 1)
			output->line[output->nline++] = bytes[i];
		else
			output->nline = COMMAND_LINE_MAX;
	}
}

errint_t command_output_end(struct command_output *output, struct ic_why *why)
{
	const char *metric = output->metric;

	end_line(output);
	if (!output->times[COMMAND_METRIC])
		return ic_fail(why, -EBADMSG, "no line %.40s=NUMBER", metric);
	if (*output->nonsense)
		return ic_fail(why, -EBADMSG, "%.40s=%s is no finite number", metric, output->nonsense);
	if (output->times[COMMAND_METRIC] > 1)
		return ic_fail(why, -EBADMSG, "%u lines %.40s=NUMBER with differing numbers, one is wanted",
		               output->times[COMMAND_METRIC], metric);
	/* What limits of loss are told in; other measures have other names. */
	double value = output->number[COMMAND_METRIC];
	if (!strcmp(metric, COMMAND_ACCURACY) && !(value >= 0 && value <= 1))
		return ic_fail(why, -EBADMSG, "accuracy=%.6g is no share from 0 to 1 (93 %% is 0.93)", value);
	return 0;
}

double command_output_number(const struct command_output *output, enum command_number number)
{
	double value = output->times[number] == 1 ? output->number[number] : (double)NAN;

	return number == COMMAND_METRIC || value >= 0 ? value : (double)NAN;
}

/* --- The log ------------------------------------------------------------------------------------------------------ */

static void write_all(struct command_log *log, const char *bytes, size_t nbytes)
{
	while (log->fd >= 0 && nbytes) {
		ssize_t n = write(log->fd, bytes, nbytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(log->fd);
			log->fd = -1;
			return;
		}
		bytes += n;
		nbytes -= (size_t)n;
	}
}

void command_log_open(struct command_log *log, const char *path, size_t nbytes)
{
	*log = (struct command_log){
	        .fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666),
	        .head_nbytes = nbytes / 2,
	        .ring = malloc(nbytes - nbytes / 2),
	        .ring_nbytes = nbytes - nbytes / 2,
	};
	if (!log->ring)
		log->ring_nbytes = 0;
}

void command_log_add(struct command_log *log, const char *bytes, size_t nbytes)
{
	size_t n = log->head_nbytes - log->written;

	n = n < nbytes ? n : nbytes;
	write_all(log, bytes, n);
	log->written += n;
	while (n < nbytes && log->ring_nbytes) {
		size_t at = log->ring_total % log->ring_nbytes, most = log->ring_nbytes - at;
		most = most < nbytes - n ? most : nbytes - n;
		memcpy(log->ring + at, bytes + n, most);
		log->ring_total += most;
		n += most;
	}
}

void command_log_close(struct command_log *log, const char *last_line)
{
	char line[64];

	if (log->ring_total > log->ring_nbytes) {
		size_t at = log->ring_total % log->ring_nbytes;
		int n = snprintf(line, sizeof(line), "\n[%llu bytes are left out]\n",
		                 log->ring_total - log->ring_nbytes);
		write_all(log, line, (size_t)n);
		write_all(log, log->ring + at, log->ring_nbytes - at);
		write_all(log, log->ring, at);
	} else {
		write_all(log, log->ring, (size_t)log->ring_total);
	}
	write_all(log, last_line, strlen(last_line));
	if (log->fd >= 0)
		close(log->fd);
	free(log->ring);
}
