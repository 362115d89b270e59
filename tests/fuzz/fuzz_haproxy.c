/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the answers of HAProxy: the input is an answer to a poll ("show stat", "show
 * servers state"), an answer to a line of commands, and the address of a runtime socket.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "plane/haproxy/haproxy.h"
#include "plane/haproxy/haproxy_command.h"
#include "util/text.h"

const char fuzz_corpus[] = "haproxy";

enum { COMMANDS = 5, CUTS = 6 };

/* Copies the input to a block with the one additional byte that the parsers may write. */
static char *
copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	return text;
}

/* A poll whose answer is cut off has the same servers as the complete one, or is refused. */
static void
cut_try(const uint8_t *data, size_t size, const struct haproxy_view *whole)
{
	char *text = copy(data, size);
	struct haproxy_view view;
	struct err err;

	if (haproxy_view_parse(text, size, &view, &err) == ERR_OK) {
		require(view.n_servers == whole->n_servers, "servers are missing");
		for (size_t i = 0; i < view.n_servers; i++) {
			const struct haproxy_server *a = &view.servers[i], *b = &whole->servers[i];

			require(a->has_state == b->has_state && a->weight == b->weight &&
			    a->admin_state == b->admin_state && strcmp(a->fqdn, b->fqdn) == 0 &&
			    strcmp(a->address, b->address) == 0 && strcmp(a->port, b->port) == 0 &&
			    strcmp(a->srv_record, b->srv_record) == 0,
			    "%s/%s differs", a->backend, a->name);
		}
		haproxy_view_done(&view);
	}
	free(text);
}

static void
poll_try(const uint8_t *data, size_t size)
{
	char *text = copy(data, size);
	struct haproxy_found found;
	struct haproxy_view view;
	struct err err;

	if (haproxy_view_parse(text, size, &view, &err) == ERR_OK) {
		for (size_t i = 0; i < view.n_servers; i++) {
			haproxy_server_read(&view.servers[i], &found);
			if (found.name.service[0] == '\0' || found.name.real[0] == '\0' ||
			    strlen(found.server.message) >= PLANE_MESSAGE_SIZE)
				abort();
			require(text_is_clean(found.server.message), "unprintable message");
		}
		for (size_t cut = 1; cut <= CUTS && cut < size; cut++) {
			cut_try(data, size - cut, &view);
			cut_try(data, size - size / (cut + 1), &view);
		}
		haproxy_view_done(&view);
	} else {
		require(err.text[0] != '\0' && text_is_clean(err.text), "error \"%s\"", err.text);
	}
	free(text);
}

static void
results_try(const uint8_t *data, size_t size)
{
	static const struct haproxy_identity expected = { .pid = 77, .start_time = 1000 };
	struct plane_command commands[COMMANDS];
	char *text = copy(data, size);

	memset(commands, 0, sizeof(commands));
	for (size_t i = 0; i < COMMANDS; i++)
		commands[i].cause = JOB_CAUSE_NONE;
	(void)haproxy_command_results(text, size, &expected, commands, COMMANDS);
	for (size_t i = 0; i < COMMANDS; i++) {
		if ((commands[i].cause == JOB_CAUSE_NONE) != (commands[i].message[0] == '\0'))
			abort();
		require(text_is_clean(commands[i].message), "unprintable message");
	}
	free(text);
}

/* An accepted address can be connected to, and keeps its text. */
static void
endpoint_try(const uint8_t *data, size_t size)
{
	struct haproxy_endpoint endpoint;
	char *text = copy(data, size);
	struct err err;

	text[size] = '\0';
	if (haproxy_endpoint_parse(text, &endpoint, &err) == ERR_OK) {
		require(endpoint.length > 0 && endpoint.length <= sizeof(endpoint.address),
		    "length %u", endpoint.length);
		require(strcmp(endpoint.text, text) == 0, "\"%s\" became \"%s\"", text,
		    endpoint.text);
	} else {
		require(err.text[0] != '\0', "no message");
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	poll_try(data, size);
	results_try(data, size);
	endpoint_try(data, size);
	return 0;
}
