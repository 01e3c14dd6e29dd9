/* SPDX-License-Identifier: MIT */
#include "src/version.h"

#include "codec/encode.h"
#include "config.h"
#include "gpu/gpu.h"
#include "src/parts.h"

#include <stdio.h>

void print_version(void)
{
	unsigned cuda = ic_gpu_cuda_version();

	printf("icfs %s\n", ICFS_VERSION);
	printf("  .ic format   version %u\n", IC_VERSION);
	printf("  codec        version %d, %d designs\n", IC_CODEC_VERSION, IC_DESIGN_COUNT);
	printf("  JPEG         libjpeg %s\n", LIBJPEG_VERSION);
	printf("  PNG          libpng %s\n", LIBPNG_VERSION);
	printf("  mount        %s\n", MOUNT_VERSION);
	if (cuda)
		printf("  GPU          CUDA runtime %u.%u\n", cuda / 1000, cuda % 1000 / 10);
	else
		printf("  GPU          not in this build\n");
}
