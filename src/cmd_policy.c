/* SPDX-License-Identifier: MIT */
#include "src/icfs.h"
#include "src/labels.h"
#include "src/options.h"
#include "src/search_cli.h"

#include "fs/choices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

struct policy_settings {
	struct policy_rule rule;
	const char *catalog; /* NULL: in its default place */
	bool clear;
};

static errint_t apply_set(void *settings, const char *value, struct ic_why *why)
{
	struct policy_settings *s = settings;

	return policy_set_design(&s->rule, value, why);
}

static errint_t apply_face(void *settings, const char *value, struct ic_why *why)
{
	struct policy_settings *s = settings;

	return policy_set_face(&s->rule, value, why);
}

static errint_t apply_metadata(void *settings, const char *value, struct ic_why *why)
{
	struct policy_settings *s = settings;

	return policy_set_metadata(&s->rule, value, why);
}

static errint_t apply_max_loss(void *settings, const char *value, struct ic_why *why)
{
	return policy_set_aim(&((struct policy_settings *)settings)->rule, AIM_MAX_LOSS, value, why);
}

static errint_t apply_max_time(void *settings, const char *value, struct ic_why *why)
{
	return policy_set_aim(&((struct policy_settings *)settings)->rule, AIM_MAX_TIME, value, why);
}

static errint_t apply_max_bytes(void *settings, const char *value, struct ic_why *why)
{
	return policy_set_aim(&((struct policy_settings *)settings)->rule, AIM_MAX_BYTES, value, why);
}

static errint_t apply_objective(void *settings, const char *value, struct ic_why *why)
{
	return policy_set_aim(&((struct policy_settings *)settings)->rule, AIM_OBJECTIVE, value, why);
}

static errint_t apply_clear(void *settings, const char *value, struct ic_why *why)
{
	struct policy_settings *s = settings;

	s->clear = true;
	return 0;
}

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct policy_settings *)settings)->catalog = value;
	return 0;
}

static const struct option_entry policy_options[] = {
        {'s', "set", "DESIGN", "write DESIGN, or auto, to DIR/.icpolicy", apply_set},
        {'f', "face", "FACE", "write the face: ic, jpeg, bmp or orig", apply_face},
        {'m', "metadata", "WORD", "write keep or drop, for the face jpeg", apply_metadata},
        {'l', "max-loss", "LOSS", "write what a search may lose of accuracy: 0.5%", apply_max_loss},
        {'t', "max-time", "TIME", "write what an image may take: 2ms, or 12%", apply_max_time},
        {'b', "max-bytes", "SIZE", "write what an image may take: 20K, or 12%", apply_max_bytes},
        {0, "objective", "WHAT", "write what is best within that: time, space, ...", apply_objective},
        {'c', "clear", NULL, "remove DIR/.icpolicy", apply_clear},
        {0, "catalog", "FILE", "by its choices auto goes (default as for icfs mount)", apply_catalog},
        {.name = NULL},
};

static const struct command_line policy_line = {
        .command = "policy",
        .operands = "DIR",
        .about = "Say what a directory is served as, and which rule says so. In a mount that is what the mount serves; "
                 "in a source tree, what the .icpolicy files at and above DIR say, before a mount's own options.",
        .options = policy_options,
        .note = "A policy governs its directory and what lies below; mounts see a change while they run. " LABELS_NOTE
                "; a warning says where a sampled design meets such labels. A BMP carries no orientation.",
        .min_operands = 1,
        .max_operands = 1,
};

/* In a mount, its own words. ENOENT elsewhere. */
static errint_t copy_control_file(int directory_fd)
{
	int fd = openat(directory_fd, ".icfs/policy", O_RDONLY | O_CLOEXEC);
	char buffer[4096];
	ssize_t n;
	errint_t err;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, (size_t)n, stdout);
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* Sampling moves what labels in pixels point to. */
static void warn_of_labels(const char *name, int directory_fd, const struct ic_design *design, enum ic_face face)
{
	char text[IC_DESIGN_STRING_SIZE];
	struct labels labels;

	if (face == IC_FACE_ORIG || (design->sx == 1 && design->sy == 1) || !labels_find(directory_fd, &labels))
		return;
	ic_design_print(design, text);
	warn("%s: labels in pixels lie here (%s: %s), and %s makes the images smaller; designs without sampling (s1x1) "
	     "keep their size",
	     name, labels.kind, labels.path, text);
}

