/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded into Bochs 2.7, whose VCVTPS2PH rounds what lies halfway between two numbers of half precision away from
 * zero: line 286 of its cpu/fpu/softfloat-round-pack.cc looks for 0x10 among four bits, instead of 0x8. A jump to what is right
 * is put where that function begins; its name is exported, but it is called directly. For scripts/test-avx512.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* `sig` has 4 bits more than the result. Flags are not raised: what is emulated here reads none. status[1] is the mode. */
static uint16_t round_and_pack(int sign, int16_t exponent, uint16_t sig, const int *status)
{
	enum { EVEN, DOWN, UP, ZERO };
	const int mode = status[1];
	const unsigned add = mode == EVEN ? 8 : mode == ZERO || (mode == UP) == sign ? 0 : 15;
	unsigned s = sig;
	int e = exponent;

	if (e > 0x1d || (e == 0x1d && s + add >= 0x8000))
		return (uint16_t)((unsigned)sign << 15 | (0x7c00 - (add == 0)));
	if (e < 0) {
		s = e <= -16 ? s != 0 : s >> -e | ((s & ((1u << -e) - 1)) != 0);
		e = 0;
	}
	unsigned result = (s + add) >> 4;
	if (mode == EVEN && (s & 15) == 8)
		result &= ~1u;
	return (uint16_t)(((unsigned)sign << 15) + (result ? (unsigned)e << 10 : 0) + result);
}

__attribute__((constructor)) static void mend(void)
{
	unsigned char *at = dlsym(RTLD_DEFAULT, "_Z19roundAndPackFloat16istR14float_status_t");
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)at & ~(page - 1);
	unsigned char jump[12] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; /* mov $to, %rax; jmp *%rax */
	uint16_t (*to)(int, int16_t, uint16_t, const int *) = round_and_pack;

	if (!at)
		return; /* the shell that starts it */
	memcpy(jump + 2, &to, 8);
	if (mprotect((void *)from, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC)) {
		perror("halves: mprotect");
		exit(1);
	}
	memcpy(at, jump, sizeof jump);
	if (mprotect((void *)from, 2 * page, PROT_READ | PROT_EXEC))
		perror("halves: mprotect");
	fprintf(stderr, "halves: mended\n");
}
