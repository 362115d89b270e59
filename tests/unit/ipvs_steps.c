/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests for both kernels; see ipvs_steps.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipvs_steps.h"
#include "util/memory.h"

static const struct service {
	const char	*key, *scheduler;
	uint32_t	 flags, timeout_s, netmask;
} services[] = {
	[0] = { "tcp 192.0.2.1:80", "rr", 0, 0, 0xffffffff },
	[1] = { "tcp 192.0.2.1:80", "wlc", IP_VS_SVC_F_PERSISTENT, 300, 0xffffff00 },
	[2] = { "tcp 192.0.2.1:81", "fo", 0, 0, 0xffffffff },		/* no such module */
	[3] = { "udp [2001:db8::1]:53", "mh", IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2, 0, 128 },
	[4] = { "udp [2001:db8::1]:54", "rr", 0, 0, 129 },
	[5] = { "fwmark 7 ipv4", "sh", IP_VS_SVC_F_SCHED1, 0, 0xffffffff },
	[6] = { "fwmark 7 ipv6", "rr", 0, 0, 64 },
	[7] = { "sctp 192.0.2.1:80", "lc", 0, 0, 0xffffffff },
	[8] = { "udp 192.0.2.1:53", "rr", IP_VS_SVC_F_ONEPACKET, 0, 0xffffffff },
};

static const struct dest {
	const char	*key;		/* the protocol does not matter */
	uint16_t	 forward;
	uint32_t	 weight, upper, lower;
} dests[] = {
	[0] = { "tcp 10.0.0.1:8080", IP_VS_CONN_F_MASQ, 10, 0, 0 },
	[1] = { "tcp 10.0.0.1:8080", IP_VS_CONN_F_DROUTE, 0, 100, 80 },
	[2] = { "tcp 10.0.0.2:8080", IP_VS_CONN_F_TUNNEL, 65535, 0, 0 },
	[3] = { "tcp 10.0.0.2:8080", IP_VS_CONN_F_MASQ, 0x80000000, 0, 0 },
	[4] = { "tcp 10.0.0.2:8080", IP_VS_CONN_F_MASQ, 1, 4, 5 },
	[5] = { "tcp 0.0.0.0:80", IP_VS_CONN_F_MASQ, 1, 0, 0 },
	[6] = { "tcp 224.0.0.1:80", IP_VS_CONN_F_MASQ, 1, 0, 0 },
	[7] = { "tcp [2001:db8::2]:80", IP_VS_CONN_F_MASQ, 1, 0, 0 },
	[8] = { "tcp [2001:db8::2]:80", IP_VS_CONN_F_TUNNEL, 1, 0, 0 },
	[9] = { "udp [fe80::1]:53", IP_VS_CONN_F_DROUTE, 1, 0, 0 },
	[10] = { "udp [2001:db8::2]:53", IP_VS_CONN_F_DROUTE, 1, 0, 0 },
};

