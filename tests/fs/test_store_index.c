/* SPDX-License-Identifier: MIT */
#include "fs/store_index_priv.h"
#include "tests/codec/codec_helpers.h"

#include <stdlib.h>
#include <string.h>

#define NTAGS 1000

/* The same as an array that is searched from its start. */
struct model {
	struct store_entry entries[NTAGS];
	size_t count;
};

static struct store_entry *model_find(struct model *model, uint64_t tag)
{
	for (size_t i = 0; i < model->count; i++)
		if (store_entry_tag(&model->entries[i]) == tag)
			return &model->entries[i];
	return NULL;
}

static void model_remove(struct model *model, struct store_entry *entry)
{
	*entry = model->entries[--model->count];
}

static bool is_same(const struct store_entry *a, const struct store_entry *b)
{
	return store_entry_tag(a) == store_entry_tag(b) && a->offset == b->offset && a->nbytes == b->nbytes &&
	       a->segment == b->segment && a->keep == b->keep && a->ncomponents == b->ncomponents;
}

static void compare(const struct store_index *index, struct model *model)
{
	ck_assert_uint_eq(index->count, model->count);
	for (size_t i = 0; i < model->count; i++) {
		const struct store_entry *entry = index_find(index, store_entry_tag(&model->entries[i]));
		ck_assert(entry && is_same(entry, &model->entries[i]));
	}
}

/* Tags that crowd at both ends, so that probing wraps around. */
static struct store_entry random_entry(struct dice *dice, uint32_t spread)
{
	uint32_t high = dice_roll(dice, spread);

	return (struct store_entry){
	        .tag = {dice_roll(dice, 3), dice_roll(dice, 2) ? high : UINT32_MAX - high},
	        .offset = dice_roll(dice, 1000),
	        .nbytes = 1 + dice_roll(dice, 1000),
	        .segment = (uint16_t)dice_roll(dice, 5),
	        .keep = 3,
	        .ncomponents = 1,
	};
}

static void put_both(struct store_index *index, struct model *model, const struct store_entry *entry)
{
	struct store_entry *known = model_find(model, store_entry_tag(entry)), old;

	ck_assert_int_eq(index_put(index, entry, &old), 0);
	ck_assert_uint_eq(old.nbytes, known ? known->nbytes : 0);
	*(known ? known : &model->entries[model->count++]) = *entry;
}

static void remove_both(struct store_index *index, struct model *model, const struct store_entry *entry)
{
	struct store_entry *known = model_find(model, store_entry_tag(entry)), other = *entry;

	if (known) {
		other = *known;
		other.offset++;
		ck_assert(!index_remove(index, &other));
		ck_assert(index_remove(index, known));
		model_remove(model, known);
	} else {
		ck_assert(!index_remove(index, &other));
	}
}

static void remove_segment_both(struct store_index *index, struct model *model, uint16_t segment)
{
	index_remove_segment(index, segment);
	for (size_t i = 0; i < model->count;)
		if (model->entries[i].segment == segment)
			model_remove(model, &model->entries[i]);
		else
			i++;
}

START_TEST(test_as_an_array)
{
	struct model *model = calloc(1, sizeof(*model));
	struct dice dice = dice_new((uint64_t)_i);
	struct store_index index = {0};

	ck_assert_ptr_nonnull(model);
	ck_assert_ptr_null(index_find(&index, 1));
	for (int step = 0; step < 4000; step++) {
		struct store_entry entry = random_entry(&dice, _i % 2 ? 200 : UINT32_MAX);
		if (dice_roll(&dice, 1000) == 0)
			remove_segment_both(&index, model, entry.segment);
		else if (dice_roll(&dice, 10) < 4 || model->count == NTAGS)
			remove_both(&index, model, &entry);
		else
			put_both(&index, model, &entry);
		if (step % 500 == 0)
			compare(&index, model);
	}
	compare(&index, model);
	index_clear(&index);
	free(model);
}
END_TEST

START_TEST(test_memory_of_a_million_records)
{
	struct store_index index = {0};
	struct dice dice = dice_new(1);
	struct store_entry old;
	size_t most = 0;

	for (int i = 0; i < 1280000; i++) {
		uint64_t tag = dice_word(&dice);
		struct store_entry entry = {.tag = {(uint32_t)tag, (uint32_t)(tag >> 32)}, .nbytes = 1, .keep = 1};
		ck_assert_int_eq(index_put(&index, &entry, &old), 0);
		most = index.capacity > most ? index.capacity : most;
	}
	ck_assert_uint_eq(index.count, 1280000);
	ck_assert_uint_le(most * sizeof(struct store_entry), 50u << 20);
	index_clear(&index);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_loop_test(cases, test_as_an_array, 0, 20);
	tcase_add_test(cases, test_memory_of_a_million_records);
}

int main(void)
{
	return suite_run("store index", add);
}
