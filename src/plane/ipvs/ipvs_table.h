/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Services of IPVS with their destinations: as the kernel has them, or as they are wanted. A table
 * is made by a poll of the kernel, or service by service. The difference of two tables is a list of
 * changes.
 */
#ifndef PLANE_IPVS_TABLE_H
#define PLANE_IPVS_TABLE_H

#include "plane/ipvs/ipvs_socket.h"

struct ipvs_entry {
	struct ipvs_service	 service;
	struct ipvs_dest	*dests;
	size_t			 n, room;
};

/* Zeros are an empty table. */
struct ipvs_table {
	struct ipvs_entry	*entries;	/* by ipvs_key_compare() after ipvs_table_sort() */
	size_t			 n, room;
};

void ipvs_table_done(struct ipvs_table *table);

/* Add a service, and a destination to the service that was added last. False without memory. */
bool ipvs_table_service_add(struct ipvs_table *table, const struct ipvs_service *service)
    __attribute__((warn_unused_result));
bool ipvs_table_dest_add(struct ipvs_table *table, const struct ipvs_dest *dest)
    __attribute__((warn_unused_result));

/* Removes the service that was added last, with its destinations. */
void ipvs_table_service_drop(struct ipvs_table *table);

/* True if both have the same settings; their keys are not compared. */
bool ipvs_service_same(const struct ipvs_service *a, const struct ipvs_service *b);

/* Sorts services by key and destinations by endpoint. */
void ipvs_table_sort(struct ipvs_table *table);

/* Find in a sorted table; NULL if it has no such entry. */
struct ipvs_entry *ipvs_table_service(const struct ipvs_table *table,
    const struct ipvs_key *key);
struct ipvs_dest *ipvs_entry_dest(const struct ipvs_entry *entry,
    const struct ipvs_address *address, uint16_t port);

/* -- polls -------------------------------------------------------------------------------- */

/* True if the poll should read this service. It reads nothing of the other ones. */
typedef bool (*ipvs_wanted_fn)(void *arg, const struct ipvs_key *key);

/* Sets *ret to the service number i, from 0, that the kernel should have; false after the last. */
typedef bool (*ipvs_expected_fn)(void *arg, size_t i, struct ipvs_key *ret);

struct ipvs_poll;

/* Reads the table of the kernel and calls done(arg, error) once, from the loop; 'error' is that of
 * ipvs_socket.h. 'table' is empty before, and sorted and complete after a poll without error. The
 * kernel may leave services out of a dump while other services are removed, so the poll asks for
 * each service of 'expected', which may be NULL, that the dump lacks. NULL without memory. */
struct ipvs_poll *ipvs_poll_new(struct ipvs_socket *socket, struct ipvs_table *table,
    ipvs_wanted_fn wanted, ipvs_expected_fn expected, ipvs_done_fn done, void *arg);

/* Ends a poll that has not called done(). NULL is allowed. The socket has to be freed too. */
void ipvs_poll_cancel(struct ipvs_poll *poll);

/* Reads the whole table of the kernel and waits for it, for commands of a person. Returns the error
 * of ipvs_socket.h. *ret needs ipvs_table_done() in each case. */
int ipvs_table_read(struct ipvs_table *ret, int timeout_ms);

/* -- changes ------------------------------------------------------------------------------ */

/* Makes the changes that turn the table 'have' into 'wanted'; both are sorted. The caller frees
 * *ret. Services come first, then new destinations and weights above 0, then weights of 0, then
 * deletions. So a service that has a destination for clients before and afterwards always has one.
 * A destination has at most one change. False without memory. */
bool ipvs_changes_make(const struct ipvs_table *have, const struct ipvs_table *wanted,
    struct ipvs_request **ret, size_t *ret_n) __attribute__((warn_unused_result));

/* True for a deletion that failed because the object does not exist. */
bool ipvs_change_is_done(const struct ipvs_request *request);

#endif
