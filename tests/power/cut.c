/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What a disk holds after a power cut; see cut.h.
 */
#include "cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/store_fixture.h"

enum { SECTOR_SIZE = 512 };

const char *const loss_names[LOSSES] = {
	[LOSS_NONE] = "nothing lost", [LOSS_ALL] = "all lost", [LOSS_TAIL] = "tail lost",
	[LOSS_SOME] = "some lost", [LOSS_SECTORS] = "sectors lost",
	[LOSS_GARBAGE] = "garbage",
};

static bool
coin(uint64_t *seed)
{
	return random_next(seed) & 1;
}

/* -- files ----------------------------------------------------------------- */

/* A longer file is longer by zeros. */
static void
resize(struct cut_file *file, size_t size)
{
	unsigned char *data = realloc(file->data, size + 1);

	if (data == NULL)
		abort();
	if (size > file->size)
		memset(data + file->size, 0, size - file->size);
	file->data = data;
	file->size = size;
}

static void
apply(struct cut_file *file, const struct op *op)
{
	if (op->kind == OP_SIZE) {
		resize(file, op->size);
		return;
	}
	if (op->at + op->size > file->size)
		resize(file, op->at + op->size);
	memcpy(file->data + op->at, op->data, op->size);
}

/* Some sectors of a write; the others stay as they are, or zeros. */
static void
apply_sectors(struct cut_file *file, const struct op *op, uint64_t *seed)
{
	size_t end = op->at + op->size;

	if (end > file->size && coin(seed))
		resize(file, end);
	for (size_t from = op->at, to; from < end; from = to) {
		to = from - from % SECTOR_SIZE + SECTOR_SIZE;
		if (to > end)
			to = end;
		if (coin(seed))
			continue;
		if (to > file->size)
			resize(file, to);
		memcpy(file->data + from, op->data + (from - op->at), to - from);
	}
}

/* The head was on one of the sectors of this write when the power went. */
static void
apply_garbage(struct cut_file *file, const struct op *op, uint64_t *seed)
{
	size_t length = op->size < SECTOR_SIZE ? op->size : SECTOR_SIZE;
	size_t from = op->at + random_next(seed) % (op->size - length + 1);
	size_t whole = random_next(seed) % (length + 1);

	if (from + length > file->size)
		resize(file, from + length);
	memcpy(file->data + from, op->data + (from - op->at), whole);
	for (size_t i = whole; i < length; i++)
		file->data[from + i] = (unsigned char)random_next(seed);
}

/* -- names ----------------------------------------------------------------- */

static bool
name_op(const struct op *op)
{
	return op->kind == OP_MAKE || op->kind == OP_DIRECTORY || op->kind == OP_LINK ||
	    op->kind == OP_UNLINK || op->kind == OP_RENAME;
}

static bool
data_op(const struct op *op)
{
	return op->kind == OP_WRITE || op->kind == OP_SIZE;
}

struct name_list {
	struct cut_name	*names;
	size_t		*n;
};

static void
name_remove(struct name_list list, const char *name)
{
	for (size_t i = 0; i < *list.n; i++) {
		if (strcmp(list.names[i].name, name) == 0) {
			memmove(&list.names[i], &list.names[i + 1],
			    (*list.n - i - 1) * sizeof(list.names[0]));
			(*list.n)--;
			return;
		}
	}
}

static void
name_add(struct name_list list, const char *name, int file)
{
	name_remove(list, name);
	if (*list.n == REMAINS_MAX)
		abort();
	snprintf(list.names[*list.n].name, NAME_SIZE, "%s", name);
	list.names[(*list.n)++].file = file;
}

static void
apply_name(struct name_list list, const struct op *op)
{
	if (op->kind == OP_UNLINK || op->kind == OP_RENAME)
		name_remove(list, op->name);
	if (op->kind == OP_RENAME)
		name_add(list, op->to, op->file);
	else if (op->kind != OP_UNLINK)
		name_add(list, op->name, op->file);
}

/* True if 'name' is in directory 'parent'. */
static bool
name_in(const char *name, const char *parent)
{
	const char *slash = strrchr(name, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - name);

	return strlen(parent) == n && strncmp(name, parent, n) == 0;
}

/* With its directory all that is in it is gone. */
static bool
parent_there(struct name_list list, const char *name)
{
	if (name_in(name, ""))
		return true;
	for (size_t i = 0; i < *list.n; i++)
		if (name_in(name, list.names[i].name))
			return true;
	return false;
}

/* -- the tape -------------------------------------------------------------- */

void
cut_start(struct cut *cut, const struct tape *tape)
{
	memset(cut, 0, sizeof(*cut));
	cut->tape = tape;
	cut->files = calloc((size_t)tape->files + 1, sizeof(*cut->files));
	cut->pending = calloc(tape->n + 1, sizeof(*cut->pending));
	if (cut->files == NULL || cut->pending == NULL)
		abort();
	for (size_t i = 0; i < tape->before.n; i++) {
		const struct remains_file *file = &tape->before.files[i];

		name_add((struct name_list){ cut->names, &cut->n_names }, file->name,
		    file->directory ? NO_FILE : (int)i);
		resize(&cut->files[i], file->size);
		if (file->size > 0)
			memcpy(cut->files[i].data, file->data, file->size);
	}
}

