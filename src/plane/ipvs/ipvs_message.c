/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Messages of the family IPVS; see ipvs_message.h.
 */
#include "plane/ipvs/ipvs_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <string.h>

uint32_t
ipvs_netmask(uint16_t family, uint32_t bits)
{
	if (family == AF_INET6)
		return bits == 0 ? 128 : bits;
	return bits == 0 || bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits);
}

/* -- requests ----------------------------------------------------------------------------- */

static struct nl_msg *
message_new(uint16_t family, uint32_t sequence, uint8_t command, int flags)
{
	struct nl_msg *message = nlmsg_alloc();

	if (message != NULL && genlmsg_put(message, 0, sequence, family, 0,
	    NLM_F_REQUEST | flags, command, IPVS_GENL_VERSION) == NULL) {
		nlmsg_free(message);
		message = NULL;
	}
	return message;
}

/* Returns 'message', or NULL if an attribute did not fit. */
static struct nl_msg *
message_finish(struct nl_msg *message, bool complete)
{
	if (complete)
		return message;
	nlmsg_free(message);
	return NULL;
}

struct nl_msg *
ipvs_message_family(uint32_t sequence)
{
	struct nl_msg *message = message_new(GENL_ID_CTRL, sequence, CTRL_CMD_GETFAMILY, 0);

	if (message == NULL)
		return NULL;
	return message_finish(message,
	    nla_put_string(message, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME) == 0);
}

/* The kernel's union nf_inet_addr has 16 bytes for both families. */
static bool
key_put(struct nl_msg *message, const struct ipvs_key *key)
{
	if (nla_put_u16(message, IPVS_SVC_ATTR_AF, key->address.family) != 0)
		return false;
	if (key->fwmark != 0)
		return nla_put_u32(message, IPVS_SVC_ATTR_FWMARK, key->fwmark) == 0;
	return nla_put_u16(message, IPVS_SVC_ATTR_PROTOCOL, key->protocol) == 0 &&
	    nla_put(message, IPVS_SVC_ATTR_ADDR, sizeof(key->address.bytes),
	    key->address.bytes) == 0 &&
	    nla_put_u16(message, IPVS_SVC_ATTR_PORT, htons(key->port)) == 0;
}

static bool
settings_put(struct nl_msg *message, const struct ipvs_service *service)
{
	const struct ip_vs_flags flags = { .flags = service->flags, .mask = UINT32_MAX };
	uint32_t netmask = service->netmask;

	if (service->key.address.family == AF_INET)
		netmask = htonl(netmask);
	return nla_put_string(message, IPVS_SVC_ATTR_SCHED_NAME, service->scheduler) == 0 &&
	    nla_put(message, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags) == 0 &&
	    nla_put_u32(message, IPVS_SVC_ATTR_TIMEOUT, service->timeout_s) == 0 &&
	    nla_put_u32(message, IPVS_SVC_ATTR_NETMASK, netmask) == 0;
}

static bool
service_put(struct nl_msg *message, const struct ipvs_key *key,
    const struct ipvs_service *settings)
{
	struct nlattr *nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);

	if (nest == NULL || !key_put(message, key) ||
	    (settings != NULL && !settings_put(message, settings)))
		return false;
	nla_nest_end(message, nest);
	return true;
}

static bool
dest_put(struct nl_msg *message, const struct ipvs_dest *dest)
{
	struct nlattr *nest = nla_nest_start(message, IPVS_CMD_ATTR_DEST);

	if (nest == NULL ||
	    nla_put_u16(message, IPVS_DEST_ATTR_ADDR_FAMILY, dest->address.family) != 0 ||
	    nla_put(message, IPVS_DEST_ATTR_ADDR, sizeof(dest->address.bytes),
	    dest->address.bytes) != 0 ||
	    nla_put_u16(message, IPVS_DEST_ATTR_PORT, htons(dest->port)) != 0 ||
	    nla_put_u32(message, IPVS_DEST_ATTR_FWD_METHOD, dest->forward) != 0 ||
	    nla_put_u32(message, IPVS_DEST_ATTR_WEIGHT, dest->weight) != 0 ||
	    nla_put_u32(message, IPVS_DEST_ATTR_U_THRESH, dest->upper) != 0 ||
	    nla_put_u32(message, IPVS_DEST_ATTR_L_THRESH, dest->lower) != 0)
		return false;
	nla_nest_end(message, nest);
	return true;
}

