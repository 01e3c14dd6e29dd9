/* SPDX-License-Identifier: MIT */
/* control_priv.h: .icfs. */
#pragma once

#include "fs/fs_priv.h"

/* The names in a control directory, by index, NULL after the last; texts are made when looked up. */
errint_t control_spec(struct fs *fs, struct node *parent, const char *name, struct node_spec *ret_spec, char **ret_text,
                      struct policy_rule *ret_view);
errint_t control_list(struct fs *fs, const struct node *directory, char ***ret_names);
void control_list_free(char **names);
