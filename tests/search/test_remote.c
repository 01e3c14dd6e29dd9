/* SPDX-License-Identifier: MIT */
/* Evaluations as files: what comes back is what went, and what was damaged on the way is said to be. */
#include "search/remote.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct evaluator_option options[] = {
        {"command", "sh -c 'a=b; printf \"%s\\n\" {data}'\n# two lines"},
        {"executor", "slurm"},
        {"slurm", "partition=long"},
        {"tag", ""},
        {"at-once", "3"},
        {"metric", "mAP=0.5"},
};
static const struct evaluator_settings settings = {.dataset = "/sets/a = b\n\xff",
                                                   .work = "/work",
                                                   .options = options,
                                                   .noptions = sizeof(options) / sizeof(*options),
                                                   .threads = 7};

static struct evaluator_job job_of(const char *name)
{
	struct evaluator_job job = {.seed = UINT64_MAX, .fraction = 1, .init = "/w/in=it", .save = "/w/save"};

	ck_assert_int_eq(ic_design_parse(name, &job.design, NULL), 0);
	return job;
}

START_TEST(a_job_comes_back_as_it_was)
{
	struct evaluator_job job = job_of("s2x1-b16-k7-q5");
	struct remote_job *read;
	char path[PATH_SIZE];

	ck_assert_int_eq(remote_write_job(path_in_scratch("job", path), &settings, &job, NULL), 0);
	ck_assert_int_eq(remote_read_job(path, &read, NULL), 0);
	ck_assert_str_eq(read->settings.dataset, settings.dataset);
	ck_assert_str_eq(read->settings.work, settings.work);
	ck_assert_uint_eq(read->settings.threads, 7);
	ck_assert_uint_eq(read->settings.noptions, 3); /* where it runs is no matter of the one that runs it */
	for (unsigned i = 0, at = 0; i < settings.noptions; i++) {
		if (i == 1 || i == 2 || i == 4)
			continue;
		ck_assert_str_eq(read->settings.options[at].name, options[i].name);
		ck_assert_str_eq(read->settings.options[at++].value, options[i].value);
	}
	ck_assert(ic_design_equal(&read->job.design, &job.design));
	ck_assert(read->job.seed == job.seed && read->job.fraction == 1);
	ck_assert_str_eq(read->job.init, job.init);
	ck_assert_str_eq(read->job.save, job.save);
	remote_job_free(read);
	ck_assert_uint_eq(count_scratch(), 1);
}
END_TEST

START_TEST(a_job_from_scratch_has_no_checkpoints)
{
	struct evaluator_job job = job_of("s1x1-b8-k15-q8");
	struct remote_job *read;
	char path[PATH_SIZE];

	job.init = job.save = NULL;
	ck_assert_int_eq(remote_write_job(path_in_scratch("job", path), &settings, &job, NULL), 0);
	ck_assert_int_eq(remote_read_job(path, &read, NULL), 0);
	ck_assert(!read->job.init && !read->job.save);
	remote_job_free(read);
}
END_TEST

START_TEST(an_answer_comes_back_to_the_last_bit)
{
	struct evaluator_result result = {0.1, (double)NAN, 12345678901, 1e-300, 3.0e-4, (double)NAN, 1.0 / 3}, read;
	char path[PATH_SIZE];

	ck_assert_int_eq(remote_write_answer(path_in_scratch("answer", path), 0, &result, "", NULL), 0);
	ck_assert_int_eq(remote_read_answer(path, &read, NULL), 0);
	ck_assert(read.accuracy == 0.1 && isnan(read.log_loss) && read.nimages == 12345678901);
	ck_assert(read.infer_s == 1e-300 && read.train_s == 3.0e-4 && isnan(read.decode_s) && read.wall_s == 1.0 / 3);
}
END_TEST