struct nl_msg *
ipvs_message_service(uint16_t family, uint32_t sequence, const struct ipvs_key *key)
{
	struct nl_msg *message = message_new(family, sequence, IPVS_CMD_GET_SERVICE, 0);

	return message == NULL ? NULL : message_finish(message, service_put(message, key, NULL));
}

struct nl_msg *
ipvs_message_dump(uint16_t family, uint32_t sequence, uint8_t command,
    const struct ipvs_key *key)
{
	struct nl_msg *message = message_new(family, sequence, command, NLM_F_DUMP);

	if (message == NULL)
		return NULL;
	return message_finish(message, key == NULL || service_put(message, key, NULL));
}

struct nl_msg *
ipvs_message_change(uint16_t family, uint32_t sequence, uint8_t command,
    const struct ipvs_service *service, const struct ipvs_dest *dest)
{
	struct nl_msg *message = message_new(family, sequence, command, NLM_F_ACK);

	if (message == NULL)
		return NULL;
	return message_finish(message,
	    service_put(message, &service->key, dest == NULL ? service : NULL) &&
	    (dest == NULL || dest_put(message, dest)));
}

/* -- replies ------------------------------------------------------------------------------ */

/* The error of NLMSG_ERROR and NLMSG_DONE, a negative errno. NLMSG_DONE of old kernels has
 * none. */
static int
error_read(struct nlmsghdr *message)
{
	int error = 0;

	if (nlmsg_datalen(message) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(message), sizeof(error));
	else if (message->nlmsg_type == NLMSG_ERROR)
		error = -EBADMSG;
	return error < 0 && error >= -4095 ? -error : error == 0 ? 0 : EBADMSG;
}

/* Uses the macros of linux/netlink.h. libnl has functions for the same, but calling them for every
 * destination takes longer than the work in them. */
bool
ipvs_reply_next(struct nlmsghdr **at, int *left, struct ipvs_reply *ret)
{
	struct nlmsghdr *message = *at;
	int size;

	if (*left < 0 || !NLMSG_OK(message, (unsigned int)*left))
		return false;
	*ret = (struct ipvs_reply){ .kind = IPVS_REPLY_DATA, .sequence = message->nlmsg_seq,
	    .message = message };
	if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
		ret->error = error_read(message);
		ret->kind = message->nlmsg_type == NLMSG_ERROR || ret->error != 0 ?
		    IPVS_REPLY_ERROR : IPVS_REPLY_END;
	} else if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
		ret->kind = IPVS_REPLY_ERROR;
		ret->error = EINTR;
	}
	/* The padding of the last message may be absent. */
	size = (int)NLMSG_ALIGN(message->nlmsg_len);
	*at = (void *)((char *)message + size);
	*left = *left > size ? *left - size : 0;
	return true;
}

/* Reads the attributes of the reply 'command'. */
static bool
attributes_read(const struct ipvs_reply *reply, uint8_t command, struct nlattr **ret, int max)
{
	struct genlmsghdr *header;

	if (reply->kind != IPVS_REPLY_DATA || !genlmsg_valid_hdr(reply->message, 0))
		return false;
	header = genlmsg_hdr(reply->message);
	return header->cmd == command && nla_parse(ret, max, genlmsg_attrdata(header, 0),
	    genlmsg_attrlen(header, 0), NULL) == 0;
}

bool
ipvs_reply_family(const struct ipvs_reply *reply, uint16_t *ret)
{
	struct nlattr *attributes[CTRL_ATTR_MAX + 1];

	if (!attributes_read(reply, CTRL_CMD_NEWFAMILY, attributes, CTRL_ATTR_MAX) ||
	    attributes[CTRL_ATTR_FAMILY_ID] == NULL ||
	    nla_len(attributes[CTRL_ATTR_FAMILY_ID]) < (int)sizeof(uint16_t))
		return false;
	*ret = nla_get_u16(attributes[CTRL_ATTR_FAMILY_ID]);
	return true;
}

