/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The kernel in memory; see ipvs_fake.h. The comments name the functions of the kernel's
 * net/netfilter/ipvs/ip_vs_ctl.c whose rules these functions repeat.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ipvs_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

enum { SERVICES_MAX = 64, DESTS_MAX = 256 };

struct entry {
	struct ipvs_key		 key;
	struct ipvs_dest	 dest;
	bool			 trash;	/* deleted while connections refer to it */
};

struct ipvs_socket {
	struct loop		*loop;
	struct loop_timer	 timer;
	ipvs_done_fn		 done;
	void			*arg;
	int			 error;
};

struct ipvs_fake ipvs_fake;
static struct ipvs_service services[SERVICES_MAX];
static struct entry entries[DESTS_MAX];
static size_t n_services, n_entries;

void
ipvs_fake_reset(void)
{
	ipvs_fake = (struct ipvs_fake){ 0 };
	n_services = 0;
	n_entries = 0;
}

struct ipvs_service *
ipvs_fake_service(const struct ipvs_key *key)
{
	for (size_t i = 0; i < n_services; i++) {
		if (ipvs_key_compare(&services[i].key, key) == 0)
			return &services[i];
	}
	return NULL;
}

static struct entry *
entry_find(const struct ipvs_key *key, const struct ipvs_address *address, uint16_t port,
    bool trash)
{
	for (size_t i = 0; i < n_entries; i++) {
		struct entry *entry = &entries[i];

		if (entry->trash == trash && ipvs_key_compare(&entry->key, key) == 0 &&
		    ipvs_endpoint_compare(&entry->dest.address, entry->dest.port, address,
		    port) == 0)
			return entry;
	}
	return NULL;
}

struct ipvs_dest *
ipvs_fake_dest(const struct ipvs_key *key, const struct ipvs_address *address, uint16_t port)
{
	struct entry *entry = entry_find(key, address, port, false);

	return entry == NULL ? NULL : &entry->dest;
}

static void
entry_remove(struct entry *entry)
{
	*entry = entries[--n_entries];
}

/* __ip_vs_del_dest(): the trash has what connections refer to. */
static void
entry_delete(struct entry *entry)
{
	if (entry->dest.active + entry->dest.inactive + entry->dest.persistent > 0)
		entry->trash = true;
	else
		entry_remove(entry);
}

void
ipvs_fake_connections_end(void)
{
	for (size_t i = n_entries; i-- > 0;) {
		struct ipvs_dest *dest = &entries[i].dest;

		dest->active = dest->inactive = dest->persistent = 0;
		if (entries[i].trash)
			entry_remove(&entries[i]);
	}
}

/* -- changes ------------------------------------------------------------------------------ */

