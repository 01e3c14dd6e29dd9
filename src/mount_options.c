/* SPDX-License-Identifier: MIT */
#include "src/mount_options.h"
#include "src/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *name;
	const char *argument; /* NULL where it takes none */
	const char *help;
	errint_t (*apply)(struct mount_options *options, const char *value, struct ic_why *why);
};

static errint_t apply_design(struct mount_options *options, const char *value, struct ic_why *why)
{
	return policy_set_design(&options->settings.policy, value, why);
}

static errint_t apply_face(struct mount_options *options, const char *value, struct ic_why *why)
{
	return policy_set_face(&options->settings.policy, value, why);
}

static errint_t apply_metadata(struct mount_options *options, const char *value, struct ic_why *why)
{
	return policy_set_metadata(&options->settings.policy, value, why);
}

static errint_t apply_catalog(struct mount_options *options, const char *value, struct ic_why *why)
{
	if (!*value)
		return ic_fail(why, -EINVAL, "expected a file, or none");
	options->settings.catalog = strcmp(value, "none") ? value : "";
	return 0;
}

static errint_t apply_store(struct mount_options *options, const char *value, struct ic_why *why)
{
	if (!*value)
		return ic_fail(why, -EINVAL, "expected a directory");
	options->settings.store.directory = value;
	return 0;
}

static errint_t apply_store_size(struct mount_options *options, const char *value, struct ic_why *why)
{
	return parse_size(value, 0, UINT64_MAX, &options->settings.store.nbytes_max, why);
}

static errint_t apply_store_keep_free(struct mount_options *options, const char *value, struct ic_why *why)
{
	return parse_size(value, 0, UINT64_MAX, &options->settings.store.free_nbytes_min, why);
}

static errint_t apply_warm(struct mount_options *options, const char *value, struct ic_why *why)
{
	options->settings.warm = true;
	return 0;
}

static errint_t apply_search(struct mount_options *options, const char *value, struct ic_why *why)
{
	if (strcmp(value, "idle") && strcmp(value, "none"))
		return ic_fail(why, -EINVAL, "expected idle or none");
	options->settings.search.is_on = !strcmp(value, "idle");
	return 0;
}

static errint_t apply_search_time(struct mount_options *options, const char *value, struct ic_why *why)
{
	return parse_number(value, 0, UINT32_MAX, &options->settings.search.seconds_max, why);
}

static errint_t apply_search_memory(struct mount_options *options, const char *value, struct ic_why *why)
{
	return parse_size(value, (uint64_t)128 << 20, INT64_MAX, &options->settings.search.memory_nbytes, why);
}

static errint_t apply_search_disk(struct mount_options *options, const char *value, struct ic_why *why)
{
	return parse_size(value, 0, INT64_MAX, &options->settings.search.disk_nbytes, why);
}

static errint_t apply_search_evaluations(struct mount_options *options, const char *value, struct ic_why *why)
{
	uint64_t n;
	errint_t err = parse_number(value, 4, IC_DESIGN_COUNT, &n, why);

	if (!err)
		options->settings.search.nevaluations = (unsigned)n;
	return err;
}

static errint_t apply_policy(struct mount_options *options, const char *value, struct ic_why *why)
{
	options->settings.policy_file = value;
	return 0;
}

static errint_t apply_cache(struct mount_options *options, const char *value, struct ic_why *why)
{
	return parse_size(value, 0, UINT64_MAX, &options->settings.cache_nbytes, why);
}

static errint_t apply_pixels(struct mount_options *options, const char *value, struct ic_why *why)
{
	return apply_limit_pixels(&options->settings.limits, value, why);
}

static errint_t apply_memory(struct mount_options *options, const char *value, struct ic_why *why)
{
	return apply_limit_memory(&options->settings.limits, value, why);
}

static errint_t apply_scans(struct mount_options *options, const char *value, struct ic_why *why)
{
	return apply_limit_scans(&options->settings.limits, value, why);
}

static errint_t apply_threads(struct mount_options *options, const char *value, struct ic_why *why)
{
	uint64_t n;
	errint_t err = parse_number(value, 1, 1024, &n, why);

	if (!err)
		options->settings.threads = (unsigned)n;
	return err;
}

