/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Errors of IPVS; see ipvs_failure.h. The errnos were seen with Linux 6.1.192.
 */
#include "plane/ipvs/ipvs_failure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/memory.h"

enum { OF_POLL = 1, OF_SERVICE = 2, OF_DEST = 4, OF_ALL = 7 };

/* The first row that fits counts. NULL is the text of strerror(3). */
static const struct {
	int			 error;
	unsigned int		 of;
	enum job_fail_cause	 cause;
	const char		*text;
} failures[] = {
	{ IPVS_NO_MODULE, OF_ALL, JOB_CAUSE_REJECTED,
	    "the kernel has no module ip_vs; run modprobe ip_vs" },
	{ EPERM, OF_ALL, JOB_CAUSE_REJECTED,
	    "Operation not permitted; the driver needs CAP_NET_ADMIN" },
	/* ipvs_failure() names the scheduler. */
	{ ENOENT, OF_SERVICE, JOB_CAUSE_REJECTED, NULL },
	{ ENOENT, OF_DEST, JOB_CAUSE_UNREACHABLE, "another program deleted it" },
	{ ESRCH, OF_SERVICE, JOB_CAUSE_UNREACHABLE, "another program deleted it" },
	{ ESRCH, OF_DEST, JOB_CAUSE_UNREACHABLE, "another program deleted its service" },
	{ EEXIST, OF_ALL, JOB_CAUSE_UNREACHABLE, "another program made it" },
	{ EINVAL, OF_SERVICE | OF_DEST, JOB_CAUSE_REJECTED, NULL },
	{ ERANGE, OF_SERVICE | OF_DEST, JOB_CAUSE_REJECTED, NULL },
	{ EAFNOSUPPORT, OF_ALL, JOB_CAUSE_REJECTED, NULL },
	{ EPROTONOSUPPORT, OF_ALL, JOB_CAUSE_REJECTED,
	    "the kernel cannot open a netlink socket; the unit of systemd needs AF_NETLINK" },
	{ ENOMEM, OF_ALL, JOB_CAUSE_UNREACHABLE, NULL },
	{ EBUSY, OF_ALL, JOB_CAUSE_UNREACHABLE, NULL },
	{ EINTR, OF_ALL, JOB_CAUSE_UNREACHABLE, "the table changed during the poll" },
	{ ETIMEDOUT, OF_ALL, JOB_CAUSE_TIMEOUT, NULL },
	{ EBADMSG, OF_ALL, JOB_CAUSE_OTHER, "the reply of the kernel is not valid" },
};

/* Writes "tcp 192.0.2.1:80", with the destination after it if the request is of one. */
static void
object_write(const struct ipvs_request *request, char buf[2 * IPVS_KEY_TEXT_SIZE + 8])
{
	char service[IPVS_KEY_TEXT_SIZE], dest[IPVS_KEY_TEXT_SIZE];

	if (request == NULL)
		snprintf(buf, sizeof("IPVS"), "IPVS");
	else if (request->command < IPVS_CMD_NEW_DEST)
		snprintf(buf, 2 * IPVS_KEY_TEXT_SIZE + 8, "%s",
		    ipvs_key_text(&request->service.key, service));
	else
		snprintf(buf, 2 * IPVS_KEY_TEXT_SIZE + 8, "%s to %s",
		    ipvs_key_text(&request->service.key, service),
		    ipvs_endpoint_text(&request->dest.address, request->dest.port, dest));
}

enum job_fail_cause
ipvs_failure(const struct ipvs_request *request, int error, char message[MODEL_MESSAGE_MAX + 1])
{
	unsigned int of = request == NULL ? OF_POLL :
	    request->command < IPVS_CMD_NEW_DEST ? OF_SERVICE : OF_DEST;
	enum job_fail_cause cause = JOB_CAUSE_OTHER;
	char object[2 * IPVS_KEY_TEXT_SIZE + 8];
	const char *text = NULL;

	for (size_t i = 0; i < ROWS(failures); i++) {
		if (failures[i].error != error || (failures[i].of & of) == 0)
			continue;
		cause = failures[i].cause;
		text = failures[i].text;
		break;
	}
	object_write(request, object);
	if (error == ENOENT && of == OF_SERVICE)
		snprintf(message, MODEL_MESSAGE_MAX + 1, "%s: the kernel has no scheduler %.16s; "
		    "run modprobe ip_vs_%.16s", object, request->service.scheduler,
		    request->service.scheduler);
	else
		snprintf(message, MODEL_MESSAGE_MAX + 1, "%s: %s", object,
		    text == NULL ? strerror(error) : text);
	return cause;
}
