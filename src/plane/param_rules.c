/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The rules of each kind of data plane; see param_rules.h. The kernel refuses what breaks some
 * rules of plane ipvs. It accepts the rest without an error, and the service does not work.
 */
#include "plane/param_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/address.h"
#include "plane/params.h"
#include "util/memory.h"

enum { TEXT_SIZE = MODEL_PATH_MAX + 256 };

/* What is judged: a service, or a real service with its service. */
struct judged {
	const struct rules_service	*service;
	const struct rules_real		*real;		/* NULL: the service itself */
	struct params			 params;
	struct address			 vip, rip;
	uint16_t			 vport, rport;	/* 0: none */
};

/* A real service or a service by its endpoint, for the search of equal ones. */
struct endpoint_key {
	uint32_t			 fwmark;
	uint8_t				 protocol, family, octets[16];
	uint16_t			 port;
	const struct rules_service	*service;
	const struct rules_real		*real;
};

struct judge {
	rules_report_fn	 report;
	void		*arg;
};

static void __attribute__((format(printf, 4, 5)))
report(const struct judge *judge, const struct rules_service *service,
    const struct rules_real *real, const char *fmt, ...)
{
	char text[TEXT_SIZE];
	size_t used = (size_t)snprintf(text, sizeof(text), "%.64s/%.64s%s%.64s: ",
	    service->cluster, service->name, real == NULL ? "" : "/",
	    real == NULL ? "" : real->name);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	judge->report(judge->arg, service, real, text);
}

/* -- addresses --------------------------------------------------------------------- */

static bool
is_literal(const struct address *address)
{
	return address->type == ADDRESS_IPV4 || address->type == ADDRESS_IPV6;
}

static bool
is_loopback(const struct address *address)
{
	static const uint8_t ipv6[16] = { [15] = 1 };

	return address->type == ADDRESS_IPV4 ? address->octets[0] == 127 :
	    memcmp(address->octets, ipv6, sizeof(ipv6)) == 0;
}

/* True for an address that IPVS refuses: unspecified, multicast or reserved, link-local of IPv6. */
static bool
is_refused(const struct address *address)
{
	static const uint8_t unspecified[16];
	const uint8_t *octets = address->octets;

	if (memcmp(octets, unspecified, address->length) == 0)
		return true;
	return address->type == ADDRESS_IPV4 ? octets[0] >= 224 :
	    octets[0] == 0xff || (octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80);
}

/* -- rules of a service -------------------------------------------------------------- */

static bool
has_mark(const struct judged *j)
{
	return j->params.fwmark != 0;
}

static bool
is_ipv6(const struct judged *j)
{
	return has_mark(j) ? j->params.family == PARAM_IPV6 : j->vip.type == ADDRESS_IPV6;
}

static bool
mark_has_endpoint(const struct judged *j)
{
	return has_mark(j) && (j->service->address[0] != '\0' || j->service->port[0] != '\0');
}

static bool
has_no_literal(const struct judged *j)
{
	return !has_mark(j) && !is_literal(&j->vip);
}

static bool
has_refused_address(const struct judged *j)
{
	return !has_mark(j) && is_literal(&j->vip) && is_refused(&j->vip);
}

static bool
has_no_port(const struct judged *j)
{
	return !has_mark(j) && j->vport == 0;
}

static bool
has_family_alone(const struct judged *j)
{
	return !has_mark(j) && j->params.family == PARAM_IPV6;
}

static bool
has_other_protocol(const struct judged *j)
{
	return j->service->protocol == PROTOCOL_OTHER;
}

static bool
has_mask_alone(const struct judged *j)
{
	return j->params.persistence_mask != 0 && j->params.persistence == 0;
}

static bool
has_long_mask(const struct judged *j)
{
	return j->params.persistence_mask > 32 && !is_ipv6(j);
}

static bool
one_packet_is_not_udp(const struct judged *j)
{
	return j->params.one_packet && j->service->protocol != PROTOCOL_UDP;
}

static bool
hash_port_without_hash(const struct judged *j)
{
	return j->params.hash_port && j->params.scheduler != PARAM_SH &&
	    j->params.scheduler != PARAM_MH;
}

/* -- rules of a real service ----------------------------------------------------------- */

static bool
real_has_no_literal(const struct judged *j)
{
	return !is_literal(&j->rip);
}

static bool
real_has_refused_address(const struct judged *j)
{
	return is_literal(&j->rip) && is_refused(&j->rip);
}

static bool
real_has_other_family(const struct judged *j)
{
	return is_literal(&j->rip) && j->params.forward != PARAM_TUNNEL &&
	    (has_mark(j) || is_literal(&j->vip)) && is_ipv6(j) != (j->rip.type == ADDRESS_IPV6);
}

static bool
real_has_invalid_port(const struct judged *j)
{
	return j->real->port[0] != '\0' && j->rport == 0;
}

