/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The files that command checks may run. The group of the store may write the inventory and must
 * not gain what the driver may do. So a check names a file in one directory, and only root may
 * write both.
 */
#ifndef CHECK_CHECK_FILE_H
#define CHECK_CHECK_FILE_H

#include "check/checks.h"

#define CHECK_FILE_DIR LBCLUSTER_CONF_DIR "/checks.d"

/* Opens the directory 'dir' of the file 'name'. Returns its descriptor, with O_PATH, for the caller
 * to close. Returns -1, with a message that names the path and with an errno, if the file may not
 * run: EACCES if a user other than root may change the file or the directory. */
int check_file_open(const char *dir, const char *name, char message[CHECK_MESSAGE_SIZE],
    int *ret_error);

#endif
