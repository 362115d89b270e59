/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DIRECTORY_MODE = 0770,
	FILE_MODE = 0660,
};

/* -- the directory ------------------------------------------------------------ */

enum err_code
file_directory_make(const char *dir, struct err *err)
{
	int fd;

	if (mkdir(dir, DIRECTORY_MODE) == -1) {
		if (errno == EEXIST)
			return ERR_OK;
		return err_set(err, err_of_errno(errno), "%s: cannot make the directory: %s", dir,
		    strerror(errno));
	}
	/* On failure the directory stays usable for its owner. systemd's RestrictSUIDSGID=
	 * forbids the second fchmod(2). */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1 && fchmod(fd, DIRECTORY_MODE) == 0)
		(void)!fchmod(fd, DIRECTORY_MODE | S_ISGID);
	if (fd != -1)
		close(fd);
	return ERR_OK;
}

int
file_directory_open(const char *path)
{
	char *copy = strdup(path);
	int fd = -1;

	if (copy != NULL)
		fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		errno = ENOMEM;
	free(copy);
	return fd;
}

/* -- files --------------------------------------------------------------------- */

/* Gives the file the mode, group and owner of file_make(). On failure the file stays usable
 * for its owner. If owner and group are right already, as in a directory with the
 * set-group-ID bit, fchown(2) is not called, because the units forbid it. */
static void
file_share(int fd, const char *path)
{
	char *dir = strdup(path), *slash = dir == NULL ? NULL : strrchr(dir, '/');
	struct stat st, of_dir;
	uid_t owner;

	(void)!fchmod(fd, FILE_MODE);
	if (slash != NULL)
		*slash = '\0';
	if (slash != NULL && stat(dir[0] == '\0' ? "/" : dir, &of_dir) == 0 &&
	    fstat(fd, &st) == 0) {
		owner = geteuid() == 0 ? of_dir.st_uid : st.st_uid;
		if (st.st_uid != owner || st.st_gid != of_dir.st_gid)
			(void)!fchown(fd, owner, of_dir.st_gid);
	}
	free(dir);
}

enum err_code
file_make(const char *path, int *ret_fd, struct err *err)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd == -1)
		return err_set(err, err_of_errno(errno), "%s: %s%s", path, strerror(errno),
		    errno != EACCES ? "" : "; the directory must be writable by this user or its "
		    "group");
	file_share(fd, path);
	*ret_fd = fd;
	return ERR_OK;
}

/* O_NONBLOCK: open(2) of a FIFO would block otherwise. A file with a second hard link may be
 * any file of this file system unless the sysctl fs.protected_hardlinks is 1. */
static enum err_code
existing_open(const char *path, int flags, int *ret_fd, struct err *err)
{
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), error = errno;
	struct stat st = { 0 };
	bool regular;

	if (fd == -1 && error != ELOOP)
		return err_set(err, error == ENOENT ? ERR_NOT_FOUND : err_of_errno(error),
		    "%s: %s%s", path, strerror(error), error != EACCES ? "" :
		    "; the file must have the owner and the group of its directory");
	regular = fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (regular && st.st_nlink == 1) {
		*ret_fd = fd;
		return ERR_OK;
	}
	if (fd != -1)
		close(fd);
	return err_set(err, ERR_FOREIGN, "%s: %s", path, regular ?
	    "the file has a second hard link; move it away, or replace it by a copy (cp -p)" :
	    "a link, or not a regular file; move it away");
}

enum err_code
file_open(const char *path, int flags, bool make, int *ret_fd, struct err *err)
{
	enum err_code code = existing_open(path, flags, ret_fd, err), made;
	struct err again;

	if (code != ERR_NOT_FOUND || !make)
		return code;
	made = file_make(path, ret_fd, err);
	if (made != ERR_IO)
		return made;
	/* Another process may have created it meanwhile. */
	code = existing_open(path, flags, ret_fd, &again);
	if (code == ERR_NOT_FOUND)
		return made;
	return code == ERR_OK ? ERR_OK : err_set(err, code, "%s", again.text);
}

/* -- output files of a command -------------------------------------------------- */

/* Returns the mode for a file that replaces 'path'. */
static enum err_code
replaced_mode(const char *path, mode_t *ret, struct err *err)
{
	mode_t mask = umask(0);
	struct stat st;

	umask(mask);
	*ret = 0666 & ~mask;
	if (lstat(path, &st) == -1)
		return ERR_OK;	/* the directory is reported when the file is made */
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_FOREIGN, "%s: is a link, or not a regular file; give "
		    "another name", path);
	*ret = st.st_mode & 0777;
	return ERR_OK;
}

/* Writes, syncs and closes the new file. Returns 0 or an errno. */
static int
filled_close(int fd, mode_t mode, bool (*fill)(void *arg, FILE *file), void *arg)
{
	FILE *file = fdopen(fd, "w");
	int error = 0;

	if (file == NULL) {
		close(fd);
		return ENOMEM;
	}
	if (!fill(arg, file))
		error = ENOMEM;
	else if (fflush(file) != 0 || ferror(file) || fchmod(fd, mode) == -1 || fsync(fd) == -1)
		error = errno;
	if (fclose(file) != 0 && error == 0)
		error = errno;
	return error;
}

enum err_code
file_output(const char *path, bool (*fill)(void *arg, FILE *file), void *arg, struct err *err)
{
	int fd = -1, dir, error;
	enum err_code code;
	char *new_path;
	mode_t mode;

	if ((code = replaced_mode(path, &mode, err)) != ERR_OK)
		return code;
	if (asprintf(&new_path, "%s.new", path) == -1)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	/* A program that was killed may have left it. */
	(void)unlink(new_path);
	if ((code = file_make(new_path, &fd, err)) == ERR_OK) {
		error = filled_close(fd, mode, fill, arg);
		if (error == 0 && rename(new_path, path) == -1)
			error = errno;
		if (error != 0)
			(void)unlink(new_path);
		if (error == 0 && (dir = file_directory_open(path)) != -1) {
			(void)fsync(dir);
			close(dir);
		}
		if (error != 0)
			code = err_set(err, err_of_errno(error), "%s: %s", new_path,
			    strerror(error));
	}
	free(new_path);
	return code;
}

/* -- input files of a command --------------------------------------------------- */

const char *
file_input_name(const char *file)
{
	return strcmp(file, "-") == 0 ? "standard input" : file;
}

size_t
file_bom_length(const char *text, size_t length)
{
	static const char mark[] = { '\xEF', '\xBB', '\xBF' };

	return length >= sizeof(mark) && memcmp(text, mark, sizeof(mark)) == 0 ? sizeof(mark) : 0;
}
