/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Puts the log of net-snmp's library into lbclusterd's log, with the token "libsnmp" and at
 * most five lines a minute.
 */
#ifndef AGENTX_LIBSNMP_LOG_H
#define AGENTX_LIBSNMP_LOG_H

/* Redirects the library's log, which goes to standard error otherwise. The library has one log
 * per process. */
void libsnmp_log_open(void);

/* Ends the redirection. */
void libsnmp_log_close(void);

#endif
