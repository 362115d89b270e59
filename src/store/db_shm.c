/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Survives the truncation of a -shm file, the index of a WAL that SQLite maps into memory. An
 * access beyond the end of the file raises SIGBUS, which ends a process. The handler here extends
 * the file again and clears the header of the index, so that SQLite builds the index again from
 * the WAL (walIndexRecover() of SQLite 3.40.1, sqlite.org/walformat.html section 2.3).
 */
#include "store/db.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/memory.h"

enum { HEADER_SIZE = 96 };	/* two copies of the header */

static const char cleared[HEADER_SIZE];

/* What SQLite has mapped: 32 kB of an index for 4,096 pages of the WAL. */
static struct mapping {
	char	*at;		/* NULL: not in use */
	size_t	 size;
	off_t	 end;		/* in the file */
	int	 fd;
} mappings[1024];

static void *(*system_mmap)(void *, size_t, int, int, int, off_t);
static int (*system_munmap)(void *, size_t);
static volatile sig_atomic_t lost;

static void *
mapping_add(void *hint, size_t size, int protection, int flags, int fd, off_t at)
{
	char *memory = system_mmap(hint, size, protection, flags, fd, at);

	for (size_t i = 0; memory != MAP_FAILED && i < ROWS(mappings); i++) {
		if (mappings[i].at != NULL)
			continue;
		mappings[i] = (struct mapping){ memory, size, at + (off_t)size, fd };
		break;
	}
	return memory;
}

static int
mapping_remove(void *memory, size_t size)
{
	for (size_t i = 0; i < ROWS(mappings); i++) {
		if (mappings[i].at == memory)
			mappings[i].at = NULL;
	}
	return system_munmap(memory, size);
}

/* Makes the page at 'fault' accessible. All processes share a page of the file. A private page
 * serves if the file cannot be extended, until the store closes it. */
static bool
page_restore(const struct mapping *mapping, const char *fault)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mapping->at + (size_t)(fault - mapping->at) / page * page;
	struct stat st;

	if (fstat(mapping->fd, &st) == 0 && st.st_size < mapping->end &&
	    ftruncate(mapping->fd, mapping->end) == 0 &&
	    pwrite(mapping->fd, cleared, sizeof(cleared), 0) == (ssize_t)sizeof(cleared))
		return true;
	return mmap(memory, page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* The system calls here are safe in a handler on Linux. SIGBUS at another address ends the process
 * when it repeats the access. */
static void
on_sigbus(int number, siginfo_t *info, void *context)
{
	const char *fault = info->si_addr;

	(void)context;
	for (size_t i = 0; info->si_code == BUS_ADRERR && i < ROWS(mappings); i++) {
		if (mappings[i].at == NULL || fault < mappings[i].at ||
		    fault >= mappings[i].at + mappings[i].size)
			continue;
		if (!page_restore(&mappings[i], fault))
			break;
		lost = 1;
		return;
	}
	signal(number, SIG_DFL);
}

bool
db_shm_guard(sqlite3_vfs *vfs)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	system_mmap = (void *(*)(void *, size_t, int, int, int, off_t))vfs->xGetSystemCall(vfs,
	    "mmap");
	system_munmap = (int (*)(void *, size_t))vfs->xGetSystemCall(vfs, "munmap");
	return sigaction(SIGBUS, &action, NULL) == 0 &&
	    vfs->xSetSystemCall(vfs, "mmap", (sqlite3_syscall_ptr)mapping_add) == SQLITE_OK &&
	    vfs->xSetSystemCall(vfs, "munmap", (sqlite3_syscall_ptr)mapping_remove) == SQLITE_OK;
}

bool
db_shm_was_lost(void)
{
	bool was = lost != 0;

	lost = 0;
	return was;
}

void
db_shm_clear(const struct db *db)
{
	char path[DB_PATH_SIZE];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s-shm", db->path);
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	/* SQLite extends a shorter file and builds the index. The next open reports an error. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= HEADER_SIZE)
		(void)!pwrite(fd, cleared, sizeof(cleared), 0);
	close(fd);
}