/* Who resizes the shorter side of a strip and crops sees a part of it. */
static void warn_of_proportions(const char *name, const struct ic_design *design, enum ic_face face)
{
	char text[IC_DESIGN_STRING_SIZE];

	if (design->sx == design->sy || !policy_shows_pictures(face))
		return;
	ic_design_print(design, text);
	warn("%s: %s samples columns and rows unequally, so under %s pictures have other proportions, and programs "
	     "that crop see little of them; s1x1, s2x2 and s4x4 keep proportions, and 'icfs search --keep-proportions' "
	     "chooses none but these",
	     name, text, ic_face_name(face));
}

static void warn_of_pictures(const char *name, int directory_fd, const struct ic_design *design, enum ic_face face)
{
	warn_of_proportions(name, design, face);
	warn_of_labels(name, directory_fd, design, face);
}

/* In a mount: what it serves the directory as. */
static void warn_in_mount(const char *name, int directory_fd)
{
	char design_text[IC_DESIGN_STRING_SIZE] = "", face_text[16] = "";
	struct ic_design design;
	enum ic_face face;

	if (fgetxattr(directory_fd, "user.icfs.design", design_text, sizeof(design_text) - 1) > 0 &&
	    fgetxattr(directory_fd, "user.icfs.face", face_text, sizeof(face_text) - 1) > 0 &&
	    !ic_design_parse(design_text, &design, NULL) && !ic_face_parse(face_text, &face, NULL))
		warn_of_pictures(name, directory_fd, &design, face);
}

static void print_budget(const struct policy *policy)
{
	char text[AIM_TEXT_SIZE];

	if (!policy_budget(policy, text))
		return;
	printf("\n  budget  %s\n          by: ", text);
	put_text(stdout, policy->aim_rule);
}

static void print_policy(const char *directory, const struct policy *policy)
{
	char design[IC_DESIGN_STRING_SIZE], words[POLICY_DESIGN_WORDS_SIZE];

	ic_design_print(&policy->design, design);
	policy_describe_design(&policy->design, words);
	put_text(stdout, directory);
	printf("\n  design  %s\n", design);
	put_wrapped(stdout, 10, words);
	fputs("          by: ", stdout);
	put_text(stdout, policy->design_rule);
	printf("\n  face    %s\n", ic_face_name(policy->face));
	put_wrapped(stdout, 10, policy_describe_face(policy->face));
	fputs("          by: ", stdout);
	put_text(stdout, policy->face_rule);
	printf("\n  metadata  %s\n          by: ", policy_metadata_name(policy->keeps_metadata));
	put_text(stdout, policy->metadata_rule);
	print_budget(policy);
	fputs("\n\n", stdout);
	put_wrapped(
	        stdout, 0,
	        "A mount sees the .icpolicy files at and below the directory that it mounts, and its own options may "
	        "say more.");
}

/* That nothing is chosen, and where that was looked up; NULL where nowhere. */
static errint_t words_of_none(const char *path, char **ret_words)
{
	char *place = NULL;

	if (!path && catalog_default_path(&place, NULL))
		return 0;
	int n = asprintf(ret_words, "no search has chosen yet in the catalog %s, so the default", path ? path : place);
	free(place);
	if (n >= 0)
		return 0;
	*ret_words = NULL;
	return -ENOMEM;
}

/* What the catalog at `path`, or for NULL in its default place, says `auto` is here, or why nothing or why it cannot be
 * read. */
