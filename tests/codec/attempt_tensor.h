/* SPDX-License-Identifier: MIT */
/* attempt_tensor.h: what must hold of tensors of an accepted view, whatever it holds. As attempt.h: NULL, or what was wrong. */
#pragma once

#include "codec/format.h"

#include "dice.h"

/* Some specs and windows that follow from the dice: documented errors, and nothing outside what the shape says. */
const char *attempt_tensors(const struct ic_view *view, struct dice *dice);

/* The head of an object that a K of the dice's needs, and no byte more, is a view to decode. */
const char *attempt_prefix(const uint8_t *bytes, size_t nbytes, struct dice *dice);
