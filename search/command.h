/* SPDX-License-Identifier: MIT */
/*
 * command.h: the evaluator `command`: a program of the user's trains and judges. docs/evaluators.md is its manual.
 *
 * It needs `trees` and `work` of evaluator_settings. In `work` it makes a directory for each identity, with a log for each
 * design. Its options are those of `help`; `command` is required.
 *
 * An evaluation fails (-EBADMSG) where the program ends with another status than 0 or by a signal, or takes too long, as
 * often as it may be tried; or where it does not say one finite number as the metric. That the shell does not find the
 * program, and a failure of the reference, is an error that ends the search (-EIO): then nothing is to be learnt from the
 * other designs.
 */
#pragma once

#include "search/evaluator.h"

extern const struct evaluator command_evaluator;
