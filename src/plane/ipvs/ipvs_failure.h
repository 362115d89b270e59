/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What an error of IPVS means for a job, and what a person can do about it.
 */
#ifndef PLANE_IPVS_FAILURE_H
#define PLANE_IPVS_FAILURE_H

#include "model/model.h"
#include "plane/ipvs/ipvs_socket.h"

/* Writes the message of an 'error' of ipvs_socket.h, which is not 0, and returns its cause.
 * 'request' is the change that failed; NULL for a poll. UNREACHABLE and TIMEOUT are not final. */
enum job_fail_cause ipvs_failure(const struct ipvs_request *request, int error,
    char message[MODEL_MESSAGE_MAX + 1]);

#endif
