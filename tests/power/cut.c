/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What a disk may hold after a power cut; see cut.h.
 */
#include "cut.h"

#include <stdlib.h>
#include <string.h>

#include "unit/store_fixture.h"

static bool
is_data(const struct op *op)
{
	return op->kind == OP_WRITE || op->kind == OP_SIZE;
}

static bool
is_name(const struct op *op)
{
	return op->kind == OP_NAME || op->kind == OP_UNLINK;
}

/* Bytes that make a file longer are zeros. */
static void
resize(unsigned char **data, size_t *size, size_t new_size)
{
	*data = realloc(*data, new_size + 1);
	if (*data == NULL)
		abort();
	if (new_size > *size)
		memset(*data + *size, 0, new_size - *size);
	*size = new_size;
}

static void
apply(unsigned char **data, size_t *size, const struct op *op)
{
	if (op->kind == OP_SIZE) {
		resize(data, size, op->size);
		return;
	}
	if (op->at + op->size > *size)
		resize(data, size, op->at + op->size);
	memcpy(*data + op->at, op->data, op->size);
}

/* True if 'name' is in directory 'parent'. */
static bool
name_in(const char *name, const char *parent)
{
	const char *slash = strrchr(name, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - name);

	return strlen(parent) == n && strncmp(name, parent, n) == 0;
}

void
cut_start(struct cut *cut, const struct recording *recording)
{
	memset(cut, 0, sizeof(*cut));
	cut->recording = recording;
	cut->files = calloc((size_t)recording->files + 1, sizeof(*cut->files));
	cut->pending = calloc(recording->n + 1, sizeof(*cut->pending));
	if (cut->files == NULL || cut->pending == NULL)
		abort();
	for (size_t i = 0; i < recording->before.n; i++) {
		const struct disk_file *file = &recording->before.files[i];

		name_table_set(&cut->names, file->name, file->directory ? DIRECTORY : (int)i);
		resize(&cut->files[i].data, &cut->files[i].size, file->size);
		if (file->size > 0)
			memcpy(cut->files[i].data, file->data, file->size);
	}
}

/* Applies the pending operations that 'sync' makes safe. */
static void
sync_apply(struct cut *cut, const struct op *sync)
{
	size_t left = 0;

	for (size_t i = 0; i < cut->n_pending; i++) {
		const struct op *op = &cut->recording->ops[cut->pending[i]];

		if (sync->kind == OP_SYNC && is_data(op) && op->file == sync->file)
			apply(&cut->files[op->file].data, &cut->files[op->file].size, op);
		else if (sync->kind == OP_SYNC_DIRECTORY && is_name(op) &&
		    name_in(op->name, sync->name))
			name_table_set(&cut->names, op->name, op->file);
		else
			cut->pending[left++] = cut->pending[i];
	}
	cut->n_pending = left;
}

bool
cut_next(struct cut *cut)
{
	const struct op *op;

	if (cut->at == cut->recording->n)
		return false;
	op = &cut->recording->ops[cut->at];
	if (is_data(op) || is_name(op))
		cut->pending[cut->n_pending++] = cut->at;
	else if (op->kind == OP_BEGUN)
		cut->begun++;
	else if (op->kind == OP_DONE)
		cut->done++;
	else
		sync_apply(cut, op);
	cut->at++;
	return true;
}

bool
cut_is_at_name(const struct cut *cut)
{
	return cut->at > 0 && is_name(&cut->recording->ops[cut->at - 1]);
}

void
cut_end(struct cut *cut)
{
	for (int i = 0; i < cut->recording->files; i++)
		free(cut->files[i].data);
	free(cut->files);
	free(cut->pending);
}

/* Adds a file with its synced content and those pending writes that are kept. */
static void
file_add(const struct cut *cut, const bool *kept, const char *name, int file, struct disk *ret)
{
	unsigned char *data = NULL;
	size_t size = 0;

	resize(&data, &size, cut->files[file].size);
	if (size > 0)
		memcpy(data, cut->files[file].data, size);
	for (size_t i = 0; i < cut->n_pending; i++) {
		const struct op *op = &cut->recording->ops[cut->pending[i]];

		if (kept[i] && is_data(op) && op->file == file)
			apply(&data, &size, op);
	}
	disk_add(ret, name, false, data, size);
}

void
cut_disk(const struct cut *cut, enum loss loss, uint64_t seed, struct disk *ret)
{
	struct name_table names = cut->names;
	bool *kept = calloc(cut->n_pending + 1, sizeof(*kept));

	if (kept == NULL)
		abort();
	for (size_t i = 0; i < cut->n_pending; i++) {
		const struct op *op = &cut->recording->ops[cut->pending[i]];

		kept[i] = loss == LOSS_NONE || (loss == LOSS_SOME && (random_next(&seed) & 1));
		if (kept[i] && is_name(op))
			name_table_set(&names, op->name, op->file);
	}
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < names.n; i++)
		if (names.names[i].file == DIRECTORY)
			disk_add(ret, names.names[i].name, true, NULL, 0);
	/* Files are lost with their directory. */
	for (size_t i = 0, n = ret->n; i < names.n; i++) {
		const char *name = names.names[i].name;
		bool parent = name_in(name, "");

		for (size_t j = 0; j < n; j++)
			parent |= name_in(name, ret->files[j].name);
		if (names.names[i].file != DIRECTORY && parent)
			file_add(cut, kept, name, names.names[i].file, ret);
	}
	free(kept);
}
