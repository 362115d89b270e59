/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The kinds of checks. Only a program that uses this table links them, and libcurl.
 */
#include "check/check_private.h"

const struct check_ops *const check_kinds[] = {
	[CHECK_CONNECT] = &check_connect_ops,
	[CHECK_HTTP] = &check_http_ops,
	[CHECK_HTTPS] = &check_https_ops,
	[CHECK_COMMAND] = &check_command_ops,
};
