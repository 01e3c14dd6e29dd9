/* SPDX-License-Identifier: MIT */
#include "search_helpers.h"

#include <check.h>

struct search_settings small_search(struct catalog *catalog, struct synthetic *synthetic, const char *key,
                                    const char *value)
{
	struct search_settings settings = synthetic_settings(catalog, synthetic);
	struct ic_why why = {""};

	settings.nevaluations = 40;
	settings.nverify = 16;
	settings.nrounds = 4;
	if (key)
		ck_assert_msg(!aim_set(&settings.aim, key, value, &why), "%s", why.text);
	aim_complete(&settings.aim);
	return settings;
}

struct search_outcome run_search(const struct search_settings *settings)
{
	struct search_outcome outcome = {.run = 0};
	struct ic_why why = {""};
	errint_t err = search_run(settings, &outcome, &why);

	ck_assert_msg(!err, "%d, %s", err, why.text);
	return outcome;
}
