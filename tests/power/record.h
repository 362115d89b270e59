/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Records every operation of this process on the files below one directory: each write, size, sync
 * and change of a name. The system calls of libsqlite3 are recorded like those of lbcluster. Not
 * recorded are writes through mmap(2): they go to the -shm file only, which SQLite creates again
 * after a crash. Syncs are recorded and not done.
 */
#ifndef TESTS_POWER_RECORD_H
#define TESTS_POWER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATH_SIZE = 160, NAME_SIZE = 80, FILES_MAX = 24 };
enum { NO_FILE = -1, DIRECTORY = -2 };	/* in place of the number of a file */

/* -- a disk: directories and files below a root -------------------------------------- */

struct disk {
	struct disk_file {
		char		 name[NAME_SIZE];	/* below the root; parents come first */
		bool		 directory;
		size_t		 size;
		unsigned char	*data;			/* owned by the disk */
	} files[FILES_MAX];
	size_t n;
};

/* Adds a file or directory. The disk owns 'data' afterwards. */
void disk_add(struct disk *disk, const char *name, bool directory, unsigned char *data,
    size_t size);
/* Reads what is below 'root', at most one level of directories. */
void disk_read(struct disk *ret, const char *root);
/* Replaces everything below 'root' by the content of the disk. */
void disk_write(const struct disk *disk, const char *root);
void disk_free(struct disk *disk);

/* -- names of files ------------------------------------------------------------------- */

struct name_table {
	struct {
		char	name[NAME_SIZE];
		int	file;
	} names[FILES_MAX];
	size_t n;
};

/* NO_FILE removes the name. */
void name_table_set(struct name_table *table, const char *name, int file);

/* -- a recording ---------------------------------------------------------------------- */

enum op_kind {
	OP_WRITE,		/* data to a file */
	OP_SIZE,		/* ftruncate(2) */
	OP_NAME,		/* 'name' is a new name of 'file'; an existing one is replaced */
	OP_UNLINK,		/* NO_FILE is the new file of 'name' */
	OP_SYNC,		/* of a file */
	OP_SYNC_DIRECTORY,
	OP_BEGUN,		/* a step of the test begins */
	OP_DONE,		/* a step of the test is acknowledged */
};
enum { OP_KINDS = OP_DONE + 1 };

extern const char *const op_names[OP_KINDS];

struct op {
	enum op_kind	 kind;
	char		 name[NAME_SIZE];	/* below the root; "" is the root itself */
	int		 file;			/* the number of a file, whatever its names */
	size_t		 at;
	size_t		 size;			/* of the data; OP_SIZE: of the file */
	unsigned char	*data;
};

struct recording {
	char		 root[PATH_SIZE];
	struct disk	 before;		/* synced; file i has the number i */
	struct op	*ops;
	size_t		 n, room;
	int		 files;			/* numbers that are in use */
};

/* Records until record_stop(). There is one recording at a time. */
void record_start(struct recording *recording, const char *root);
void record_stop(void);
/* The test reads and writes files of its own between both calls. */
void record_pause(bool pause);
/* Adds OP_BEGUN or OP_DONE. */
void record_mark(enum op_kind kind);
void record_free(struct recording *recording);

/* Syncs of the file or directory of this name below the root are left out. NULL: none. */
extern const char *record_without_sync_of;

#endif
