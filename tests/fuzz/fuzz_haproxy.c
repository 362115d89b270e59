/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of what HAProxy says: octets as an answer to a look, "show stat" and
 * "show servers state" among it, and as the answer to a line of commands.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "plane/haproxy.h"
#include "plane/haproxy_command.h"

const char fuzz_corpus[] = "haproxy";

enum { ORDERS = 5 };

/* In a block of its own size and the one octet that is promised. */
static char *
copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	return text;
}

static void
look_try(const uint8_t *data, size_t size)
{
	char *text = copy(data, size);
	struct plane_server server;
	struct haproxy_view view;
	struct err err;

	if (haproxy_view_parse(text, size, &view, &err) == ERR_OK) {
		for (size_t i = 0; i < view.n_servers; i++) {
			haproxy_server_read(&view.servers[i], &server);
			if (server.service[0] == '\0' || server.real[0] == '\0' ||
			    strlen(server.words) >= PLANE_WORDS_MAX)
				abort();
		}
		haproxy_view_done(&view);
	} else if (err.text[0] == '\0') {
		abort();
	}
	free(text);
}

static void
outcomes_try(const uint8_t *data, size_t size)
{
	struct plane_order orders[ORDERS];
	char *text = copy(data, size);

	memset(orders, 0, sizeof(orders));
	for (size_t i = 0; i < ORDERS; i++)
		orders[i].cause = JOB_CAUSE_NONE;
	haproxy_command_outcomes(text, size, orders, ORDERS);
	for (size_t i = 0; i < ORDERS; i++) {
		if ((orders[i].cause == JOB_CAUSE_NONE) != (orders[i].message[0] == '\0'))
			abort();
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look_try(data, size);
	outcomes_try(data, size);
	return 0;
}
