/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of configuration files of ldirectord: each message names the file and a line, and
 * load accepts the inventory that discover writes.
 */
#include "fuzz.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_run.h"

const char fuzz_corpus[] = "ldirectord";

static struct said said;
static char path[FUZZ_PATH], again[FUZZ_PATH];

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret);

/* No name is looked up in the network. */
int
__wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret)
{
	struct addrinfo numeric = *hints;

	numeric.ai_flags |= AI_NUMERICHOST;
	return __real_getaddrinfo(host, port, &numeric, ret);
}

static void
finish(void)
{
	said_free(&said);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char head[FUZZ_PATH + 1];

	if (said.out == NULL) {
		store_make();
		atexit(finish);
	}
	file_put("ldirectord.cf", data, size, path);
	snprintf(head, sizeof(head), "%s:", path);
	ctl_run(&said, "discover", "ldirectord", path, NULL);
	lines_begin(said.err, head, "lbclusterctl: ");
	require(said.status == CTL_OK || said.status == CTL_FAILURE, "status %d", said.status);
	if (said.out[0] == '\0')
		return 0;
	file_put("inventory", said.out, strlen(said.out), again);
	ctl_run(&said, "load", "--dry-run", again, NULL);
	require(said.status == CTL_OK, "the inventory is refused: %s", said.err);
	return 0;
}
