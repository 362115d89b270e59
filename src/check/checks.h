/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Health checks of servers, for any data plane. A check belongs to an id that the caller chooses,
 * as the id of a real service. Checks with equal specifications share one probe. The room uses
 * one descriptor and one timer of the caller's loop, and never blocks.
 */
#ifndef CHECK_CHECKS_H
#define CHECK_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "util/err.h"

struct checks;
struct loop;

enum {
	CHECK_ADDRESS_SIZE = 46,	/* INET6_ADDRSTRLEN */
	CHECK_PATH_SIZE = 513,
	CHECK_HOST_SIZE = 254,
	CHECK_EXPECT_SIZE = 257,
	CHECK_STATUS_RANGES = 8,
	CHECK_MESSAGE_SIZE = 256,
};

/* The kinds, in the order of a table in checks.c. */
enum check_kind { CHECK_CONNECT, CHECK_HTTP, CHECK_HTTPS, CHECK_COMMAND };
enum check_method { CHECK_GET, CHECK_HEAD };
enum check_state { CHECK_UNKNOWN, CHECK_UP, CHECK_DOWN };

struct check_range {
	uint16_t	from, to;	/* 'to' 0: no range */
};

struct check_spec {
	enum check_kind		kind;
	char			address[CHECK_ADDRESS_SIZE];	/* a literal address */
	uint16_t		port;

	/* http and https */
	char			path[CHECK_PATH_SIZE];		/* begins with '/' */
	char			host[CHECK_HOST_SIZE];		/* "": the address and the port */
	enum check_method	method;
	struct check_range	status[CHECK_STATUS_RANGES];
	char			expect[CHECK_EXPECT_SIZE];	/* "": any text */
	bool			verify;				/* the certificate of https */

	/* command: the name of a file, and what the command is given */
	char			command[MODEL_NAME_MAX + 1];
	char			service_address[CHECK_ADDRESS_SIZE];
	uint16_t		service_port;
	char			cluster_name[MODEL_NAME_MAX + 1];
	char			service_name[MODEL_NAME_MAX + 1];
	char			real_name[MODEL_NAME_MAX + 1];

	uint32_t		interval_ms, retry_ms, timeout_ms;	/* above 0 */
	uint32_t		rise, fall;				/* above 0 */
	bool			damping;
};

struct check_result {
	enum check_state	state;
	int64_t			since_s;	/* wall clock of the last change; 0: none */
	uint32_t		took_ms;	/* of the last decided probe */
	char			message[CHECK_MESSAGE_SIZE];	/* "": a probe found it up */
};

/* The check of 'id' changed its state. The function must not call checks_set() or
 * checks_remove(). */
typedef void (*checks_changed_fn)(void *arg, uint32_t id);

/* Creates an empty set of checks. 'command_dir' has the files of command checks; NULL means
 * checks.d in the directory of the configuration. Clears the ambient capabilities of the process,
 * so that a command gets none of them. *ret is the caller's until checks_free(). */
enum err_code checks_new(struct loop *loop, const char *command_dir, checks_changed_fn changed,
    void *arg, struct checks **ret, struct err *err);

/* Ends all probes and kills the commands that run. NULL is allowed. */
void checks_free(struct checks *checks);

/* Sets the check of 'id' (not 0). An equal specification keeps its result; another one begins as
 * unknown, or with the result of the probe that it shares. With 'assume_up', 'id' is up until its
 * probe has failed 'fall' times in a row. The caller assumes this of a server that gets work
 * already, so a restart of the caller takes no server out. ERR_INVALID and ERR_NOMEM change
 * nothing. */
enum err_code checks_set(struct checks *checks, uint32_t id, const struct check_spec *spec,
    bool assume_up, struct err *err);
void checks_remove(struct checks *checks, uint32_t id);

/* Sets *ret to the result of 'id'. False if 'id' has no check. */
bool checks_result(const struct checks *checks, uint32_t id, struct check_result *ret);

/* Returns the weight of a server 'up_ms' after it came up, with a slow start of 'slow_start_s'
 * seconds. The weight grows in proportion to the time, and is never below 1 if 'weight' is above
 * 0. */
uint32_t check_ramp(uint32_t weight, int64_t up_ms, uint32_t slow_start_s);

#endif
