/* SPDX-License-Identifier: MIT */
/*
 * evaluator.h: whatever trains and tests a model on one design. The search knows evaluators by this table alone.
 *
 * An evaluation is a job of its own: `struct evaluator_job` with the settings says all of it, so that evaluations run in
 * any order, several at once, in other processes or on other machines, and a killed search repeats only those that were
 * under way. What an evaluator reports is kept in the catalog under (identity, dataset, job) and never asked for again.
 *
 * Images are split into those to train on, those to select by (all that a search sees), and those that tell the truth
 * (never seen by a search; for experiments on searches). The three are disjoint, the same for every design, and follow
 * from the dataset and split_seed.
 */
#pragma once

#include "codec/face.h"

#include <stdatomic.h>

/* An evaluator's own setting; both texts are terminated. */
struct evaluator_option {
	const char *name, *value;
};

/* Trees of the dataset's under designs, for evaluators that have other programs read them. Both are thread safe. */
struct evaluator_trees {
	void *context;
	/* The path of one, absolute, malloc'ed and the caller's; it stays until given back. -EOPNOTSUPP, -errno. */
	errint_t (*take)(void *context, const struct ic_design *design, enum ic_face face, char **ret_path,
	                 struct ic_why *why);
	void (*give_back)(void *context, const char *path);
};

/* What stands for a whole search. All that it points to is the caller's, and outlives the handle. */
struct evaluator_settings {
	const char *dataset;                    /* the directory of the sources */
	const char *fingerprint;                /* of the dataset, by which results are known; NULL: none */
	const struct evaluator_option *options; /* the evaluator's own; NULL where there are none */
	size_t noptions;
	uint64_t split_seed;                 /* by which images are split where the dataset does not say itself */
	unsigned threads;                    /* that one evaluation may use, from 1 on */
	uint64_t memory_nbytes;              /* that the handle may take in all, about; 0: as the evaluator likes */
	const atomic_bool *cancelled;        /* once true, what is under way returns -ECANCELED soon. May be NULL */
	const struct evaluator_trees *trees; /* NULL: there are none to be had */
	const char *work;    /* a directory that is there, for logs and what lies between two evaluations; NULL: none */
	const char *scratch; /* a directory for a file without a name; NULL: none */
	uint64_t scratch_nbytes; /* that the file may take, and never more than half of what is free there; 0: that */
	/* Told of what takes long before the first result: what, and how much of how much. From any thread; may be NULL. */
	void (*progress)(void *context, const char *doing, uint64_t done, uint64_t total);
	void *progress_context;
};

#define EVALUATOR_IDENTITY_SIZE 256

struct evaluator_description {
	/* One line of printable ASCII: name, version, options, split: all that results depend on beside dataset, job,
	 * hardware and codec. Two handles with the same identity and dataset measure the same thing. */
	char identity[EVALUATOR_IDENTITY_SIZE];
	bool takes_init;       /* starts from a parent's checkpoint, and leaves one; else init and save are NULL */
	bool is_deterministic; /* the same job gives the same accuracy and log-loss, bit for bit, on this machine */
	unsigned njobs_max;    /* calls of evaluate that may run at once on one handle; 1: it takes turns */
	unsigned nclasses;     /* 0 where it does not know */
	uint64_t ntrain, nselect, ntruth; /* images; 0 where it does not know */
	uint64_t nunreadable;             /* that it leaves out because they cannot be decoded */
	uint64_t ntwins;                  /* that it leaves out because near duplicates of them judge */
	char unreadable[256];             /* one of them, or its path's end; "" where there is none */
	double evaluation_s;              /* what an evaluation takes, roughly; 0 where it does not know */
};

enum evaluator_split {
	EVALUATOR_SELECT, /* accuracy on the images to select by */
	EVALUATOR_TRUTH,
};

struct evaluator_job {
	struct ic_design design;
	enum evaluator_split split;
	uint64_t seed;       /* of all that is random in training */
	double fraction;     /* of the images to train on, (0, 1]; the smaller subset lies in the larger one */
	const char *init;    /* checkpoint to start from; NULL: from scratch */
	const char *save;    /* where to leave the checkpoint, whole or not at all; NULL: nowhere */
	const char *lineage; /* the designs that init went through, as in measurement.h; NULL: none */
};

/* Seconds are an image, and NAN where they are not known. */
struct evaluator_result {
	double accuracy;  /* 0..1, or any measure that is better when greater; finite */
	double log_loss;  /* mean over the images judged, natural logarithm; NAN where it is not known */
	uint64_t nimages; /* judged; 0 where it is not known */
	double infer_s;   /* of the model, forward; reading and decoding are not in it */
	double train_s;   /* of the model, forward and backward, and the update */
	double decode_s;  /* from an object's bytes to the model's input */
	double wall_s;    /* the whole evaluation, not an image */
};

struct evaluator {
	const char *name; /* as in --evaluator NAME and in identities */
	const char *help; /* its options, one sentence each; for --help */

	/* Look at the dataset and the options. Decodes nothing that only evaluations need. -EINVAL (an option, and which),
	 * -ENODATA (a dataset that cannot be judged: no classes, one class, too few images), -ENOENT and other errors of
	 * reading, -ENOMEM, -ECANCELED. */
	errint_t (*open)(const struct evaluator_settings *settings, void **ret_handle, struct ic_why *why);

	/* The same from open to close. */
	void (*describe)(void *handle, struct evaluator_description *ret_description);

	/* A hint: jobs for these designs are to come, in this order; what they share may be done once. May be called again,
	 * the last one counts. May be NULL. */
	void (*expect)(void *handle, const struct ic_design *designs, size_t n);

	/* Begin them, and return: evaluate is called for each later, and then with another init where that of its parent has
	 * no result. Where init is not there yet, it is the save of one before it. May be NULL. Errors as of evaluate. */
	errint_t (*begin)(void *handle, const struct evaluator_job *jobs, size_t n, struct ic_why *why);

	/* Train and judge. -EBADMSG: this job has no result, others may have: the search writes that down and goes on without,
	 * and the next search asks again. Everything else ends the search, to be resumed: -ECANCELED, -ENOMEM, -ENOSPC, -EIO,
	 * -errno. */
	errint_t (*evaluate)(void *handle, const struct evaluator_job *job, struct evaluator_result *ret_result,
	                     struct ic_why *why);

	/* After every call of evaluate has returned. NULL is fine. */
	void (*close)(void *handle);
};
