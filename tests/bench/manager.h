/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A manager with one open session, for the clients of the bench and of the long trials. It reads
 * no MIB and repeats no request.
 */
#ifndef TESTS_BENCH_MANAGER_H
#define TESTS_BENCH_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

/* CLOCK_MONOTONIC */
int64_t manager_now_ns(void);

void manager_pause_us(long us);

/* A session of SNMPv2c with 127.0.0.1 as community "private". NULL: none. */
void *manager_open(const char *port, long timeout_us);

/* The answer to 'pdu' with any error status, which the caller frees. NULL: no answer. */
netsnmp_pdu *manager_ask(void *session, netsnmp_pdu *pdu);

/* False for noSuchObject, noSuchInstance and endOfMibView. */
bool manager_is_value(const netsnmp_variable_list *varbind);

#endif
