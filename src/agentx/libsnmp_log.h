/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What net-snmp's library logs, into our log with the token "libsnmp", a few lines a
 * minute.
 */
#ifndef AGENTX_LIBSNMP_LOG_H
#define AGENTX_LIBSNMP_LOG_H

/* Takes the library's log over, away from the standard error. The library has one
 * log per process, so this is for the process. */
void libsnmp_log_open(void);

/* Gives it back. */
void libsnmp_log_close(void);

#endif