static bool
real_has_other_port(const struct judged *j)
{
	return j->params.forward != PARAM_NAT && j->rport != 0 && j->rport != j->vport;
}

static bool
nat_to_loopback(const struct judged *j)
{
	return j->params.forward == PARAM_NAT && is_literal(&j->rip) && is_loopback(&j->rip);
}

static bool
one_packet_with_nat(const struct judged *j)
{
	return j->params.one_packet && j->params.forward == PARAM_NAT;
}

static bool
min_is_above_max(const struct judged *j)
{
	return j->params.min_connections > j->params.max_connections;
}

static bool
check_has_no_port(const struct judged *j)
{
	return has_mark(j) && j->rport == 0 && j->params.check_port == 0 &&
	    j->params.check != PARAM_CHECK_NONE && j->params.check != PARAM_CHECK_COMMAND;
}

static bool
check_has_no_command(const struct judged *j)
{
	return j->params.check == PARAM_CHECK_COMMAND && j->params.check_command[0] == '\0';
}

/* Plane none requires no address and no port of a real service, so a check may lack them. */
static bool
none_check_has_no_address(const struct judged *j)
{
	return j->params.check != PARAM_CHECK_NONE && !is_literal(&j->rip) &&
	    j->params.check_address[0] == '\0';
}

static bool
none_check_has_no_port(const struct judged *j)
{
	return j->params.check != PARAM_CHECK_NONE && j->params.check != PARAM_CHECK_COMMAND &&
	    j->rport == 0 && j->params.check_port == 0;
}

struct rule {
	bool		(*is_broken)(const struct judged *judged);
	const char	*text;
};

static const struct rule ipvs_service_rules[] = {
	{ mark_has_endpoint, "a service with fwmark has no address and no port; remove them" },
	{ has_no_literal, "a service of plane ipvs needs an IPv4 or IPv6 address; "
	    "write address = 192.0.2.10, or fwmark" },
	{ has_refused_address, "IPVS accepts no address of all zeros, no multicast address, and no "
	    "link-local IPv6 address; write another address" },
	{ has_no_port, "a service of plane ipvs needs a port of 1 to 65535; write port = 80" },
	{ has_family_alone, "family is only for a service with fwmark; remove family" },
	{ has_other_protocol, "IPVS has no protocol other; write protocol = tcp, udp or sctp" },
	{ has_mask_alone, "persistence-mask without persistence; write persistence = 300" },
	{ has_long_mask, "persistence-mask is above 32, the bits of an IPv4 address" },
	{ one_packet_is_not_udp, "one-packet is only for protocol udp; remove one-packet" },
	{ hash_port_without_hash, "hash-port is only for scheduler sh or mh; remove hash-port" },
	{ NULL, NULL },
};

static const struct rule ipvs_real_rules[] = {
	{ real_has_no_literal, "a real service of plane ipvs needs an IPv4 or IPv6 address; "
	    "write address = 10.0.0.1" },
	{ real_has_refused_address, "IPVS accepts no address of all zeros, no multicast address, "
	    "and no link-local IPv6 address; write another address" },
	{ real_has_other_family, "its service has the other address family, which only forward = "
	    "tunnel can join; write an address of the family of the service" },
	{ real_has_invalid_port, "the port is not a number of 1 to 65535; write port = 80" },
	{ real_has_other_port, "the port differs from the service's, but packets keep their port "
	    "with forward = dr and forward = tunnel; remove port, or write forward = nat" },
	{ nat_to_loopback, "forward = nat does not work with a loopback address; "
	    "write an own address of another interface, or forward = dr" },
	{ one_packet_with_nat, "answers are lost with one-packet and forward = nat; "
	    "write forward = dr or tunnel" },
	{ min_is_above_max, "min-connections is above max-connections" },
	{ check_has_no_port, "the check has no port; write check-port = 80" },
	{ check_has_no_command, "check = command without a command; write check-command = NAME" },
	{ NULL, NULL },
};

static const struct rule none_real_rules[] = {
	{ none_check_has_no_address, "the check needs an IPv4 or IPv6 address; "
	    "write check-address = 10.0.0.1" },
	{ none_check_has_no_port, "the check has no port; write check-port = 80" },
	{ check_has_no_command, "check = command without a command; write check-command = NAME" },
	{ NULL, NULL },
};

static const struct rule no_rules[] = { { NULL, NULL } };

/* The rules of the kinds of data planes. */
static const struct rules {
	const char		*plane;
	const struct rule	*of_service, *of_real;
	bool			 unique;	/* no two services, or reals of one, are equal */
} rules[] = {
	{ "ipvs", ipvs_service_rules, ipvs_real_rules, true },
	{ "none", no_rules, none_real_rules, false },
};

static const struct rules *
rules_find(const char *plane)
{
	for (size_t i = 0; i < ROWS(rules); i++) {
		if (strcmp(rules[i].plane, plane) == 0)
			return &rules[i];
	}
	return NULL;
}