/* Each change, in order, and its errno. 'dest' is -1 for a change of the service. */
static const struct step {
	uint8_t	command;
	int	service, dest, error;
} steps[] = {
	/* A service that does not exist. */
	{ IPVS_CMD_SET_SERVICE, 0, -1, ESRCH },
	{ IPVS_CMD_DEL_SERVICE, 0, -1, ESRCH },
	{ IPVS_CMD_NEW_DEST, 0, 0, ESRCH },
	{ IPVS_CMD_SET_DEST, 0, 0, ESRCH },
	{ IPVS_CMD_DEL_DEST, 0, 0, ESRCH },
	/* Services. SET replaces all settings. */
	{ IPVS_CMD_NEW_SERVICE, 0, -1, 0 },
	{ IPVS_CMD_NEW_SERVICE, 1, -1, EEXIST },
	{ IPVS_CMD_SET_SERVICE, 1, -1, 0 },
	{ IPVS_CMD_SET_SERVICE, 0, -1, 0 },
	{ IPVS_CMD_NEW_SERVICE, 2, -1, ENOENT },
	{ IPVS_CMD_NEW_SERVICE, 3, -1, 0 },
	{ IPVS_CMD_NEW_SERVICE, 4, -1, EINVAL },
	{ IPVS_CMD_NEW_SERVICE, 5, -1, 0 },
	{ IPVS_CMD_NEW_SERVICE, 6, -1, 0 },
	{ IPVS_CMD_NEW_SERVICE, 7, -1, 0 },
	{ IPVS_CMD_NEW_SERVICE, 8, -1, 0 },
	/* Destinations. */
	{ IPVS_CMD_SET_DEST, 0, 0, ENOENT },
	{ IPVS_CMD_DEL_DEST, 0, 0, ENOENT },
	{ IPVS_CMD_NEW_DEST, 0, 0, 0 },
	{ IPVS_CMD_NEW_DEST, 0, 1, EEXIST },
	{ IPVS_CMD_SET_DEST, 0, 1, 0 },
	{ IPVS_CMD_SET_DEST, 0, 0, 0 },
	{ IPVS_CMD_NEW_DEST, 0, 3, ERANGE },
	{ IPVS_CMD_NEW_DEST, 0, 4, ERANGE },
	{ IPVS_CMD_NEW_DEST, 0, 2, 0 },
	{ IPVS_CMD_SET_DEST, 0, 4, ERANGE },
	{ IPVS_CMD_NEW_DEST, 0, 5, EINVAL },
	{ IPVS_CMD_NEW_DEST, 0, 6, EINVAL },
	{ IPVS_CMD_NEW_DEST, 0, 7, EINVAL },
	{ IPVS_CMD_NEW_DEST, 0, 8, 0 },
	{ IPVS_CMD_NEW_DEST, 3, 9, EINVAL },
	{ IPVS_CMD_NEW_DEST, 3, 10, 0 },
	{ IPVS_CMD_NEW_DEST, 5, 0, 0 },
	/* A destination that was deleted can be added again. */
	{ IPVS_CMD_DEL_DEST, 0, 0, 0 },
	{ IPVS_CMD_DEL_DEST, 0, 0, ENOENT },
	{ IPVS_CMD_NEW_DEST, 0, 1, 0 },
	/* A service goes with its destinations. */
	{ IPVS_CMD_DEL_SERVICE, 0, -1, 0 },
	{ IPVS_CMD_DEL_DEST, 0, 2, ESRCH },
	{ IPVS_CMD_DEL_SERVICE, 3, -1, 0 },
	{ IPVS_CMD_DEL_SERVICE, 5, -1, 0 },
	{ IPVS_CMD_DEL_SERVICE, 6, -1, 0 },
	{ IPVS_CMD_DEL_SERVICE, 7, -1, 0 },
	{ IPVS_CMD_DEL_SERVICE, 8, -1, 0 },
};

struct trial {
	struct loop		*loop;
	struct ipvs_socket	*socket;
	size_t			 at;
	struct ipvs_request	 request;
	size_t			 n_services;	/* of the dump */
	bool			 found;		/* the service or destination of the request */
};

static struct ipvs_request
request_of(const struct step *step)
{
	const struct service *service = &services[step->service];
	struct ipvs_request request = { .command = step->command, .error = -1,
	    .service = { .flags = service->flags, .timeout_s = service->timeout_s,
	    .netmask = service->netmask } };
	const struct dest *dest = step->dest < 0 ? NULL : &dests[step->dest];
	struct ipvs_key key;

	assert_true(ipvs_key_parse(service->key, &request.service.key));
	snprintf(request.service.scheduler, sizeof(request.service.scheduler), "%s",
	    service->scheduler);
	if (dest != NULL) {
		assert_true(ipvs_key_parse(dest->key, &key));
		request.dest = (struct ipvs_dest){ .address = key.address, .port = key.port,
		    .forward = dest->forward, .weight = dest->weight, .upper = dest->upper,
		    .lower = dest->lower };
	}
	return request;
}

static bool
on_service(void *arg, const struct ipvs_service *service)
{
	struct trial *trial = arg;
	const struct ipvs_service *sent = &trial->request.service;

	trial->n_services++;
	if (ipvs_key_compare(&service->key, &sent->key) != 0)
		return true;
	if (trial->request.command < IPVS_CMD_NEW_DEST && trial->request.error == 0) {
		assert_string_equal(service->scheduler, sent->scheduler);
		assert_int_equal(service->flags, sent->flags);
		assert_int_equal(service->timeout_s, sent->timeout_s);
		assert_int_equal(service->netmask, sent->netmask);
	}
	trial->found |= trial->request.command < IPVS_CMD_NEW_DEST;
	return true;
}