/* Reads an address, of which the kernel writes 16 bytes for both families. */
static bool
address_read(struct nlattr *attribute, uint16_t family, struct ipvs_address *ret)
{
	size_t length = family == AF_INET ? 4 : 16;

	if ((family != AF_INET && family != AF_INET6) || attribute == NULL ||
	    nla_len(attribute) < (int)length)
		return false;
	*ret = (struct ipvs_address){ .family = family };
	memcpy(ret->bytes, nla_data(attribute), length);
	return true;
}

/* The policies make nla_parse() check the lengths of the attributes. */
static struct nla_policy service_policy[IPVS_SVC_ATTR_MAX + 1] = {
	[IPVS_SVC_ATTR_AF] = { .type = NLA_U16 },
	[IPVS_SVC_ATTR_PROTOCOL] = { .type = NLA_U16 },
	[IPVS_SVC_ATTR_PORT] = { .type = NLA_U16 },
	[IPVS_SVC_ATTR_FWMARK] = { .type = NLA_U32 },
	[IPVS_SVC_ATTR_SCHED_NAME] = { .type = NLA_STRING, .maxlen = IP_VS_SCHEDNAME_MAXLEN },
	[IPVS_SVC_ATTR_FLAGS] = { .minlen = sizeof(struct ip_vs_flags) },
	[IPVS_SVC_ATTR_TIMEOUT] = { .type = NLA_U32 },
	[IPVS_SVC_ATTR_NETMASK] = { .type = NLA_U32 },
	[IPVS_SVC_ATTR_PE_NAME] = { .type = NLA_STRING, .maxlen = IP_VS_PENAME_MAXLEN },
};

static bool
key_read(struct nlattr **attributes, struct ipvs_key *ret)
{
	uint16_t family;

	*ret = (struct ipvs_key){ 0 };
	if (attributes[IPVS_SVC_ATTR_AF] == NULL)
		return false;
	family = nla_get_u16(attributes[IPVS_SVC_ATTR_AF]);
	if (attributes[IPVS_SVC_ATTR_FWMARK] != NULL) {
		ret->fwmark = nla_get_u32(attributes[IPVS_SVC_ATTR_FWMARK]);
		ret->address.family = family;
		return ret->fwmark != 0 && (family == AF_INET || family == AF_INET6);
	}
	if (attributes[IPVS_SVC_ATTR_PROTOCOL] == NULL || attributes[IPVS_SVC_ATTR_PORT] == NULL)
		return false;
	ret->protocol = nla_get_u16(attributes[IPVS_SVC_ATTR_PROTOCOL]);
	ret->port = ntohs(nla_get_u16(attributes[IPVS_SVC_ATTR_PORT]));
	return address_read(attributes[IPVS_SVC_ATTR_ADDR], family, &ret->address);
}

static bool
settings_read(struct nlattr **attributes, struct ipvs_service *ret)
{
	struct ip_vs_flags flags;

	if (attributes[IPVS_SVC_ATTR_SCHED_NAME] == NULL ||
	    attributes[IPVS_SVC_ATTR_FLAGS] == NULL ||
	    attributes[IPVS_SVC_ATTR_TIMEOUT] == NULL ||
	    attributes[IPVS_SVC_ATTR_NETMASK] == NULL ||
	    nla_strlcpy(ret->scheduler, attributes[IPVS_SVC_ATTR_SCHED_NAME],
	    sizeof(ret->scheduler)) >= sizeof(ret->scheduler))
		return false;
	memcpy(&flags, nla_data(attributes[IPVS_SVC_ATTR_FLAGS]), sizeof(flags));
	ret->flags = flags.flags & ~(uint32_t)IP_VS_SVC_F_HASHED;
	ret->timeout_s = nla_get_u32(attributes[IPVS_SVC_ATTR_TIMEOUT]);
	ret->netmask = nla_get_u32(attributes[IPVS_SVC_ATTR_NETMASK]);
	ret->engine[0] = '\0';
	if (attributes[IPVS_SVC_ATTR_PE_NAME] != NULL)
		nla_strlcpy(ret->engine, attributes[IPVS_SVC_ATTR_PE_NAME], sizeof(ret->engine));
	if (ret->key.address.family == AF_INET)
		ret->netmask = ntohl(ret->netmask);
	return true;
}

/* -- destinations ------------------------------------------------------------------------- */

/* A driver reads all destinations every few seconds. So the functions below read the attributes in
 * one pass, and do not use nla_parse(), with which a poll takes almost twice the time. */