bool
plane_rules_exist(const char *plane)
{
	return rules_find(plane) != NULL;
}

/* Returns false if the parameters cannot be read, so that no rule can be applied. */
static bool
rules_apply(const struct judge *judge, struct judged *judged, const struct rule *rule)
{
	const struct rules_service *service = judged->service;
	const char *real_params = judged->real == NULL ? "" : judged->real->params;
	struct err err;

	if (params_real(service->plane, service->params, real_params, service->protocol,
	    &judged->params, &err) != ERR_OK) {
		report(judge, service, judged->real, "%s", err.text);
		return false;
	}
	for (; rule->is_broken != NULL; rule++) {
		if (rule->is_broken(judged))
			report(judge, service, judged->real, "%s", rule->text);
	}
	return true;
}

/* -- equal endpoints --------------------------------------------------------------- */

static int
endpoint_compare(const struct endpoint_key *a, const struct endpoint_key *b)
{
	if (a->fwmark != b->fwmark)
		return a->fwmark < b->fwmark ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return memcmp(a->octets, b->octets, sizeof(a->octets));
}

/* Equal endpoints stay in the order of the caller, which is the order in memory. */
static int
by_endpoint(const void *a, const void *b)
{
	const struct endpoint_key *one = a, *other = b;
	int order = endpoint_compare(one, other);

	if (order != 0)
		return order;
	return one->real != other->real ? one->real < other->real ? -1 : 1 :
	    one->service < other->service ? -1 : one->service > other->service;
}

/* Reports each endpoint that is equal to the one before. */
static void
equals_report(const struct judge *judge, struct endpoint_key *keys, size_t n)
{
	if (n > 1)
		qsort(keys, n, sizeof(*keys), by_endpoint);
	for (size_t i = 1; i < n; i++) {
		const struct endpoint_key *before = &keys[i - 1];

		if (endpoint_compare(before, &keys[i]) != 0)
			continue;
		if (keys[i].real == NULL)
			report(judge, keys[i].service, NULL, "has the same %s as %.64s/%.64s",
			    keys[i].fwmark != 0 ? "fwmark" : "protocol, address and port",
			    before->service->cluster, before->service->name);
		else
			report(judge, keys[i].service, keys[i].real,
			    "has the same address and port as %.64s", before->real->name);
	}
}

static struct endpoint_key
service_key(const struct judged *judged)
{
	struct endpoint_key key = { .fwmark = judged->params.fwmark, .service = judged->service,
	    .family = is_ipv6(judged), .port = judged->vport };

	if (has_mark(judged)) {
		key.port = 0;
		return key;
	}
	key.protocol = (uint8_t)judged->service->protocol;
	memcpy(key.octets, judged->vip.octets, sizeof(key.octets));
	return key;
}

static struct endpoint_key
real_key(const struct judged *judged)
{
	struct endpoint_key key = { .service = judged->service, .real = judged->real,
	    .family = (uint8_t)judged->rip.type,
	    .port = judged->rport != 0 ? judged->rport : judged->vport };

	memcpy(key.octets, judged->rip.octets, sizeof(key.octets));
	return key;
}

/* -- all services ------------------------------------------------------------------- */

static enum err_code
reals_judge(const struct judge *judge, const struct judged *of_service, const struct rules *set)
{
	const struct rules_service *service = of_service->service;
	struct endpoint_key *keys = calloc(service->n + 1, sizeof(*keys));
	size_t n = 0;

	if (keys == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < service->n; i++) {
		struct judged judged = *of_service;

		judged.real = &service->reals[i];
		judged.rip = address_from_text(judged.real->address);
		judged.rport = address_port(judged.real->port);
		if (rules_apply(judge, &judged, set->of_real) && set->unique &&
		    is_literal(&judged.rip))
			keys[n++] = real_key(&judged);
	}
	equals_report(judge, keys, n);
	free(keys);
	return ERR_OK;
}

enum err_code
plane_rules_judge(const struct rules_service *services, size_t n, rules_report_fn report_fn,
    void *arg)
{
	const struct judge judge = { .report = report_fn, .arg = arg };
	struct endpoint_key *keys = calloc(n + 1, sizeof(*keys));
	enum err_code code = ERR_OK;
	size_t n_keys = 0;

	if (keys == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		const struct rules *set = rules_find(services[i].plane);
		struct judged judged = { .service = &services[i],
		    .vip = address_from_text(services[i].address),
		    .vport = address_port(services[i].port) };

		if (set == NULL || !rules_apply(&judge, &judged, set->of_service))
			continue;
		if (set->unique && (has_mark(&judged) || is_literal(&judged.vip)))
			keys[n_keys++] = service_key(&judged);
		code = reals_judge(&judge, &judged, set);
	}
	if (code == ERR_OK)
		equals_report(&judge, keys, n_keys);
	free(keys);
	return code;
}