static bool
scheduler_exists(const char *name)
{
	static const char *const names[] = { "rr", "wrr", "lc", "wlc", "sh", "mh", "sed", "nq" };

	for (size_t i = 0; i < ROWS(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* ip_vs_add_service(), ip_vs_edit_service() */
static int
service_judge(const struct ipvs_service *service)
{
	if (!scheduler_exists(service->scheduler))
		return ENOENT;
	if (service->key.address.family == AF_INET6 &&
	    (service->netmask < 1 || service->netmask > 128))
		return EINVAL;
	return 0;
}

static int
service_put(struct ipvs_service *old, const struct ipvs_service *service)
{
	int error = service_judge(service);

	if (error != 0)
		return error;
	if (old == NULL) {
		assert_true(n_services < SERVICES_MAX);
		old = &services[n_services++];
	}
	*old = *service;
	return 0;
}

static int
service_delete(struct ipvs_service *service)
{
	for (size_t i = n_entries; i-- > 0;) {
		if (!entries[i].trash &&
		    ipvs_key_compare(&entries[i].key, &service->key) == 0)
			entry_delete(&entries[i]);
	}
	*service = services[--n_services];
	return 0;
}

/* ip_vs_add_dest(), ip_vs_edit_dest() */
static int
dest_judge(const struct ipvs_dest *dest)
{
	return dest->weight > INT32_MAX || dest->lower > dest->upper ? ERANGE : 0;
}

/* ip_vs_new_dest(): the address has to be a unicast address. */
static bool
is_unicast(const struct ipvs_address *address)
{
	static const uint8_t any[16];
	const uint8_t *bytes = address->bytes;

	if (memcmp(bytes, any, sizeof(any)) == 0)
		return false;
	if (address->family == AF_INET)
		return bytes[0] < 224;
	return bytes[0] != 0xff && (bytes[0] != 0xfe || (bytes[1] & 0xc0) != 0x80);
}

/* Copies the settings, and not the numbers. */
static void
settings_copy(struct ipvs_dest *to, const struct ipvs_dest *from)
{
	to->forward = from->forward;
	to->weight = from->weight;
	to->upper = from->upper;
	to->lower = from->lower;
}

static int
dest_add(const struct ipvs_key *key, const struct ipvs_dest *dest)
{
	struct entry *entry = entry_find(key, &dest->address, dest->port, true);

	if (entry != NULL) {
		entry->trash = false;
	} else {
		if (!is_unicast(&dest->address))
			return EINVAL;
		assert_true(n_entries < DESTS_MAX);
		entry = &entries[n_entries++];
		*entry = (struct entry){ .key = *key };
		entry->dest.address = dest->address;
		entry->dest.port = dest->port;
	}
	settings_copy(&entry->dest, dest);
	return 0;
}

static int
dest_change(uint8_t command, const struct ipvs_key *key, const struct ipvs_dest *dest)
{
	struct entry *entry = entry_find(key, &dest->address, dest->port, false);
	int error;

	if (command == IPVS_CMD_DEL_DEST) {
		if (entry == NULL)
			return ENOENT;
		entry_delete(entry);
		return 0;
	}
	if (dest->address.family != key->address.family &&
	    dest->forward != IP_VS_CONN_F_TUNNEL)
		return EINVAL;
	error = dest_judge(dest);
	if (error != 0)
		return error;
	if (command == IPVS_CMD_NEW_DEST)
		return entry != NULL ? EEXIST : dest_add(key, dest);
	if (entry == NULL)
		return ENOENT;
	settings_copy(&entry->dest, dest);
	return 0;
}

/* ip_vs_genl_set_cmd() */
static int
change(const struct ipvs_request *request)
{
	struct ipvs_service *service = ipvs_fake_service(&request->service.key);

	if (++ipvs_fake.changes > 0 && ipvs_fake.fail_every != 0 &&
	    ipvs_fake.changes % ipvs_fake.fail_every == 0)
		return ipvs_fake.fail_error;
	if (request->command == IPVS_CMD_NEW_SERVICE)
		return service != NULL ? EEXIST : service_put(NULL, &request->service);
	if (service == NULL)
		return ESRCH;
	switch (request->command) {
	case IPVS_CMD_SET_SERVICE:
		return service_put(service, &request->service);
	case IPVS_CMD_DEL_SERVICE:
		return service_delete(service);
	default:
		return dest_change(request->command, &service->key, &request->dest);
	}
}

/* -- ipvs_socket.h -------------------------------------------------------------------------- */

struct ipvs_socket *
ipvs_socket_new(struct loop *loop, int timeout_ms)
{
	struct ipvs_socket *new = calloc(1, sizeof(*new));

	(void)timeout_ms;
	assert_non_null(new);
	new->loop = loop;
	return new;
}

void
ipvs_socket_free(struct ipvs_socket *socket)
{
	if (socket == NULL)
		return;
	loop_timer_cancel(socket->loop, &socket->timer);
	free(socket);
}

static void
on_timer(void *arg)
{
	struct ipvs_socket *socket = arg;

	socket->done(socket->arg, socket->error);
}

static void
answer(struct ipvs_socket *socket, int error, ipvs_done_fn done, void *arg)
{
	socket->error = error;
	socket->done = done;
	socket->arg = arg;
	loop_timer_set(socket->loop, &socket->timer, 0, on_timer, socket);
}

/* The error that every operation has. */
static int
error_of_all(void)
{
	return ipvs_fake.no_module ? IPVS_NO_MODULE : ipvs_fake.no_capability ? EPERM : 0;
}

void
ipvs_socket_services(struct ipvs_socket *socket, ipvs_service_fn each, ipvs_done_fn done,
    void *arg)
{
	int error = error_of_all();

	for (size_t i = ipvs_fake.left_out; i < n_services && error == 0; i++)
		error = each(arg, &services[i]) ? 0 : ENOMEM;
	answer(socket, error, done, arg);
}

void
ipvs_socket_service(struct ipvs_socket *socket, const struct ipvs_key *key, ipvs_service_fn each,
    ipvs_done_fn done, void *arg)
{
	const struct ipvs_service *service = ipvs_fake_service(key);
	int error = error_of_all();

	if (error == 0 && service != NULL && !each(arg, service))
		error = ENOMEM;
	answer(socket, error, done, arg);
}

void
ipvs_socket_dests(struct ipvs_socket *socket, const struct ipvs_key *key, ipvs_dest_fn each,
    ipvs_done_fn done, void *arg)
{
	int error = error_of_all();

	/* ip_vs_add_dest() puts a new destination first. */
	for (size_t i = n_entries; i-- > 0 && error == 0;) {
		if (!entries[i].trash && ipvs_key_compare(&entries[i].key, key) == 0)
			error = each(arg, &entries[i].dest) ? 0 : ENOMEM;
	}
	answer(socket, error, done, arg);
}

void
ipvs_socket_change(struct ipvs_socket *socket, struct ipvs_request *requests, size_t n,
    ipvs_done_fn done, void *arg)
{
	int error = error_of_all();

	for (size_t i = 0; i < n; i++)
		requests[i].error = error != 0 ? error : change(&requests[i]);
	/* EPERM is the answer to each request, and not a failure of the socket. */
	answer(socket, error == IPVS_NO_MODULE ? error : 0, done, arg);
}