/* Takes the next attribute of *left bytes at *at; NULL at the end. */
static const struct nlattr *
attribute_take(const struct nlattr **at, size_t *left)
{
	const struct nlattr *attribute = *at;
	size_t size;

	if (*left < sizeof(*attribute) || attribute->nla_len < sizeof(*attribute) ||
	    attribute->nla_len > *left)
		return NULL;
	size = (attribute->nla_len + 3u) & ~3u;
	*left -= size < *left ? size : *left;
	*at = (const struct nlattr *)(const void *)((const char *)attribute + size);
	return attribute;
}

/* The two highest bits of the type are flags, linux/netlink.h. */
static unsigned int
attribute_type(const struct nlattr *attribute)
{
	return attribute->nla_type & 0x3fffu;
}

static size_t
attribute_size(const struct nlattr *attribute)
{
	return attribute->nla_len - sizeof(*attribute);
}

static const struct nlattr *
attribute_data(const struct nlattr *attribute)
{
	return attribute + 1;
}

/* Reads the statistics of STATS64 in the form in which kernels of 64 bits send them: all numbers in
 * their order, without padding. */
static bool
numbers_copy(const struct nlattr *nest, uint64_t ret[IPVS_STATS])
{
	const struct {
		struct nlattr	head;
		uint32_t	number[2];
	} *numbers = (const void *)attribute_data(nest);

	if (attribute_size(nest) != IPVS_STATS * sizeof(*numbers))
		return false;
	for (unsigned int i = 0; i < IPVS_STATS; i++) {
		if (numbers[i].head.nla_len != sizeof(*numbers) ||
		    numbers[i].head.nla_type != i + 1)
			return false;
		memcpy(&ret[i], numbers[i].number, sizeof(ret[i]));
	}
	return true;
}

/* Reads the statistics. Those of STATS64 have 8 bytes each. Those of STATS, which kernels before
 * 4.1 have alone, have 4 or 8. */
static bool
numbers_read(const struct nlattr *nest, uint64_t ret[IPVS_STATS])
{
	const struct nlattr *at = attribute_data(nest), *number;
	size_t left = attribute_size(nest);
	unsigned int seen = 0;
	uint32_t short_number;

	if (numbers_copy(nest, ret))
		return true;
	while ((number = attribute_take(&at, &left)) != NULL) {
		unsigned int i = attribute_type(number) - 1;

		if (i >= IPVS_STATS)
			continue;
		if (attribute_size(number) == sizeof(uint64_t)) {
			memcpy(&ret[i], attribute_data(number), sizeof(uint64_t));
		} else if (attribute_size(number) == sizeof(uint32_t)) {
			memcpy(&short_number, attribute_data(number), sizeof(short_number));
			ret[i] = short_number;
		} else {
			return false;
		}
		seen |= 1u << i;
	}
	return seen == (1u << IPVS_STATS) - 1;
}

/* The members of struct ipvs_dest that an attribute of a destination sets. All are required but the
 * type of the tunnel, which kernels before 5.3 do not have. */
#define FIELD(member) { sizeof(((struct ipvs_dest *)0)->member), \
	offsetof(struct ipvs_dest, member) }
static const struct {
	uint8_t	size, offset;
} dest_fields[IPVS_DEST_ATTR_MAX + 1] = {
	[IPVS_DEST_ATTR_ADDR] = FIELD(address.bytes),
	[IPVS_DEST_ATTR_PORT] = FIELD(port),
	[IPVS_DEST_ATTR_FWD_METHOD] = FIELD(forward),
	[IPVS_DEST_ATTR_WEIGHT] = FIELD(weight),
	[IPVS_DEST_ATTR_U_THRESH] = FIELD(upper),
	[IPVS_DEST_ATTR_L_THRESH] = FIELD(lower),
	[IPVS_DEST_ATTR_ACTIVE_CONNS] = FIELD(active),
	[IPVS_DEST_ATTR_INACT_CONNS] = FIELD(inactive),
	[IPVS_DEST_ATTR_PERSIST_CONNS] = FIELD(persistent),
	[IPVS_DEST_ATTR_ADDR_FAMILY] = FIELD(address.family),
	[IPVS_DEST_ATTR_TUN_TYPE] = FIELD(tunnel_type),
};
enum { DEST_FIELDS = 10 };

