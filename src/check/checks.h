/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Health checks of servers, for any data plane. A check belongs to an id that the caller chooses,
 * as the id of a real service. Checks with equal specifications share one probe. The room uses
 * one descriptor and one timer of the caller's loop, and never blocks.
 */
#ifndef CHECK_CHECKS_H
#define CHECK_CHECKS_H

#include "check/check_spec.h"

struct check_ops;
struct checks;
struct loop;

/* The kinds of checks, by enum check_kind. */
extern const struct check_ops *const check_kinds[];

enum { CHECK_MESSAGE_SIZE = 256 };

enum check_state { CHECK_UNKNOWN, CHECK_UP, CHECK_DOWN };

struct check_result {
	enum check_state	state;
	int64_t			since_s;	/* wall clock of the last change; 0: none */
	/* "" if the last probe found the server up. "not checked: ..." while this machine cannot
	 * run the probe; the state stays then. */
	char			message[CHECK_MESSAGE_SIZE];
};

/* The check of 'id' changed its state. The function must not call checks_set() or
 * checks_remove(). */
typedef void (*checks_changed_fn)(void *arg, uint32_t id);

/* Creates an empty set of checks. 'kinds' is check_kinds. 'command_dir' has the files of command
 * checks; NULL means checks.d in the directory of the configuration. Clears the ambient
 * capabilities of the process, so that a command gets none of them. *ret is the caller's until
 * checks_free(). ERR_NOMEM, ERR_IO. */
enum err_code checks_new(struct loop *loop, const struct check_ops *const *kinds,
    const char *command_dir, checks_changed_fn changed, void *arg, struct checks **ret,
    struct err *err);

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
