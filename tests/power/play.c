/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Plays a tape to every cut; see play.h.
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit/store_fixture.h"

/* -- what was judged already ----------------------------------------------- */

/* Many cuts leave the same. */
struct seen {
	uint64_t	*hashes;	/* 0: free */
	size_t		 n, room;
};

static bool
seen_add(struct seen *seen, uint64_t hash)
{
	size_t i;

	if (2 * seen->n >= seen->room) {
		struct seen more = { .room = seen->room * 4 + 1024 };

		more.hashes = calloc(more.room, sizeof(*more.hashes));
		if (more.hashes == NULL)
			abort();
		for (i = 0; i < seen->room; i++)
			if (seen->hashes[i] != 0)
				(void)seen_add(&more, seen->hashes[i]);
		free(seen->hashes);
		*seen = more;
	}
	for (i = hash % seen->room; seen->hashes[i] != 0; i = (i + 1) % seen->room)
		if (seen->hashes[i] == hash)
			return false;
	seen->hashes[i] = hash;
	seen->n++;
	return true;
}

enum {
	TOLD_MAX = 20,		/* the first ones say it all */
	NAMES_FACTOR = 8,	/* that many more: there are few such cuts, with many ends */
	AGAIN_VARIANTS = 2,	/* there are very many of them */
};

/* -- one disk -------------------------------------------------------------- */

struct player {
	const struct scene		*scene;
	const struct play_options	*options;
	struct figures			*figures;
	struct seen			 seen;
	size_t				 base_begun, base_done;	/* of the cut before the cut */
	bool				 again;
};

static void play_tape(struct player *player, const struct tape *tape);

static void
tell(const struct player *player, const struct cut *cut, enum loss loss, uint64_t seed,
    const struct finding *finding)
{
	const struct op *op = &cut->tape->ops[cut->at - 1];

	if (!player->options->quiet && figures_harms(player->figures) <= TOLD_MAX)
		print_error("%s, %s%s after operation %zu, %s %s (steps begun %zu, done %zu;"
		    " seed %llx): %s\n", harm_names[finding->harm], loss_names[loss],
		    player->again ? ", again," : "", cut->at, op_names[op->kind], op->name,
		    player->base_begun + cut->begun, player->base_done + cut->done,
		    (unsigned long long)seed, finding->words);
}

/* The power goes again while the store recovers. */
static void
recover_again(struct player *player, const struct remains *remains, size_t begun, size_t done)
{
	struct play_options options = *player->options;
	struct player inner = *player;
	struct store *store = NULL;
	struct tape tape;
	struct err err;

	remains_write(remains, player->scene->root);
	tape_start(&tape, player->scene->root);
	if (store_open(player->scene->dir, STORE_CREATE, WAIT_MS, &store, &err) != ERR_OK)
		abort();	/* it just did open */
	store_close(store);
	tape_stop();
	inner.base_begun = begun;
	inner.base_done = done;
	inner.again = true;
	inner.options = &options;
	options.variants = AGAIN_VARIANTS;
	play_tape(&inner, &tape);
	player->seen = inner.seen;
	tape_free(&tape);
}

static void
play_remains(struct player *player, const struct cut *cut, enum loss loss, uint64_t seed)
{
	size_t begun = player->base_begun + cut->begun, done = player->base_done + cut->done;
	const struct play_options *options = player->options;
	struct figures *figures = player->figures;
	struct finding finding;
	struct remains remains;
	const size_t steps[] = { begun, done };

	cut_remains(cut, loss, seed, &remains);
	figures->remains++;
	if (seen_add(&player->seen, hash_more(remains_hash(&remains), steps, sizeof(steps)))) {
		remains_write(&remains, player->scene->root);
		judge(player->scene, begun, done, &finding);
		figures->judged++;
		figures->kinds[loss]++;
		figures->again += player->again;
		figures->harms[finding.harm]++;
		if (finding.harm != HARM_NONE)
			tell(player, cut, loss, seed, &finding);
		else if (!player->again && !player->scene->migrates && options->again != 0 &&
		    cut->n_pending > 0 && figures->judged % options->again == 0)
			recover_again(player, &remains, begun, done);
	}
	remains_free(&remains);
}

/* -- every cut ------------------------------------------------------------- */

/* All lost first: the hardest, and often the same as at the cut before. The others in
 * turn. */
static enum loss
loss_of(unsigned variant, size_t at)
{
	static const enum loss others[] = { LOSS_NONE, LOSS_TAIL, LOSS_SOME, LOSS_SECTORS,
		LOSS_GARBAGE };

	return variant == 0 ? LOSS_ALL : others[(variant + at) % COUNT(others)];
}

static void
play_tape(struct player *player, const struct tape *tape)
{
	const struct play_options *options = player->options;
	struct cut cut;

	cut_start(&cut, tape);
	while (cut_next(&cut)) {
		unsigned variants = cut.n_pending == 0 ? 1 : options->variants;

		if (cut_is_at_name(&cut))
			variants *= NAMES_FACTOR;

		player->figures->cuts++;
		for (unsigned i = 0; i < variants; i++) {
			uint64_t seed = (options->seed * 1000003 + cut.at) * 1000003 + i;

			play_remains(player, &cut, loss_of(i, cut.at), seed);
			if (options->enough != 0 &&
			    figures_harms(player->figures) >= options->enough)
				break;
		}
		if (options->enough != 0 && figures_harms(player->figures) >= options->enough)
			break;
	}
	cut_end(&cut);
}

void
play(const struct scene *scene, const struct tape *tape, const struct play_options *options,
    struct figures *figures)
{
	struct player player = { .scene = scene, .options = options, .figures = figures };

	for (size_t i = 0; i < tape->n; i++)
		figures->ops[tape->ops[i].kind]++;
	play_tape(&player, tape);
	free(player.seen.hashes);
}

/* -- figures --------------------------------------------------------------- */

void
figures_add(struct figures *figures, const struct figures *more)
{
	for (size_t i = 0; i < OP_KINDS; i++)
		figures->ops[i] += more->ops[i];
	for (size_t i = 0; i < LOSSES; i++)
		figures->kinds[i] += more->kinds[i];
	for (size_t i = 0; i < HARMS; i++)
		figures->harms[i] += more->harms[i];
	figures->cuts += more->cuts;
	figures->remains += more->remains;
	figures->judged += more->judged;
	figures->again += more->again;
}

size_t
figures_harms(const struct figures *figures)
{
	size_t harms = 0;

	for (size_t i = HARM_NONE + 1; i < HARMS; i++)
		harms += figures->harms[i];
	return harms;
}

void
figures_print(const char *name, const struct figures *figures)
{
	size_t ops = 0;

	for (size_t i = 0; i < OP_BEGUN; i++)
		ops += figures->ops[i];
	print_message("%s: %zu operations of the disk (%zu writes, %zu syncs), %zu steps"
	    " acknowledged; %zu cuts, %zu disks, %zu of them different (%zu cut again):",
	    name, ops, figures->ops[OP_WRITE],
	    figures->ops[OP_SYNC] + figures->ops[OP_SYNC_DIRECTORY], figures->ops[OP_DONE],
	    figures->cuts, figures->remains, figures->judged, figures->again);
	for (size_t i = 0; i < LOSSES; i++)
		print_message("%s %zu %s", i == 0 ? "" : ",", figures->kinds[i], loss_names[i]);
	print_message("; harm:");
	for (size_t i = HARM_NONE + 1; i < HARMS; i++)
		print_message("%s %zu %s", i == HARM_NONE + 1 ? "" : ",", figures->harms[i],
		    harm_names[i]);
	print_message("\n");
}
