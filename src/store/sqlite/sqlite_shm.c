/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Survives the truncation of a -shm file, the index of a WAL that SQLite maps into memory. An
 * access beyond the end of the file raises SIGBUS, which ends a process. The handler here puts
 * private zeros in the place of the lost page. The index is wrong then: the store replaces the
 * statistics. SQLite reads zeros as an index that it has to build from the WAL.
 */
#include "store/sqlite/sqlite_private.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/memory.h"

enum {
	MAPPINGS_MAX = 1024,	/* 32 kB each: for a WAL of 16 GB */
	HEADERS_SIZE = 96,	/* two copies: sqlite.org/walformat.html, 2.1 */
};

/* What SQLite has mapped. */
static struct mapping {
	uintptr_t	begin, end;	/* 0: not in use */
	off_t		at;		/* in the file */
} mappings[MAPPINGS_MAX];

static void *(*system_mmap)(void *, size_t, int, int, int, off_t);
static int (*system_munmap)(void *, size_t);
static uintptr_t page_size;
static volatile sig_atomic_t lost;

/* True if 'fd' is the -shm of statistics. Private zeros must not hide the changes of another
 * process to lbcluster.db. SQLite would map its -shm if another program changed its journal mode to
 * WAL. */
static bool
is_of_statistics(int fd)
{
	char by_fd[64], mapped[DB_PATH_SIZE], name[64];
	ssize_t n;
	size_t length;

	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	n = readlink(by_fd, mapped, sizeof(mapped));
	length = (size_t)snprintf(name, sizeof(name), "/%s%s", sqlite_stats_kind.file,
	    sqlite_tails[DB_TAIL_SHM]);
	return n >= (ssize_t)length && memcmp(mapped + (size_t)n - length, name, length) == 0;
}

static bool
is_mapped(uintptr_t at)
{
	for (size_t i = 0; i < ROWS(mappings); i++)
		if (at >= mappings[i].begin && at < mappings[i].end)
			return true;
	return false;
}

/* A handler may call mmap(2), a system call of Linux without state of its own. After SIGBUS for
 * another reason the access is repeated and ends the process. */
static void
on_sigbus(int number, siginfo_t *info, void *context)
{
	char *at = info->si_addr;
	void *page = at - (uintptr_t)at % page_size;

	(void)context;
	if (info->si_code == BUS_ADRERR && is_mapped((uintptr_t)at) &&
	    system_mmap(page, page_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
		lost = 1;
		return;
	}
	signal(number, SIG_DFL);
}

static void *
mapping_add(void *hint, size_t size, int protection, int flags, int fd, off_t at)
{
	const struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	void *memory = system_mmap(hint, size, protection, flags, fd, at);

	if (memory == MAP_FAILED || !is_of_statistics(fd))
		return memory;
	sigaction(SIGBUS, &action, NULL);
	for (size_t i = 0; i < ROWS(mappings); i++) {
		if (mappings[i].begin == 0) {
			mappings[i] = (struct mapping){ (uintptr_t)memory,
			    (uintptr_t)memory + size, at };
			break;
		}
	}
	return memory;
}

static int
mapping_remove(void *memory, size_t size)
{
	for (size_t i = 0; i < ROWS(mappings); i++)
		if (mappings[i].begin == (uintptr_t)memory)
			mappings[i].begin = mappings[i].end = 0;
	return system_munmap(memory, size);
}

bool
sqlite_shm_guard(sqlite3_vfs *vfs)
{
	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	system_mmap = (void *(*)(void *, size_t, int, int, int, off_t))vfs->xGetSystemCall(vfs,
	    "mmap");
	system_munmap = (int (*)(void *, size_t))vfs->xGetSystemCall(vfs, "munmap");
	return vfs->xSetSystemCall(vfs, "mmap", (sqlite3_syscall_ptr)mapping_add) == SQLITE_OK &&
	    vfs->xSetSystemCall(vfs, "munmap", (sqlite3_syscall_ptr)mapping_remove) == SQLITE_OK;
}

/* SQLite builds an index without a valid header again from the WAL, as after a crash. It takes the
 * locks that this needs (walIndexRecover() of SQLite 3.40.1). */
void
sqlite_hidden_repair(const struct db *db)
{
	(void)db;
	for (size_t i = 0; i < ROWS(mappings); i++)
		if (mappings[i].begin != 0 && mappings[i].at == 0)
			memset((void *)mappings[i].begin, 0, HEADERS_SIZE);
}

bool
sqlite_shm_was_lost(void)
{
	bool was = lost != 0;

	lost = 0;
	return was;
}
