/* SPDX-License-Identifier: MIT */
/*
 * attempt.h: hostile bytes, and what must hold whatever they are. The fuzz targets and test_hostile share it.
 *
 * Each attempt returns NULL, or what was wrong: an undocumented error, a size that is not the promised one, an accepted
 * object that does not decode. Crashes are left to the sanitizers and to guard.h: input lies at the end of a page.
 */
#pragma once

#include "dice.h"

/* As a JPEG, to a design that follows from the bytes: probe, encode, parse, decode, present, derive; markers. */
const char *attempt_encode(const uint8_t *bytes, size_t nbytes);

/* As an .ic file, and as a head of one: parse, decode, make tensors of, present, derive. */
const char *attempt_view(const uint8_t *bytes, size_t nbytes);

/* As a source of either kind, under a design that mostly is an .ic file's own, and each face: a size that is promised from
 * the head alone holds, and no more memory is asked for than the limits and the source allow. */
const char *attempt_source(const uint8_t *bytes, size_t nbytes);

/* As the text of a design: parse, print, parse. */
const char *attempt_design(const uint8_t *bytes, size_t nbytes);

struct sample {
	const uint8_t *bytes;
	size_t nbytes;
};

/* One of the samples, damaged: bits flipped, bytes set, runs cut out, repeated or taken from another sample, the end cut
 * off; at most MUTANT_GROWTH bytes longer. Malloc'ed. */
#define MUTANT_GROWTH 4096
uint8_t *mutant_new(struct dice *dice, const struct sample *samples, size_t nsamples, size_t *ret_nbytes);
