/* SPDX-License-Identifier: MIT */
#include "search/dataset.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The value of the first line of /proc/cpuinfo whose key is one of these; which of them there is depends on the machine. */
static bool find_processor(char *out, size_t size)
{
	static const char *const keys[] = {"model name", "Model", "Hardware", "cpu model"};
	char line[512];
	bool found = false;
	FILE *file = fopen("/proc/cpuinfo", "re");

	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');
		for (size_t i = 0; colon && i < sizeof(keys) / sizeof(*keys); i++) {
			if (strncmp(line, keys[i], strlen(keys[i])) || colon[1] != ' ' || found)
				continue;
			snprintf(out, size, "%s", colon + 2);
			found = true;
		}
	}
	if (file)
		fclose(file);
	return found;
}

void hardware_name(char out[128])
{
	char processor[100] = "";
	struct utsname machine;

	if (!find_processor(processor, sizeof(processor)) && !uname(&machine))
		snprintf(processor, sizeof(processor), "%.60s", machine.machine);
	for (char *c = processor; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = *c == '\n' ? 0 : '?';
	snprintf(out, 128, "%s, %ld processors", processor, sysconf(_SC_NPROCESSORS_ONLN));
}
