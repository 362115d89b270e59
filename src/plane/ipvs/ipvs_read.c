/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads the table of IPVS and waits; see ipvs_table.h.
 */
#include "plane/ipvs/ipvs_table.h"

#include <errno.h>

#include "util/loop.h"

enum { TRIES = 5 };	/* while other programs change the table */

struct reading {
	struct loop	*loop;
	int		 error;
};

static bool
is_wanted(void *arg, const struct ipvs_key *key)
{
	(void)arg;
	(void)key;
	return true;
}

static void
on_done(void *arg, int error)
{
	struct reading *reading = arg;

	reading->error = error;
	loop_stop(reading->loop);
}

static int
table_read_once(struct ipvs_table *ret, int timeout_ms)
{
	struct reading reading = { .loop = loop_new(), .error = ENOMEM };
	struct ipvs_socket *socket = reading.loop == NULL ? NULL :
	    ipvs_socket_new(reading.loop, timeout_ms);

	if (socket != NULL &&
	    ipvs_poll_new(socket, ret, is_wanted, NULL, on_done, &reading) != NULL)
		loop_run(reading.loop);
	ipvs_socket_free(socket);
	if (reading.loop != NULL)
		loop_free(reading.loop);
	return reading.error;
}

int
ipvs_table_read(struct ipvs_table *ret, int timeout_ms)
{
	int error = EINTR;

	*ret = (struct ipvs_table){ 0 };
	for (int i = 0; i < TRIES && error == EINTR; i++) {
		ipvs_table_done(ret);
		error = table_read_once(ret, timeout_ms);
	}
	return error;
}