/* Copies 'size' bytes. A size that the compiler knows needs no call of memcpy(3). */
static void
field_copy(char *to, const struct nlattr *attribute, size_t size)
{
	const void *from = attribute_data(attribute);

	if (size == sizeof(uint32_t))
		memcpy(to, from, sizeof(uint32_t));
	else if (size == sizeof(uint16_t))
		memcpy(to, from, sizeof(uint16_t));
	else
		memcpy(to, from, size);
}

/* Reads the attributes of a destination, in which numbers still have their order of bytes. */
static bool
fields_read(const struct nlattr *nest, struct ipvs_dest *ret)
{
	const struct nlattr *at = attribute_data(nest), *attribute, *numbers = NULL;
	size_t left = attribute_size(nest);
	unsigned int seen = 0, n = 0;

	while ((attribute = attribute_take(&at, &left)) != NULL) {
		unsigned int type = attribute_type(attribute);

		if (type == IPVS_DEST_ATTR_STATS64 ||
		    (type == IPVS_DEST_ATTR_STATS && numbers == NULL))
			numbers = attribute;
		if (type > IPVS_DEST_ATTR_MAX || dest_fields[type].size == 0)
			continue;
		if (attribute_size(attribute) < dest_fields[type].size ||
		    (seen & 1u << type) != 0)
			return false;
		field_copy((char *)ret + dest_fields[type].offset, attribute,
		    dest_fields[type].size);
		seen |= 1u << type;
		n += type != IPVS_DEST_ATTR_TUN_TYPE;
	}
	return n == DEST_FIELDS && numbers != NULL && numbers_read(numbers, ret->number);
}

/* Returns the attribute with the destination; NULL if the reply has none. */
static const struct nlattr *
dest_find(const struct ipvs_reply *reply)
{
	const struct genlmsghdr *header = NLMSG_DATA(reply->message);
	size_t left = reply->message->nlmsg_len - NLMSG_HDRLEN;
	const struct nlattr *at = NULL, *attribute;

	if (reply->kind != IPVS_REPLY_DATA || left < GENL_HDRLEN ||
	    header->cmd != IPVS_CMD_NEW_DEST)
		return NULL;
	at = (const struct nlattr *)(const void *)((const char *)header + GENL_HDRLEN);
	left -= GENL_HDRLEN;
	do {
		attribute = attribute_take(&at, &left);
	} while (attribute != NULL && attribute_type(attribute) != IPVS_CMD_ATTR_DEST);
	return attribute;
}

bool
ipvs_reply_dest(const struct ipvs_reply *reply, struct ipvs_dest *ret)
{
	const struct nlattr *attribute = dest_find(reply);

	*ret = (struct ipvs_dest){ 0 };
	if (attribute == NULL || !fields_read(attribute, ret) ||
	    (ret->address.family != AF_INET && ret->address.family != AF_INET6))
		return false;
	ret->port = ntohs(ret->port);
	ret->forward &= IP_VS_CONN_F_FWD_MASK;
	if (ret->address.family == AF_INET)
		memset(ret->address.bytes + 4, 0, sizeof(ret->address.bytes) - 4);
	return true;
}

/* -- services ----------------------------------------------------------------------------- */

bool
ipvs_reply_service(const struct ipvs_reply *reply, struct ipvs_service *ret)
{
	struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1], *inner[IPVS_SVC_ATTR_MAX + 1], *numbers;
	bool ok = attributes_read(reply, IPVS_CMD_NEW_SERVICE, outer, IPVS_CMD_ATTR_MAX) &&
	    outer[IPVS_CMD_ATTR_SERVICE] != NULL &&
	    nla_parse_nested(inner, IPVS_SVC_ATTR_MAX, outer[IPVS_CMD_ATTR_SERVICE],
	    service_policy) == 0 && key_read(inner, &ret->key) && settings_read(inner, ret);

	memset(ret->number, 0, sizeof(ret->number));
	if (!ok)
		return false;
	numbers = inner[IPVS_SVC_ATTR_STATS64] != NULL ? inner[IPVS_SVC_ATTR_STATS64] :
	    inner[IPVS_SVC_ATTR_STATS];
	return numbers == NULL || numbers_read(numbers, ret->number);
}
