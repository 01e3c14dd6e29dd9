/* SPDX-License-Identifier: MIT */
/*
 * mkhostile SEED N: N damaged objects and N of noise behind a good header, those that test_hostile tries with this seed, to
 * standard output, each behind its number of bytes (32 bits, little endian): for the tests of other languages.
 */
#include "hostile_samples.h"

#include <stdio.h>
#include <stdlib.h>

static void put(const uint8_t *bytes, size_t nbytes)
{
	for (unsigned i = 0; i < 4; i++)
		putchar((int)(nbytes >> 8 * i & 0xff));
	fwrite(bytes, 1, nbytes, stdout);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: mkhostile SEED N\n");
		return 2;
	}
	uint64_t seed = strtoull(argv[1], NULL, 10);
	unsigned n = (unsigned)strtoul(argv[2], NULL, 10);
	struct samples samples = object_samples();
	struct dice dice = dice_new(seed), noise = dice_new(seed);

	for (unsigned i = 0; i < n; i++) {
		size_t nbytes;
		uint8_t *mutant = mutant_new(&dice, samples.list, NSAMPLES, &nbytes);
		struct bytes noisy = noisy_object(&noise, i);

		put(mutant, nbytes);
		put(noisy.data, noisy.nbytes);
		free(mutant);
		free(noisy.data);
	}
	samples_clear(&samples);
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
