/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Creates and opens files in a directory that several users may write. No function follows
 * a link or blocks on a FIFO or device. So a program of root cannot be made to write to
 * another file. New files belong to the group of their directory.
 */
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/err.h"

/* Creates the directory unless the name exists. Its mode is 2770, so that new files in it
 * belong to its group, or 0770 if the set-group-ID bit is forbidden. */
enum err_code file_directory_make(const char *dir, struct err *err);

/* Opens the parent directory of 'path' for fsync(2). Without that fsync(2) a new name may be
 * missing after a power cut. Returns -1 with errno on failure. */
int file_directory_open(const char *path);

/* Creates an empty file and opens it to read and write. The file must not exist. Its mode is
 * 0660 whatever the umask is; its group is that of the directory; if root creates it, its
 * owner is that of the directory too. */
enum err_code file_make(const char *path, int *ret_fd, struct err *err);

/* Opens a file with the 'flags' of open(2). If it does not exist and 'make' is true, creates
 * it as file_make() does. ERR_NOT_FOUND: it does not exist and 'make' is false. ERR_FOREIGN:
 * it is a link, has a second hard link, or is not a regular file. */
enum err_code file_open(const char *path, int flags, bool make, int *ret_fd, struct err *err);

/* Replaces the file 'path', or creates it: fill(arg, file) writes "PATH.new", which is synced and
 * renamed, so that a reader sees the old or the new content. A new file has the mode of open(2)
 * with 0666, another one keeps its mode. False of fill(): the old file stays. ERR_FOREIGN: 'path'
 * is a link, or not a regular file. */
enum err_code file_output(const char *path, bool (*fill)(void *arg, FILE *file), void *arg,
    struct err *err);

/* The name of an input file in messages: "standard input" for "-". */
const char *file_input_name(const char *file);

/* Length of the byte order mark of UTF-8 at the start of a text: 3, or 0 without one. Some
 * editors write a mark, which is not content. */
size_t file_bom_length(const char *text, size_t length);

#endif
