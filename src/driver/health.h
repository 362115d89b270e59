/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The health checks of a driver: makes the check of each real service from its row and its
 * parameters, and keeps the results. A kind of data plane without the option "check" checks its
 * servers itself (plane haproxy), and its real services have no check here.
 */
#ifndef DRIVER_HEALTH_H
#define DRIVER_HEALTH_H

#include "model/model.h"
#include "util/err.h"

struct check_ops;
struct health;
struct loop;

enum health_state { HEALTH_NONE, HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

/* A real service, with the columns of its row and of its service and cluster. The texts are read
 * during the call only. */
struct health_real {
	uint32_t	 id, cluster_id;
	const char	*cluster_name, *service_name, *name;
	const char	*service_address, *service_port, *service_params;
	enum protocol	 protocol;	/* of the service */
	const char	*address, *port, *params;
};

struct health_result {
	enum health_state	state;
	int64_t			since_s;	/* wall clock of the last change; 0: none */
	/* For lbcRealOperStatusReason. "" if a check found the real service up, or if it has no
	 * check. "not checked: ..." says why a real service with HEALTH_NONE has no check. */
	char			message[MODEL_MESSAGE_MAX + 1];
};

/* The state of real service 'real_id' changed. The function must not call health_set() or
 * health_remove(). */
typedef void (*health_changed_fn)(void *arg, uint32_t real_id);

/* Creates the checks of a driver for plane 'kind', which run in 'loop'. 'kinds' is check_kinds of
 * check/checks.h, or NULL for a data plane that checks its servers itself. 'command_dir' has the
 * files of command checks; NULL means checks.d in the directory of the configuration. *ret is the
 * caller's until health_free(). ERR_NOMEM, ERR_IO. */
enum err_code health_new(struct loop *loop, const char *kind,
    const struct check_ops *const *kinds, const char *command_dir,
    health_changed_fn changed, void *arg, struct health **ret, struct err *err);

/* Ends all checks. NULL is allowed. */
void health_free(struct health *health);

/* True if the kind has checks. */
bool health_is_used(const struct health *health);

/* Makes the check of a real service. Call it when the row, its service or its cluster changed; an
 * equal check goes on. 'serves': the data plane gives the real service new work now.
 * A new check of a real service that serves begins as HEALTH_UP, and 'check-fall' failures end
 * that; otherwise it begins as HEALTH_UNKNOWN, and one result decides. Invalid rows are no error,
 * but HEALTH_NONE with a message. After ERR_NOMEM call it again. */
enum err_code health_set(struct health *health, const struct health_real *real, bool serves,
    struct err *err);

/* Sets whether the data plane gives the real service new work now. False begins the slow start, see
 * health_weight(). Call this function in each round. */
void health_serves(struct health *health, uint32_t real_id, bool serves);

/* Ends the check of a real service, or of all real services of a cluster. */
void health_remove(struct health *health, uint32_t real_id);
void health_cluster_remove(struct health *health, uint32_t cluster_id);

/* Sets *ret. A real service that was not set has HEALTH_NONE without a message. */
void health_get(const struct health *health, uint32_t real_id, struct health_result *ret);

/* Returns the weight that the data plane should have now for the weight of the store. It grows in
 * 'slow-start' seconds after the last health_serves() with false, and is at least 1 if
 * 'weight' is. A real service that served when the driver started has its whole weight. */
uint32_t health_weight(const struct health *health, uint32_t real_id, uint32_t weight);

#endif
