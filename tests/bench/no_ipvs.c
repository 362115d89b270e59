/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A library for LD_PRELOAD: keepalived runs its checks on a kernel without IPVS. It replaces the
 * functions of libnl with which keepalived 2.2.7 talks to IPVS; each request is acknowledged.
 */
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

static struct {
	nl_recvmsg_msg_cb_t	 fn;
	void			*arg;
} callbacks[NL_CB_TYPE_MAX + 1];

int
genl_ctrl_resolve(struct nl_sock *sock, const char *name)
{
	(void)sock;
	(void)name;
	return 42;
}

int
nl_socket_modify_cb(struct nl_sock *sock, enum nl_cb_type type, enum nl_cb_kind kind,
    nl_recvmsg_msg_cb_t fn, void *arg)
{
	(void)sock;
	(void)kind;
	callbacks[type].fn = fn;
	callbacks[type].arg = arg;
	return 0;
}

int
nl_send_auto(struct nl_sock *sock, struct nl_msg *msg)
{
	(void)sock;
	(void)msg;
	return 0;
}

int
nl_recvmsgs_default(struct nl_sock *sock)
{
	static const enum nl_cb_type ends[] = { NL_CB_FINISH, NL_CB_ACK };

	(void)sock;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (callbacks[ends[i]].fn != NULL)
			callbacks[ends[i]].fn(NULL, callbacks[ends[i]].arg);
	return 0;
}
