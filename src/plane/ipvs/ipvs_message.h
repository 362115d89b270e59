/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The messages of the generic netlink family IPVS, linux/ip_vs.h. Requests are made from structs,
 * and replies are read into structs. No function here uses a socket.
 */
#ifndef PLANE_IPVS_MESSAGE_H
#define PLANE_IPVS_MESSAGE_H

#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <netlink/msg.h>

#include "plane/ipvs/ipvs_key.h"

/* The numbers of a service or destination: number[IPVS_STATS_ATTR_CONNS - 1] and so on. Rates are
 * per second, INBPS and OUTBPS in bytes. The kernel updates all of them every 2 s. */
enum { IPVS_STATS = IPVS_STATS_ATTR_OUTBPS };

/* A virtual service with its settings. */
struct ipvs_service {
	struct ipvs_key	 key;
	char		 scheduler[IP_VS_SCHEDNAME_MAXLEN];
	uint32_t	 flags;		/* IP_VS_SVC_F_ of linux/ip_vs.h, without HASHED */
	uint32_t	 timeout_s;	/* of persistence */
	/* The part of a client's address that persistence compares. IPv4: a mask in host order.
	 * IPv6: a number of bits. */
	uint32_t	 netmask;
	/* The persistence engine, "" if none. What the kernel reports; not in requests. */
	char		 engine[IP_VS_PENAME_MAXLEN];
	uint64_t	 number[IPVS_STATS];	/* as 'engine' */
};

struct ipvs_dest {
	struct ipvs_address	 address;
	uint16_t		 port;
	uint32_t		 forward;	/* IP_VS_CONN_F_MASQ, _TUNNEL, _DROUTE, ... */
	uint32_t		 weight;
	uint32_t		 upper, lower;	/* thresholds of connections; 0: none */
	/* What the kernel reports; not in requests. */
	uint32_t		 active, inactive, persistent;
	uint8_t			 tunnel_type;	/* 0: IPIP, IP_VS_CONN_F_TUNNEL_TYPE_ */
	uint64_t		 number[IPVS_STATS];
	int64_t			 leaving_ms;	/* since when the store lacks it; 0: it has it */
};

/* Returns the netmask that covers the first 'bits' bits of an address; 0: all bits. */
uint32_t ipvs_netmask(uint16_t family, uint32_t bits);

/* -- requests: NULL without memory; the caller frees the message with nlmsg_free() --------- */

/* Asks for the number of the family IPVS. */
struct nl_msg *ipvs_message_family(uint32_t sequence);

/* Asks for one service. The kernel answers with the service, or with ESRCH. */
struct nl_msg *ipvs_message_service(uint16_t family, uint32_t sequence,
    const struct ipvs_key *key);

/* A dump of all services, or of all destinations of the service 'key'. */
struct nl_msg *ipvs_message_dump(uint16_t family, uint32_t sequence, uint8_t command,
    const struct ipvs_key *key);

/* IPVS_CMD_NEW_, SET_ or DEL_ of a service, or of a destination of 'service' if 'dest' is not NULL.
 * SET replaces all settings. The kernel acknowledges the request. */
struct nl_msg *ipvs_message_change(uint16_t family, uint32_t sequence, uint8_t command,
    const struct ipvs_service *service, const struct ipvs_dest *dest);

/* -- replies ---------------------------------------------------------------------------- */

enum ipvs_reply_kind {
	IPVS_REPLY_DATA,	/* read it with one of the functions below */
	IPVS_REPLY_END,		/* of a dump */
	IPVS_REPLY_ERROR,	/* 'error' is an errno; 0: the request was carried out */
};

struct ipvs_reply {
	enum ipvs_reply_kind	 kind;
	int			 error;
	uint32_t		 sequence;	/* of the request */
	struct nlmsghdr		*message;	/* part of the received bytes */
};

/* Takes the next reply from *left received bytes at *at, which are aligned for struct nlmsghdr.
 * Returns false at the end of the messages. *left is then above 0 if the remaining bytes are not a
 * valid message. */
bool ipvs_reply_next(struct nlmsghdr **at, int *left, struct ipvs_reply *ret);

/* False if the reply is not of that kind, or lacks an attribute. */
bool ipvs_reply_family(const struct ipvs_reply *reply, uint16_t *ret);
bool ipvs_reply_service(const struct ipvs_reply *reply, struct ipvs_service *ret);
bool ipvs_reply_dest(const struct ipvs_reply *reply, struct ipvs_dest *ret);

#endif
