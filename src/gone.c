/* SPDX-License-Identifier: MIT */
#include "src/gone.h"
#include "src/icfs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct sweeping {
	struct store_sweep *sweep;
	const atomic_bool *is_stopped;
	struct walk *walk;
};

static void keep(void *context, unsigned thread, struct walk_entry *entry)
{
	const struct sweeping *sweeping = context;
	struct store_source source = walk_store_source(entry);

	if (entry->kind == WALK_FILE)
		store_sweep_keep(sweeping->sweep, &source);
	if (atomic_load(sweeping->is_stopped))
		walk_fail(sweeping->walk, -EINTR);
}

/* What is there may be what cannot be looked at. */
static void refuse(void *context, const char *path, errint_t err)
{
	const struct sweeping *sweeping = context;

	warn("%s: %s", *path ? path : ".", strerror(-err));
	walk_fail(sweeping->walk, err);
}

/* The tree as it is, under no policy: names and states of files are all that counts. */
static errint_t keep_all(struct sweeping *sweeping, const struct walk_settings *settings, const char *dataset,
                         struct ic_why *why)
{
	struct walk_hooks hooks = {.context = sweeping, .entry = keep, .failed = refuse};
	struct walk_settings own = walk_settings_default();

	own.source = dataset;
	own.threads = settings->threads;
	own.follow = settings->follow;
	own.view = (struct policy_rule){.has_face = true, .face = IC_FACE_ORIG};
	errint_t err = walk_new(&own, NULL, &sweeping->walk, why);
	if (err)
		return err;
	err = walk_run(sweeping->walk, &hooks);
	walk_free(sweeping->walk);
	return err ? ic_fail(why, err, "%s: cannot be gone through, so nothing is given up: %s", dataset,
	                     strerror(-err))
	           : 0;
}

int gone_drop(struct store *store, const struct walk_settings *settings, char *const *datasets, size_t ndatasets,
              const atomic_bool *is_stopped)
{
	struct sweeping sweeping = {.is_stopped = is_stopped};
	struct store_swept swept;
	struct ic_why why = {""};

	errint_t err = store_sweep_new(store, &sweeping.sweep);
	if (err)
		return fail("the store cannot be swept: %s", strerror(-err));
	for (size_t i = 0; i < ndatasets && !err; i++)
		err = keep_all(&sweeping, settings, datasets[i], &why);
	if (!err && (err = store_sweep_end(sweeping.sweep, &swept)))
		ic_fail(&why, err, "out of memory");
	store_sweep_free(sweeping.sweep);
	if (err)
		return err == -EINTR ? EXIT_FAILED : fail("%s", why.text);
	printf("%" PRIu64 " records of sources that are gone; %" PRIu64 " files given up\n", swept.records,
	       swept.segments);
	return EXIT_OK;
}
