/* SPDX-License-Identifier: MIT */
/*
 * kept_priv.h: the names of directories that the kernel keeps from listings. Private to listings.
 */
#pragma once

#include "fs/visit_priv.h"

/* How a listing is opened. */
struct kept_open {
	bool adds;    /* what it reads is kept; kept_end when it is closed */
	bool has_all; /* what was kept before still holds */
};

/* A listing of the directory that is visited begins. Names are kept only where every change is told of. */
struct kept_open kept_begin(const struct visit *visit);
void kept_end(struct fs *fs, const struct node *directory);

/* A listing that adds, and was read to its end, begins anew, which the kernel has it do where it saw a change. Whether it has
 * to take the names anew, too: it shares its table with no other, and the directory did change. */
bool kept_renew(const struct visit *visit);

/* The table of all listings that add, for the caller to unref. Errors as visit_names. */
errint_t kept_table(struct visit *visit, struct table **ret_table);

/* A listing that adds has handed over `nprimed` entries with attributes so far. With is_steady false, some may change
 * without being told of, and what is kept serves no listing that begins later. */
void kept_add(struct fs *fs, const struct node *directory, size_t nprimed, bool is_steady);