static errint_t apply_staleness(struct mount_options *options, const char *value, struct ic_why *why)
{
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || *end || !(seconds >= 0 && seconds <= 86400))
		return ic_fail(why, -EINVAL, "expected seconds, 0 to 86400, not '%s'", value);
	options->settings.staleness = seconds;
	return 0;
}

static errint_t apply_nowatch(struct mount_options *options, const char *value, struct ic_why *why)
{
	options->settings.no_watch = true;
	return 0;
}

static errint_t apply_follow(struct mount_options *options, const char *value, struct ic_why *why)
{
	options->settings.follow = SOURCE_FOLLOW_ALL;
	return 0;
}

static errint_t apply_follow_files(struct mount_options *options, const char *value, struct ic_why *why)
{
	options->settings.follow = SOURCE_FOLLOW_FILES;
	return 0;
}

static errint_t apply_log_level(struct mount_options *options, const char *value, struct ic_why *why)
{
	return log_level_parse(value, &options->log_level, why);
}

static errint_t apply_log(struct mount_options *options, const char *value, struct ic_why *why)
{
	options->log_target = value;
	return 0;
}

/* Always on. */
static errint_t apply_nothing(struct mount_options *options, const char *value, struct ic_why *why)
{
	return 0;
}

static errint_t refuse_writing(struct mount_options *options, const char *value, struct ic_why *why)
{
	return ic_fail(why, -EINVAL, "a mount of icfs is read-only");
}

static const struct entry entries[] = {
        {"design", "DESIGN", "design where no .icpolicy says one (default s1x1-b8-k15-q8), or auto", apply_design},
        {"face", "FACE", "ic, jpeg, bmp or orig, where no .icpolicy says one (default ic)", apply_face},
        {"metadata", "WORD", "under the face jpeg, keep or drop a source's own (default drop)", apply_metadata},
        {"catalog", "FILE", "where sizes are remembered (default ~/.local/share/icfs/catalog.db), or none",
         apply_catalog},
        {"store", "DIR", "keep what was made on disk, in this directory (default nowhere)", apply_store},
        {"store_size", "SIZE", "bytes that it may take (default 0: no limit)", apply_store_size},
        {"store_keep_free", "SIZE", "bytes that it leaves free on its disk (default 1G)", apply_store_keep_free},
        {"warm", NULL, "fill the store in the background, at idle priority", apply_warm},
        {"search", "WORD", "idle: search designs for auto directories without one (default none)", apply_search},
        {"search_time", "SECONDS", "processor time for that, all in all (default 3600; 0: no limit)",
         apply_search_time},
        {"search_memory", "SIZE", "memory for that (default 1G, at least 128M)", apply_search_memory},
        {"search_disk", "SIZE", "disk for what that memory cannot hold (default 4G; 0: none)", apply_search_disk},
        {"search_evaluations", "N", "designs that it evaluates for a directory (default 150)",
         apply_search_evaluations},
        {"policy", "FILE", "one policy file for the whole tree, sections by path", apply_policy},
        {"cache", "SIZE", "memory for objects that were made (default 64M)", apply_cache},
        {"pixels", "N", "refuse sources with more pixels (default 100000000; 0: no limit)", apply_pixels},
        {"memory", "SIZE", "memory for decoding, and again for sources read (default 1G; 0: no limit)", apply_memory},
        {"scans", "N", "refuse sources with more progressive scans (default 100; 0: no limit)", apply_scans},
        {"threads", "N", "requests served at once (default 4 a CPU, 16 to 64)", apply_threads},
        {"staleness", "SECONDS", "notice changes that inotify cannot tell of within this time (default 1)",
         apply_staleness},
        {"nowatch", NULL, "do not rely on inotify: other machines write to the source", apply_nowatch},
        {"follow", NULL, "serve what symbolic links to the outside lead to", apply_follow},
        {"follow_files", NULL, "of that, files alone and no directories", apply_follow_files},
        {"log", "TARGET", "stderr, syslog or a file (default syslog; with -f stderr)", apply_log},
        {"log_level", "LEVEL", "error, warning, info or debug (default info)", apply_log_level},
        {"ro", NULL, "always on", apply_nothing},
        {"default_permissions", NULL, "always on", apply_nothing},
        {"rw", NULL, NULL, refuse_writing},
};

