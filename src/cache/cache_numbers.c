/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Numbers of statistics in memory. Only the numbers that are present have room, because most data
 * planes count a part of them and lbclusterd may hold millions. Counters and bit rates have 8
 * bytes each and come first; the other numbers have 4, because SNMP shows no more of them.
 */
#include "cache/cache_private.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t all = (1u << STAT_NUMBERS) - 1;
static const uint32_t wide = STAT_COUNTERS_MASK | 1u << STAT_BPS_IN | 1u << STAT_BPS_OUT;

/* Returns the offset of the number of 'bit', or with the bit STAT_NUMBERS the size of all. */
static size_t
offset_of(uint32_t present, uint32_t bit)
{
	uint32_t before = present & (bit - 1);

	if (bit & wide)
		return sizeof(uint64_t) * (size_t)__builtin_popcount(before & wide);
	return sizeof(uint64_t) * (size_t)__builtin_popcount(present & wide) +
	    sizeof(uint32_t) * (size_t)__builtin_popcount(before & all & ~wide);
}

bool
cache_numbers_set(struct cache_statistics *statistics, const struct statistics *row)
{
	uint32_t present = row->present & all;
	uint8_t *numbers = statistics->numbers;

	if (present != (statistics->present & all)) {
		numbers = NULL;
		if (present != 0 && (numbers = malloc(offset_of(present, all + 1))) == NULL)
			return false;
		free(statistics->numbers);
		statistics->numbers = numbers;
	}
	statistics->present = row->present;
	for (uint32_t left = present; left != 0; left &= left - 1) {
		uint32_t bit = left & -left;
		uint64_t number = row->number[__builtin_ctz(bit)];
		uint32_t narrow = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;

		if (bit & wide)
			memcpy(numbers + offset_of(present, bit), &number, sizeof(number));
		else
			memcpy(numbers + offset_of(present, bit), &narrow, sizeof(narrow));
	}
	return true;
}

void
cache_statistics_clear(struct cache_statistics *statistics)
{
	free(statistics->numbers);
	*statistics = (struct cache_statistics){ 0 };
}

uint64_t
cache_number(const struct cache_statistics *statistics, enum stat_number which)
{
	uint32_t bit = 1u << which, narrow;
	uint64_t number;

	if (!(statistics->present & bit))
		return 0;
	if (bit & wide) {
		memcpy(&number, statistics->numbers + offset_of(statistics->present, bit),
		    sizeof(number));
		return number;
	}
	memcpy(&narrow, statistics->numbers + offset_of(statistics->present, bit), sizeof(narrow));
	return narrow;
}
