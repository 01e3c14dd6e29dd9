/* SPDX-License-Identifier: MIT */
#include "search/dataset.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The value of the first line of a file whose key is one of these, up to a NULL. */
static bool find_value(const char *path, const char *const *keys, char *out, size_t size)
{
	char line[512];
	bool found = false;
	FILE *file = fopen(path, "re");

	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *value = strchr(line, ':');
		for (const char *const *key = keys; value && *key && !found; key++) {
			if (strncmp(line, *key, strlen(*key)))
				continue;
			snprintf(out, size, "%s", value + 1 + strspn(value + 1, " \t"));
			found = true;
		}
	}
	if (file)
		fclose(file);
	for (char *c = out; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = *c == '\n' ? 0 : '?';
	return found;
}

/* Which of the keys there is depends on the machine. */
static void find_processor(const char *proc, char *out, size_t size)
{
	static const char *const keys[] = {"model name", "Model", "Hardware", "cpu model", NULL};
	struct utsname machine;
	char path[256];

	snprintf(path, sizeof(path), "%s/cpuinfo", proc);
	if (!find_value(path, keys, out, size) && !uname(&machine))
		snprintf(out, size, "%.60s", machine.machine);
}

/* GPUs that the driver knows, by the model of one of them. */
static size_t find_gpus(const char *proc, char *out, size_t size)
{
	static const char *const keys[] = {"Model", NULL};
	char pattern[256];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/driver/nvidia/gpus/*/information", proc);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	size_t n = find_value(found.gl_pathv[0], keys, out, size) ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

void hardware_name_at(const char *proc, char out[128])
{
	char processor[100] = "", gpu[100] = "";

	find_processor(proc, processor, sizeof(processor));
	size_t ngpus = find_gpus(proc, gpu, sizeof(gpu));
	long nprocessors = sysconf(_SC_NPROCESSORS_ONLN);
	if (ngpus)
		snprintf(out, 128, "%.50s, %ld processors, %zu x %.30s", processor, nprocessors, ngpus, gpu);
	else
		snprintf(out, 128, "%s, %ld processors", processor, nprocessors);
}

void hardware_name(char out[128])
{
	hardware_name_at("/proc", out);
}