static bool
on_dest(void *arg, const struct ipvs_dest *dest)
{
	struct trial *trial = arg;
	const struct ipvs_dest *sent = &trial->request.dest;

	if (trial->request.command < IPVS_CMD_NEW_DEST ||
	    ipvs_endpoint_compare(&dest->address, dest->port, &sent->address, sent->port) != 0)
		return true;
	trial->found = true;
	if (trial->request.error != 0)
		return true;
	assert_int_equal(dest->forward, sent->forward);
	assert_int_equal(dest->weight, sent->weight);
	assert_int_equal(dest->upper, sent->upper);
	assert_int_equal(dest->lower, sent->lower);
	assert_int_equal(dest->active + dest->inactive + dest->persistent, 0);
	assert_int_equal(dest->number[IPVS_STATS_ATTR_CONNS - 1], 0);
	return true;
}

static void step_begin(struct trial *trial);

/* What a successful change made is there, and what it deleted is not. */
static void
on_dests_done(void *arg, int error)
{
	struct trial *trial = arg;
	uint8_t command = trial->request.command;

	assert_int_equal(error, 0);
	if (trial->request.error == 0)
		assert_int_equal(trial->found, command != IPVS_CMD_DEL_SERVICE &&
		    command != IPVS_CMD_DEL_DEST);
	else if (trial->request.error == ESRCH || trial->request.error == ENOENT)
		assert_false(trial->found);
	else if (trial->request.error == EEXIST)
		assert_true(trial->found);
	trial->at++;
	if (trial->at < ROWS(steps))
		step_begin(trial);
	else
		loop_stop(trial->loop);
}

static void
on_services_done(void *arg, int error)
{
	struct trial *trial = arg;

	assert_int_equal(error, 0);
	ipvs_socket_dests(trial->socket, &trial->request.service.key, on_dest, on_dests_done,
	    trial);
}

static void
on_changed(void *arg, int error)
{
	struct trial *trial = arg;

	assert_int_equal(error, 0);
	if (trial->request.error != steps[trial->at].error)
		print_error("step %zu\n", trial->at);
	assert_int_equal(trial->request.error, steps[trial->at].error);
	trial->found = false;
	trial->n_services = 0;
	ipvs_socket_services(trial->socket, on_service, on_services_done, trial);
}

static void
step_begin(struct trial *trial)
{
	trial->request = request_of(&steps[trial->at]);
	ipvs_socket_change(trial->socket, &trial->request, 1, on_changed, trial);
}

void
ipvs_steps_have_the_same_results(void **state)
{
	struct trial trial = { .loop = loop_new() };

	(void)state;
	assert_non_null(trial.loop);
	trial.socket = ipvs_socket_new(trial.loop, 5000);
	assert_non_null(trial.socket);
	step_begin(&trial);
	loop_run(trial.loop);
	assert_int_equal(trial.at, ROWS(steps));
	assert_int_equal(trial.n_services, 0);
	ipvs_socket_free(trial.socket);
	loop_free(trial.loop);
}

/* -- operations that are waited for --------------------------------------------------------- */

struct wait {
	struct loop	*loop;
	int		 error;
};

static bool
every(void *arg, const struct ipvs_key *key)
{
	(void)arg;
	(void)key;
	return true;
}

static void
on_waited(void *arg, int error)
{
	struct wait *wait = arg;

	wait->error = error;
	loop_stop(wait->loop);
}

int
ipvs_poll_wait(struct ipvs_table *ret)
{
	struct wait wait = { .loop = loop_new() };
	struct ipvs_socket *socket = ipvs_socket_new(wait.loop, 5000);

	*ret = (struct ipvs_table){ 0 };
	assert_non_null(socket);
	assert_non_null(ipvs_poll_new(socket, ret, every, NULL, on_waited, &wait));
	loop_run(wait.loop);
	ipvs_socket_free(socket);
	loop_free(wait.loop);
	return wait.error;
}

int
ipvs_change_wait(struct ipvs_request *requests, size_t n)
{
	struct wait wait = { .loop = loop_new() };
	struct ipvs_socket *socket = ipvs_socket_new(wait.loop, 5000);

	assert_non_null(socket);
	ipvs_socket_change(socket, requests, n, on_waited, &wait);
	loop_run(wait.loop);
	ipvs_socket_free(socket);
	loop_free(wait.loop);
	return wait.error;
}