/* What is pending and is made safe by 'sync' is applied and pending no longer. */
static void
settle(struct cut *cut, const struct op *sync)
{
	struct name_list names = { cut->names, &cut->n_names };
	size_t left = 0;

	for (size_t i = 0; i < cut->n_pending; i++) {
		const struct op *op = &cut->tape->ops[cut->pending[i]];

		if (sync->kind == OP_SYNC && data_op(op) && op->file == sync->file)
			apply(&cut->files[op->file], op);
		else if (sync->kind == OP_SYNC_DIRECTORY && name_op(op) &&
		    name_in(op->name, sync->name))
			apply_name(names, op);
		else
			cut->pending[left++] = cut->pending[i];
	}
	cut->n_pending = left;
}

bool
cut_next(struct cut *cut)
{
	const struct op *op;

	if (cut->at == cut->tape->n)
		return false;
	op = &cut->tape->ops[cut->at];
	if (data_op(op) || name_op(op))
		cut->pending[cut->n_pending++] = cut->at;
	else if (op->kind == OP_BEGUN)
		cut->begun++;
	else if (op->kind == OP_DONE)
		cut->done++;
	else
		settle(cut, op);
	cut->at++;
	return true;
}

bool
cut_is_at_name(const struct cut *cut)
{
	return cut->at > 0 && name_op(&cut->tape->ops[cut->at - 1]);
}

void
cut_end(struct cut *cut)
{
	for (int i = 0; i < cut->tape->files; i++)
		free(cut->files[i].data);
	free(cut->files);
	free(cut->pending);
	memset(cut, 0, sizeof(*cut));
}

/* -- what remains ---------------------------------------------------------- */

/* What happens to all that is pending. */
struct fate {
	enum loss	loss;
	size_t		last;	/* the first that LOSS_TAIL does not leave */
	size_t		wild;	/* the one that LOSS_GARBAGE spoils */
	uint64_t	seed;
};

static void
data_remains(const struct cut *cut, int number, struct fate *fate, struct cut_file *file)
{
	enum loss loss = fate->loss;

	for (size_t i = 0; i < cut->n_pending && loss != LOSS_ALL; i++) {
		const struct op *op = &cut->tape->ops[cut->pending[i]];
		bool write = op->kind == OP_WRITE;

		if (!data_op(op) || op->file != number)
			continue;
		if (loss == LOSS_TAIL && i >= fate->last) {
			if (write && i == fate->last)
				apply_sectors(file, op, &fate->seed);
		} else if (write && loss == LOSS_GARBAGE && i == fate->wild) {
			apply_garbage(file, op, &fate->seed);
		} else if (write && (loss == LOSS_SECTORS || loss == LOSS_GARBAGE)) {
			apply_sectors(file, op, &fate->seed);
		} else if (loss == LOSS_NONE || loss == LOSS_TAIL || coin(&fate->seed)) {
			apply(file, op);
		}
	}
}

static void
names_remain(const struct cut *cut, struct fate *fate, struct name_list list)
{
	enum loss loss = fate->loss;

	for (size_t i = 0; i < cut->n_pending && loss != LOSS_ALL; i++) {
		const struct op *op = &cut->tape->ops[cut->pending[i]];

		if (!name_op(op) || (loss == LOSS_TAIL && i >= fate->last))
			continue;
		if (loss == LOSS_NONE || loss == LOSS_TAIL || coin(&fate->seed))
			apply_name(list, op);
	}
}

static bool
ends_with(const char *name, const char *tail)
{
	size_t n = strlen(name), m = strlen(tail);

	return n >= m && strcmp(name + n - m, tail) == 0;
}

/* numbers[i]: of ret->files[i], which may be the same file under another name. */
static void
file_remains(const struct cut *cut, const struct cut_name *name, struct fate *fate,
    int *numbers, struct remains *ret)
{
	const struct cut_file *safe = &cut->files[name->file];
	struct cut_file file = { NULL, 0 };
	size_t i = 0;

	while (i < ret->n && numbers[i] != name->file)
		i++;
	numbers[ret->n] = name->file;
	if (i < ret->n) {
		remains_add(ret, name->name, false, NULL, 0);
		ret->files[ret->n - 1].first = i;
		return;
	}
	resize(&file, safe->size);
	if (safe->size > 0)
		memcpy(file.data, safe->data, safe->size);
	data_remains(cut, name->file, fate, &file);
	if (fate->loss == LOSS_GARBAGE && ends_with(name->name, "-shm"))
		for (size_t at = 0; at < file.size; at++)
			file.data[at] = (unsigned char)random_next(&fate->seed);
	remains_add(ret, name->name, false, file.data, file.size);
}

void
cut_remains(const struct cut *cut, enum loss loss, uint64_t seed, struct remains *ret)
{
	struct fate fate = { .loss = loss, .seed = seed };
	struct cut_name names[REMAINS_MAX];
	size_t n = cut->n_names;
	struct name_list list = { names, &n };
	int numbers[REMAINS_MAX + 1];

	if (cut->n_pending > 0) {
		fate.last = random_next(&fate.seed) % cut->n_pending;
		fate.wild = random_next(&fate.seed) % cut->n_pending;
	}
	memcpy(names, cut->names, sizeof(names));
	names_remain(cut, &fate, list);
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < n; i++) {
		if (names[i].file != NO_FILE)
			continue;
		numbers[ret->n] = NO_FILE;
		remains_add(ret, names[i].name, true, NULL, 0);
	}
	for (size_t i = 0; i < n; i++)
		if (names[i].file != NO_FILE && parent_there(list, names[i].name))
			file_remains(cut, &names[i], &fate, numbers, ret);
}