static errint_t find_choice(const char *directory, const char *path, struct ic_design *ret_chosen, bool *ret_is_chosen,
                            char **ret_words)
{
	struct choices *choices;
	errint_t err = choices_new(directory, NULL, &choices);

	if (err)
		return err;
	choices_load(choices, path);
	*ret_is_chosen = choices_find(choices, "", ret_chosen, ret_words);
	choices_free(choices);
	if (*ret_is_chosen)
		return *ret_words ? 0 : -ENOMEM;
	return *ret_words ? 0 : words_of_none(path, ret_words);
}

static int show_source(const char *directory, int directory_fd, const char *catalog)
{
	struct policy_nearest nearest;
	struct policy_context context = {.nearest = &nearest};
	struct ic_design chosen;
	struct policy policy;
	struct ic_why why = {"out of memory"};
	bool is_chosen = false;
	char *words = NULL;
	errint_t err = policy_nearest_find(directory, &nearest, &why);

	if (!err)
		err = find_choice(directory, catalog, &chosen, &is_chosen, &words);
	context.chosen = is_chosen ? &chosen : NULL;
	context.chosen_words = words;
	if (!err)
		err = policy_resolve(&context, &policy);
	free(words);
	if (err)
		return fail("%s", why.text);
	print_policy(directory, &policy);
	warn_of_pictures(directory, directory_fd, &policy.design, policy.face);
	policy_clear(&policy);
	return EXIT_OK;
}

static int show(const char *name, int directory_fd, const char *catalog)
{
	errint_t err = copy_control_file(directory_fd);
	char *directory;
	int status;

	if (!err) {
		warn_in_mount(name, directory_fd);
		return EXIT_OK;
	}
	if (err != -ENOENT && err != -ENOTDIR)
		return fail("%s/.icfs/policy: cannot be read: %s", name, strerror(-err));
	directory = realpath(name, NULL);
	if (!directory)
		return fail("%s: %s", name, strerror(errno));
	status = show_source(directory, directory_fd, catalog);
	free(directory);
	return status;
}

static int fail_change(const char *name, errint_t err, const char *reason)
{
	if (err == -EROFS)
		return fail(
		        "%s: is on a read-only file system; a policy is set in the source directory, not in a mount",
		        name);
	return fail("%s/%s", name, reason);
}

static int clear(const char *name, int directory_fd)
{
	struct ic_why why;

	if (!unlinkat(directory_fd, POLICY_FILE_NAME, 0) || errno == ENOENT)
		return EXIT_OK;
	ic_fail(&why, -errno, POLICY_FILE_NAME ": cannot be removed: %s", strerror(errno));
	return fail_change(name, -errno, why.text);
}

static int set(const char *name, int directory_fd, const struct policy_rule *rule)
{
	struct ic_why why = {""};
	errint_t err = policy_file_write(directory_fd, rule, &why);

	if (!err && rule->aim.loss.is_set && rule->aim.loss.value > 1)
		warn("max-loss %g: of an accuracy, which is a share, this is more than all; half a point is 0.5%% or "
		     "0.005",
		     rule->aim.loss.value);
	return err ? fail_change(name, err, why.text) : EXIT_OK;
}

static int run_policy(int argc, char **argv)
{
	struct policy_settings settings = {.clear = false};
	int first, directory_fd, status = parse_command_line(&policy_line, argc, argv, &settings, &first);
	bool has_rule = false;

	if (status != GO_ON)
		return status;
	for (enum policy_key key = 0; key < POLICY_NKEYS; key++)
		has_rule = has_rule || policy_rule_says(&settings.rule, key);
	if (settings.clear && has_rule)
		return fail_usage("policy", "--clear removes what the other options would write; use one");
	status = check_named_catalog(settings.catalog);
	if (status != EXIT_OK)
		return status;
	directory_fd = open(argv[first], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return fail("%s: %s", argv[first], strerror(errno));
	if (settings.clear)
		status = clear(argv[first], directory_fd);
	else if (has_rule)
		status = set(argv[first], directory_fd, &settings.rule);
	if (status == EXIT_OK)
		status = show(argv[first], directory_fd, settings.catalog);
	close(directory_fd);
	return status;
}

const struct command cmd_policy = {"policy", "show or set what a directory is served as", run_policy};