/* -- random tables -------------------------------------------------------------------------- */

static uint32_t
random_below(unsigned int *seed, uint32_t end)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % end;
}

void
ipvs_table_random(struct ipvs_table *table, unsigned int seed)
{
	static const char *const schedulers[] = { "rr", "wlc", "sed" };

	for (uint16_t i = 0; i < 6; i++) {
		struct ipvs_service service = { .key = { .address = { .family = AF_INET,
		    .bytes = { 192, 0, 2, 1 } }, .protocol = i % 2 == 0 ? 6 : 17,
		    .port = (uint16_t)(80 + i) }, .netmask = UINT32_MAX };

		if (random_below(&seed, 4) == 0)
			continue;
		snprintf(service.scheduler, sizeof(service.scheduler), "%s",
		    schedulers[random_below(&seed, ROWS(schedulers))]);
		if (random_below(&seed, 2) == 0) {
			service.flags = IP_VS_SVC_F_PERSISTENT;
			service.timeout_s = 60 * (1 + random_below(&seed, 3));
		}
		assert_true(ipvs_table_service_add(table, &service));
		for (uint8_t j = 1; j < 9; j++) {
			struct ipvs_dest dest = { .address = { .family = AF_INET,
			    .bytes = { 10, 0, 0, j } }, .port = 80,
			    .weight = 5 * random_below(&seed, 3),
			    .upper = 100 };

			dest.upper += random_below(&seed, 2);
			dest.lower = random_below(&seed, 2);
			if (random_below(&seed, 3) > 0)
				assert_true(ipvs_table_dest_add(table, &dest));
		}
	}
	ipvs_table_sort(table);
}

static void
tables_are_equal(const struct ipvs_table *have, const struct ipvs_table *wanted)
{
	assert_int_equal(have->n, wanted->n);
	for (size_t i = 0; i < have->n; i++) {
		const struct ipvs_entry *a = &have->entries[i], *b = &wanted->entries[i];

		assert_int_equal(ipvs_key_compare(&a->service.key, &b->service.key), 0);
		assert_string_equal(a->service.scheduler, b->service.scheduler);
		assert_int_equal(a->service.flags, b->service.flags);
		assert_int_equal(a->service.timeout_s, b->service.timeout_s);
		assert_int_equal(a->n, b->n);
		for (size_t j = 0; j < a->n; j++) {
			assert_int_equal(ipvs_endpoint_compare(&a->dests[j].address,
			    a->dests[j].port, &b->dests[j].address, b->dests[j].port), 0);
			assert_int_equal(a->dests[j].weight, b->dests[j].weight);
			assert_int_equal(a->dests[j].upper, b->dests[j].upper);
			assert_int_equal(a->dests[j].lower, b->dests[j].lower);
		}
	}
}

struct ipvs_request *
ipvs_changes_wait(const struct ipvs_table *wanted, size_t *ret_n)
{
	struct ipvs_request *requests;
	struct ipvs_table have;

	assert_int_equal(ipvs_poll_wait(&have), 0);
	assert_true(ipvs_changes_make(&have, wanted, &requests, ret_n));
	assert_int_equal(ipvs_change_wait(requests, *ret_n), 0);
	ipvs_table_done(&have);
	return requests;
}

/* Makes 'wanted' the table of the kernel. A second poll shows no difference. */
static void
take_effect(const struct ipvs_table *wanted)
{
	struct ipvs_request *requests;
	struct ipvs_table have;
	size_t n;

	requests = ipvs_changes_wait(wanted, &n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(requests[i].error, 0);
	free(requests);
	assert_int_equal(ipvs_poll_wait(&have), 0);
	tables_are_equal(&have, wanted);
	assert_true(ipvs_changes_make(&have, wanted, &requests, &n));
	assert_int_equal(n, 0);
	free(requests);
	ipvs_table_done(&have);
}

void
ipvs_tables_take_effect(void **state)
{
	struct ipvs_table wanted;

	(void)state;
	for (unsigned int seed = 1; seed <= 40; seed++) {
		wanted = (struct ipvs_table){ 0 };
		ipvs_table_random(&wanted, seed);
		take_effect(&wanted);
		ipvs_table_done(&wanted);
	}
	wanted = (struct ipvs_table){ 0 };
	take_effect(&wanted);
}
