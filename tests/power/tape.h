/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Records all that this process tells the disk about what is below a directory: each
 * write, size, sync, and each change of a name. The system calls are taken where they
 * leave the program, libsqlite3's like our own, so that nothing is missed and nothing
 * is assumed; only what goes through mmap(2) is not seen, which is the -shm file, and
 * nobody relies on what a cut leaves of it. Syncs are recorded and not done.
 */
#ifndef TESTS_POWER_TAPE_H
#define TESTS_POWER_TAPE_H

#include "remains.h"

enum op_kind {
	OP_WRITE,		/* data to a file */
	OP_SIZE,		/* ftruncate(2) */
	OP_SYNC,		/* of a file */
	OP_MAKE,		/* a new file under 'name' */
	OP_DIRECTORY,		/* a new directory */
	OP_LINK,		/* one more name of a file */
	OP_UNLINK,
	OP_RENAME,		/* of a file, from 'name' to 'to' */
	OP_SYNC_DIRECTORY,
	OP_BEGUN,		/* the test's own: a step is begun */
	OP_DONE,		/* and acknowledged */
};
enum { OP_KINDS = OP_DONE + 1, NO_FILE = -1 };

extern const char *const op_names[OP_KINDS];

struct op {
	enum op_kind	 kind;
	char		 name[NAME_SIZE];	/* below the root; "" is the root itself */
	char		 to[NAME_SIZE];
	int		 file;			/* number of a file, whatever its names */
	size_t		 at;
	size_t		 size;			/* of the data; OP_SIZE: of the file */
	unsigned char	*data;
};

struct tape {
	char		 root[PATH_SIZE];
	struct remains	 before;		/* safe on the disk; file i has the number i */
	struct op	*ops;
	size_t		 n, room;
	int		 files;			/* numbers given so far */
};

/* From here on it is recorded, until tape_stop(); one tape at a time. */
void tape_start(struct tape *tape, const char *root);
void tape_stop(void);
/* What the test itself does in between is nobody's business. */
void tape_pause(bool pause);
/* Notes OP_BEGUN or OP_DONE. */
void tape_mark(enum op_kind kind);
void tape_free(struct tape *tape);

/* To see that the test would notice: syncs of the file or directory of this name below
 * the root do not happen. NULL: all do. */
extern const char *tape_deaf;

#endif