/* Those of libfuse and mount(8) that make sense here. */
static const char *const fuse_names[] = {
        "allow_other", "allow_root", "auto_unmount", "fsname", "max_read", "dev",  "nodev", "suid",
        "nosuid",      "exec",       "noexec",       "atime",  "noatime",  "sync", "async",
};

struct mount_options mount_options_default(void)
{
	return (struct mount_options){.settings = mount_settings_default(), .log_level = LOG_LEVEL_INFO};
}

/* Values live in a chain of blocks, each beginning with the address of the one before. */
static char *keep(struct mount_options *options, const char *text)
{
	char *block = malloc(sizeof(char *) + strlen(text) + 1);

	if (!block)
		return NULL;
	memcpy(block, &options->texts, sizeof(char *));
	options->texts = block;
	return strcpy(block + sizeof(char *), text);
}

void mount_options_clear(struct mount_options *options)
{
	while (options->texts) {
		char *block = options->texts;
		memcpy(&options->texts, block, sizeof(char *));
		free(block);
	}
	free(options->fuse);
	*options = (struct mount_options){0};
}

static errint_t add_fuse(struct mount_options *options, const char *text)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", options->fuse ? options->fuse : "", options->fuse ? "," : "", text) < 0)
		return -ENOMEM;
	free(options->fuse);
	options->fuse = joined;
	options->settings.fuse_options = joined;
	return 0;
}

static bool is_name(const char *text, const char *name)
{
	size_t n = strcspn(text, "=");

	return strlen(name) == n && !strncmp(text, name, n);
}

/* `text` as it stood, backslashes and all, for libfuse; `plain` without them. */
static errint_t apply(struct mount_options *options, const char *text, const char *plain, struct ic_why *why)
{
	const char *equals = strchr(plain, '=');
	struct ic_why reason = {""};

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		const struct entry *entry = &entries[i];
		if (!is_name(plain, entry->name))
			continue;
		if (!entry->argument != !equals)
			return ic_fail(why, -EINVAL, "-o %s: expected %s%s%s", plain, entry->name,
			               entry->argument ? "=" : "",
			               entry->argument ? entry->argument : " without a value");
		char *value = keep(options, equals ? equals + 1 : "");
		errint_t err = value ? entry->apply(options, value, &reason) : -ENOMEM;
		return err ? ic_fail(why, err, "-o %s: %s", plain, reason.text) : 0;
	}
	for (size_t i = 0; i < sizeof(fuse_names) / sizeof(*fuse_names); i++)
		if (is_name(plain, fuse_names[i]))
			return add_fuse(options, text);
	return ic_fail(why, -EINVAL, "-o %s: unknown option", plain);
}

errint_t mount_options_parse(struct mount_options *options, const char *list, struct ic_why *why)
{
	size_t size = strlen(list) + 1;
	char *text = malloc(2 * size);
	errint_t err = 0;

	if (!text)
		return ic_fail(why, -ENOMEM, "out of memory");
	char *plain = text + size;
	while (!err && *list) {
		size_t n = 0, nplain = 0;
		while (*list && *list != ',') {
			if (*list == '\\' && list[1])
				text[n++] = *list++;
			plain[nplain++] = *list;
			text[n++] = *list++;
		}
		text[n] = plain[nplain] = 0;
		list += *list == ',';
		if (n)
			err = apply(options, text, plain, why);
	}
	free(text);
	return err;
}

char *mount_options_help(void)
{
	char *help = NULL;
	size_t size;
	FILE *out = open_memstream(&help, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		const struct entry *entry = &entries[i];
		if (!entry->help)
			continue;
		int n = fprintf(out, "  %s%s%s", entry->name, entry->argument ? "=" : "",
		                entry->argument ? entry->argument : "");
		fprintf(out, "%*s%s\n", n < 24 ? 24 - n : 1, "", entry->help);
	}
	fputs("  and of FUSE:          ", out);
	for (size_t i = 0; i < sizeof(fuse_names) / sizeof(*fuse_names); i++)
		fprintf(out, "%s%s", i == 0 ? "" : i % 6 == 0 ? "\n                        " : " ", fuse_names[i]);
	fputc('\n', out);
	return fclose(out) ? NULL : help;
}
