/* SPDX-License-Identifier: MIT */
#include "fs/priority.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/ioprio.h, which older systems lack */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)

void priority_become_idle(void)
{
	struct sched_param param = {0};

	sched_setscheduler(0, SCHED_IDLE, &param);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}