START_TEST(a_failure_comes_back_with_its_reason)
{
	struct evaluator_result result = {.accuracy = (double)NAN}, read;
	struct ic_why why = {""};
	char path[PATH_SIZE], reason[2000];

	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = 0;
	ck_assert_int_eq(remote_write_answer(path_in_scratch("answer", path), -EBADMSG, &result, "it says no", NULL),
	                 0);
	ck_assert_int_eq(remote_read_answer(path, &read, &why), -EBADMSG);
	ck_assert_str_eq(why.text, "it says no");
	ck_assert_int_eq(remote_write_answer(path, -EIO, &result, reason, NULL), 0);
	ck_assert_int_eq(remote_read_answer(path, &read, &why), -EIO);
	ck_assert_int_eq(strncmp(why.text, "rrrr", 4), 0);
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
	static const char *const texts[] = {
	        "",
	        "\n",
	        "icfs answer 1 0 0x1p-1 nan 5 nan nan nan",            /* cut off */
	        "icfs answer 1 0 0x1p-1 nan 5 nan nan\n\n",            /* a number too few */
	        "icfs answer 1 3 0x1p-1 nan 5 nan nan nan 0x1p+0\n\n", /* no error of ours */
	        "icfs answer 1 0 nan nan 5 nan nan nan 0x1p+0\n\n",    /* a result, and none */
	        "icfs answer 2 0 0x1p-1 nan 5 nan nan nan 0x1p+0\n\n", /* of another version */
	};
	struct evaluator_result read;
	char path[PATH_SIZE];

	path_in_scratch("answer", path);
	ck_assert_int_eq(remote_read_answer(path, &read, NULL), -ENOENT);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		file_write(path, texts[i], strlen(texts[i]));
		ck_assert_msg(remote_read_answer(path, &read, NULL) == -EIO, "%s", texts[i]);
	}
}
END_TEST

/* Any byte changed, any end cut off: read, or refused, and nothing is read that is not there. */
START_TEST(damaged_files_are_read_or_refused)
{
	struct evaluator_job job = job_of("s1x2-b8-k6-q8");
	struct evaluator_result result = {0.5, 1, 2, 3, 4, 5, 6}, answer;
	char paths[2][PATH_SIZE], path[PATH_SIZE];

	path_in_scratch("damaged", path);
	ck_assert_int_eq(remote_write_job(path_in_scratch("job", paths[0]), &settings, &job, NULL), 0);
	ck_assert_int_eq(remote_write_answer(path_in_scratch("answer", paths[1]), 0, &result, "", NULL), 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct file_bytes file = file_read(paths[i % 2]);
		struct remote_job *read = NULL;
		size_t nbytes = i % 3 ? file.nbytes : mixed(i) % file.nbytes;
		for (unsigned k = 0; k < i % 4; k++)
			file.data[mixed(8 * i + k) % file.nbytes] = (char)(i % 8 < 4 ? 0 : mixed(9 * i + k));
		file_write(path, file.data, nbytes);
		errint_t err = i % 2 ? remote_read_answer(path, &answer, NULL) : remote_read_job(path, &read, NULL);
		ck_assert(err <= 0);
		if (!err && !(i % 2)) {
			size_t length = strlen(read->settings.dataset) + strlen(read->settings.work);
			for (size_t o = 0; o < read->settings.noptions; o++)
				length += strlen(read->settings.options[o].name) +
				          strlen(read->settings.options[o].value);
			ck_assert_uint_le(length, nbytes);
		}
		remote_job_free(read);
		free(file.data);
	}
}
END_TEST

START_TEST(a_key_is_of_all_that_a_result_depends_on)
{
	struct evaluator_job jobs[] = {job_of("s1x1-b8-k6-q8"), job_of("s1x1-b8-k6-q7"), job_of("s1x1-b8-k6-q8"),
	                               job_of("s1x1-b8-k6-q8")};
	char keys[6][REMOTE_KEY_SIZE], same[REMOTE_KEY_SIZE];

	jobs[2].seed = 1;
	jobs[3].lineage = "s1x1-b8-k15-q8";
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(remote_key("set", "judge", &jobs[i], keys[i], NULL), 0);
	ck_assert_int_eq(remote_key("other set", "judge", &jobs[0], keys[4], NULL), 0);
	ck_assert_int_eq(remote_key("set", "other judge", &jobs[0], keys[5], NULL), 0);
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(keys[i], keys[k]);
	jobs[0].init = "/elsewhere"; /* where weights lie is no matter */
	ck_assert_int_eq(remote_key("set", "judge", &jobs[0], same, NULL), 0);
	ck_assert_str_eq(same, keys[0]);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, a_job_comes_back_as_it_was);
	tcase_add_test(cases, a_job_from_scratch_has_no_checkpoints);
	tcase_add_test(cases, an_answer_comes_back_to_the_last_bit);
	tcase_add_test(cases, a_failure_comes_back_with_its_reason);
	tcase_add_test(cases, what_is_no_answer_is_refused);
	tcase_add_test(cases, damaged_files_are_read_or_refused);
	tcase_add_test(cases, a_key_is_of_all_that_a_result_depends_on);
}

int main(void)
{
	return run_catalog_suite("remote", add);
}
