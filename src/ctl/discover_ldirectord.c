/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The source ldirectord of the command discover: the virtual services of a configuration file of
 * ldirectord. Rows have the names that the source ipvs gives them, and the times of ldirectord.
 */
#include "ctl/ldirectord_convert.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/num.h"

enum { VALUE_SIZE = 1024, NUMBER_SIZE = 16, RANGE_MAX = 65536 };

/* -- addresses ----------------------------------------------------------------------------- */

/* Splits "host:port", "[address]:port" and both without a port, in place. *ret_port is NULL
 * without a port. */
static void
endpoint_split(char *text, char **ret_host, char **ret_port)
{
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	char *colon = strrchr(end == NULL ? text : end, ':');

	*ret_host = end == NULL ? text : text + 1;
	if (end != NULL)
		*end = '\0';
	if (colon != NULL)
		*colon++ = '\0';
	*ret_port = colon;
}

/* Looks up an address or a host name, and a port or a name of /etc/services; 'port' may be NULL.
 * False with a message. */
static bool
endpoint_resolve(const struct conversion *c, int line, const char *host, const char *port,
    struct ipvs_address *ret, uint16_t *ret_port)
{
	const struct addrinfo hints = {
	    .ai_family = c->virtual->is_ipv6 ? AF_INET6 : AF_INET,
	    .ai_socktype = c->key.protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM };
	char text[INET6_ADDRSTRLEN];
	struct addrinfo *found;
	int error = host[0] == '\0' ? EAI_NONAME : getaddrinfo(host, port, &hints, &found);

	if (error != 0) {
		conv_leave_out(c, line, "%.128s%s%.64s: %s", host, port == NULL ? "" : ":",
		    port == NULL ? "" : port, gai_strerror(error));
		return false;
	}
	*ret = (struct ipvs_address){ .family = (uint16_t)found->ai_family };
	if (found->ai_family == AF_INET) {
		const struct sockaddr_in *address = (const void *)found->ai_addr;

		memcpy(ret->bytes, &address->sin_addr, sizeof(address->sin_addr));
		*ret_port = ntohs(address->sin_port);
	} else {
		const struct sockaddr_in6 *address = (const void *)found->ai_addr;

		memcpy(ret->bytes, &address->sin6_addr, sizeof(address->sin6_addr));
		*ret_port = ntohs(address->sin6_port);
	}
	freeaddrinfo(found);
	if (inet_pton(ret->family, host, &(struct in6_addr){ 0 }) != 1)
		conv_remark(c, line, "%.128s has the address %s now, which the inventory has; "
		    "plane ipvs accepts no host names", host,
		    inet_ntop(ret->family, ret->bytes, text, sizeof(text)));
	return true;
}

/* Reads the address of the virtual service: an endpoint, or a mark. */
static bool
key_read(struct conversion *c)
{
	const struct ldirectord_value *value = &c->virtual->address;
	const char *protocol = conv_text_of(c, LDIRECTORD_PROTOCOL, NULL);
	char text[VALUE_SIZE], *host, *port;
	uint64_t mark;

	snprintf(text, sizeof(text), "%s", value->text);
	c->key = (struct ipvs_key){ .protocol = IPPROTO_TCP };
	c->key.address.family = c->virtual->is_ipv6 ? AF_INET6 : AF_INET;
	if (num_parse(text, 1, UINT32_MAX, &mark) == ERR_OK) {
		c->key.fwmark = (uint32_t)mark;
		return true;
	}
	endpoint_split(text, &host, &port);
	if (port == NULL) {
		conv_leave_out(c, value->line, "virtual \"%.128s\" is neither an address with a "
		    "port nor a mark", value->text);
		return false;
	}
	if (protocol == NULL ? strcmp(port, "53") == 0 || strcmp(port, "domain") == 0 :
	    strcmp(protocol, "udp") == 0)
		c->key.protocol = IPPROTO_UDP;
	return endpoint_resolve(c, value->line, host, port, &c->key.address, &c->key.port);
}

/* -- parameters of a service --------------------------------------------------------------- */

/* Adds the netmask of persistence: a dotted one for IPv4, a number of bits for IPv6. */
static void
netmask_add(struct conversion *c)
{
	const struct ldirectord_value *value = conv_value_of(c, LDIRECTORD_NETMASK);
	char bits[NUMBER_SIZE];
	struct in_addr mask;
	int length;

	if (value->text == NULL)
		return;
	if (c->virtual->is_ipv6) {
		if (strcmp(value->text, "128") != 0)
			conv_service_add(c, value->line, "persistence-mask",
			    value->text);
		return;
	}
	length = inet_pton(AF_INET, value->text, &mask) == 1 ?
	    discover_prefix_length(ntohl(mask.s_addr)) : -1;
	if (length == -1) {
		conv_leave_out(c, value->line, "netmask %.64s is not a prefix", value->text);
	} else if (length < 32) {
		snprintf(bits, sizeof(bits), "%d", length);
		conv_service_add(c, value->line, "persistence-mask", bits);
	}
}

/* Adds the flags of the scheduler. lbcluster always sets the flag fallback. */
static void
flags_add(struct conversion *c)
{
	const struct ldirectord_value *value = conv_value_of(c, LDIRECTORD_SCHEDFLAGS);
	char text[VALUE_SIZE], *rest = NULL;

	snprintf(text, sizeof(text), "%s", value->text == NULL ? "" : value->text);
	for (char *flag = strtok_r(text, ", ", &rest); flag != NULL;
	    flag = strtok_r(NULL, ", ", &rest)) {
		if (strcmp(flag, "sh-port") == 0 || strcmp(flag, "mh-port") == 0 ||
		    strcmp(flag, "flag-2") == 0)
			conv_service_add(c, value->line, "hash-port", "yes");
		else if (strcmp(flag, "sh-fallback") != 0 && strcmp(flag, "mh-fallback") != 0 &&
		    strcmp(flag, "flag-1") != 0)
			conv_leave_out(c, value->line, "lbcluster does not set the flag %.64s of a "
			    "scheduler", flag);
	}
}

static void
service_params_add(struct conversion *c)
{
	char mark[NUMBER_SIZE];
	int line = c->virtual->address.line;

	conv_service_add(c, conv_line_of(c, LDIRECTORD_SCHEDULER), "scheduler",
	    conv_text_of(c, LDIRECTORD_SCHEDULER, "wrr"));
	flags_add(c);
	conv_setting_add(c, "persistence", LDIRECTORD_PERSISTENT);
	if (conv_value_of(c, LDIRECTORD_PERSISTENT)->text != NULL)
		netmask_add(c);
	if (c->key.fwmark != 0) {
		snprintf(mark, sizeof(mark), "%u", c->key.fwmark);
		conv_service_add(c, line, "fwmark", mark);
	}
	if (c->key.fwmark != 0 && c->virtual->is_ipv6)
		conv_service_add(c, line, "family", "ipv6");
	if (c->key.protocol == IPPROTO_UDP &&
	    strcmp(conv_text_of(c, LDIRECTORD_OPS, "no"), "yes") == 0)
		conv_service_add(c, line, "one-packet", "yes");
	if (strcmp(conv_text_of(c, LDIRECTORD_QUIESCENT, "no"), "yes") == 0)
		conv_service_add(c, conv_line_of(c, LDIRECTORD_QUIESCENT),
		    "on-failure", "drain");
	conv_check_add(c);
}

/* -- a real service ------------------------------------------------------------------------ */

/* The parts of a line "real" or "fallback". */
struct server {
	int		 line;
	char		 text[VALUE_SIZE];	/* what the other members point to */
	char		*host, *last, *port;	/* 'last': of a range; both may be NULL */
	const char	*forward;		/* a parameter */
	uint64_t	 weight;
	char		*request, *receive;	/* NULL: those of the virtual service */
	char		*lower, *upper;		/* thresholds; NULL: none */
	bool		 is_fallback;
};

static const char *
forward_parse(const char *method)
{
	static const char *const methods[][2] = {
		{ "gate", "dr" }, { "masq", "nat" }, { "ipip", "tunnel" }
	};

	for (size_t i = 0; i < ROWS(methods); i++) {
		if (strcmp(methods[i][0], method) == 0)
			return methods[i][1];
	}
	return NULL;
}

/* Takes the next word, or a text in quotes, off *at; a comma may be after it. NULL at the end. */
static char *
word_take(char **at, bool *ret_quoted)
{
	char *word = *at + strspn(*at, " ");
	bool quoted = word[0] == '"';
	size_t n;

	*ret_quoted = quoted;
	if (quoted)
		word++;
	n = strcspn(word, quoted ? "\"" : " ");
	if (n == 0 && !quoted)
		return NULL;
	*at = word + n;
	if (**at != '\0')
		*(*at)++ = '\0';
	if (quoted)
		*at += strspn(*at, ", ");
	return word;
}

/* Takes what is after the forwarding method: [weight] ["request", "receive"] [l:N] [u:N]. Returns
 * the first word that is none of these; NULL if all are. */
static const char *
options_take(struct server *server, char *at)
{
	bool quoted;
	char *word;

	while ((word = word_take(&at, &quoted)) != NULL) {
		if (quoted && server->request == NULL)
			server->request = word;
		else if (quoted && server->receive == NULL)
			server->receive = word;
		else if (!quoted && strncmp(word, "l:", 2) == 0)
			server->lower = word + 2;
		else if (!quoted && strncmp(word, "u:", 2) == 0)
			server->upper = word + 2;
		else if (quoted || num_parse(word, 0, MODEL_WEIGHT_MAX, &server->weight) != ERR_OK)
			return word;
	}
	return server->request != NULL && server->receive == NULL ? server->request : NULL;
}

/* Reads a line; false with a message. */
static bool
server_parse(const struct conversion *c, const struct ldirectord_value *value,
    bool is_fallback, struct server *ret)
{
	const char *what = is_fallback ? "fallback" : "real", *wrong;
	char *at = ret->text, *method, *arrow;
	bool quoted;

	*ret = (struct server){ .line = value->line, .weight = 1, .is_fallback = is_fallback };
	if (strlen(value->text) >= sizeof(ret->text)) {
		conv_leave_out(c, value->line, "%s: the line is too long", what);
		return false;
	}
	memcpy(ret->text, value->text, strlen(value->text) + 1);
	ret->host = word_take(&at, &quoted);
	method = word_take(&at, &quoted);
	ret->forward = method != NULL ? forward_parse(method) : is_fallback ? "dr" : NULL;
	if (ret->host == NULL || ret->forward == NULL) {
		conv_leave_out(c, value->line, "%s \"%.128s\" has no forwarding method gate, masq "
		    "or ipip", what, value->text);
		return false;
	}
	wrong = options_take(ret, at);
	if (wrong != NULL) {
		conv_leave_out(c, value->line, "%s: \"%.128s\" is not valid here", what, wrong);
		return false;
	}
	arrow = strstr(ret->host, "->");
	if (arrow != NULL) {
		*arrow = '\0';
		endpoint_split(arrow + 2, &ret->last, &ret->port);
	} else
		endpoint_split(ret->host, &ret->host, &ret->port);
	return true;
}

/* Returns the port of the row. ipvsadm(8) sets that of the service, or 0 for a mark, unless the
 * method is masq. */
static uint16_t
row_port(const struct conversion *c, const struct server *server, uint16_t port)
{
	return port != 0 && strcmp(server->forward, "nat") == 0 ? port : c->key.port;
}

/* Adds the port that ldirectord checks if it is not that of the row: 'port' of the line, or else
 * that of the kind of check. */
static void
check_port_add(struct conversion *c, const struct server *server, json_t *params, uint16_t port)
{
	uint16_t wanted = port != 0 ? port : c->negotiated->port;
	char text[NUMBER_SIZE];

	if (!conv_uses_port(c) || conv_value_of(c, LDIRECTORD_CHECKPORT)->text != NULL ||
	    wanted == row_port(c, server, port))
		return;
	snprintf(text, sizeof(text), "%u", wanted);
	if (wanted != 0)
		conv_param_add(c, params, PARAM_REAL, server->line, "check-port", text);
}

/* A check of a mark needs a port of its own. */
static void
check_without_port(struct conversion *c, const struct server *server, json_t *params,
    uint16_t port)
{
	if (!conv_uses_port(c) || port != 0 || c->key.fwmark == 0 || c->negotiated->port != 0 ||
	    conv_value_of(c, LDIRECTORD_CHECKPORT)->text != NULL)
		return;
	conv_remark(c, server->line, "there is no port to check; the inventory has check = none; "
	    "write check and check-port");
	conv_param_add(c, params, PARAM_REAL, server->line, "check", "none");
}

static void
server_params_add(struct conversion *c, const struct server *server, json_t *params,
    uint16_t port)
{
	int line = server->line;

	if (c->forward == NULL) {
		c->forward = server->forward;
		conv_service_add(c, line, "forward", server->forward);
	} else if (strcmp(c->forward, server->forward) != 0)
		conv_param_add(c, params, PARAM_REAL, line, "forward", server->forward);
	if (server->upper != NULL)
		conv_param_add(c, params, PARAM_REAL, line, "max-connections", server->upper);
	if (server->lower != NULL)
		conv_param_add(c, params, PARAM_REAL, line, "min-connections", server->lower);
	/* ldirectord does not check a fallback. */
	if (server->is_fallback) {
		if (strcmp(c->check, "none") != 0)
			conv_param_add(c, params, PARAM_REAL, line, "check", "none");
		return;
	}
	check_port_add(c, server, params, port);
	check_without_port(c, server, params, port);
	if (server->request != NULL && conv_is_http(c)) {
		conv_path_add(c, params, PARAM_REAL, line, server->request);
		conv_expect_add(c, params, PARAM_REAL, line, server->receive);
	}
}

static bool
row_add(struct conversion *c, const struct server *server, const json_t *params,
    const struct ipvs_address *address, uint16_t port)
{
	struct inventory_real *real;

	port = row_port(c, server, port);
	real = discover_real_add(c->discovery, c->service, address, port,
	    discover_real_stored(c->stored, address, port));
	if (real == NULL || !discover_params_set(&real->params, params))
		return false;
	real->line = server->line;
	real->weight = (uint32_t)server->weight;
	real->enabled = !c->off;
	real->fallback = server->is_fallback;
	return true;
}

/* Sets *ret to the number of addresses from 'first' to the last one of the line. */
static bool
range_resolve(const struct conversion *c, const struct server *server,
    const struct ipvs_address *first, uint32_t *ret)
{
	struct ipvs_address last;
	uint32_t from, to;
	uint16_t port;

	*ret = 1;
	if (server->last == NULL)
		return true;
	if (c->virtual->is_ipv6) {
		conv_leave_out(c, server->line, "a range has IPv4 addresses only");
		return false;
	}
	if (!endpoint_resolve(c, server->line, server->last, server->port, &last, &port))
		return false;
	memcpy(&from, first->bytes, sizeof(from));
	memcpy(&to, last.bytes, sizeof(to));
	*ret = ntohl(to) - ntohl(from) + 1;
	if (ntohl(from) <= ntohl(to) && *ret <= RANGE_MAX)
		return true;
	conv_leave_out(c, server->line, "the range from %.64s to %.64s has not 1 to %d addresses",
	    server->host, server->last, RANGE_MAX);
	return false;
}

static bool
server_rows_add(struct conversion *c, const struct server *server)
{
	json_t *params = json_object();
	struct ipvs_address address;
	uint16_t port;
	uint32_t n, number;
	bool ok = true;

	if (endpoint_resolve(c, server->line, server->host, server->port, &address, &port) &&
	    range_resolve(c, server, &address, &n)) {
		if (c->key.fwmark == 0 && server->port == NULL &&
		    strcmp(server->forward, "nat") == 0)
			conv_remark(c, server->line, "the port is 0 in IPVS; lbcluster makes a "
			    "destination with port %u in its place", c->key.port);
		server_params_add(c, server, params, port);
		for (uint32_t i = 0; i < n && ok; i++) {
			ok = params != NULL && row_add(c, server, params, &address, port);
			memcpy(&number, address.bytes, sizeof(number));
			number = htonl(ntohl(number) + 1);
			if (n > 1)
				memcpy(address.bytes, &number, sizeof(number));
		}
	}
	json_decref(params);
	return ok;
}

static bool
fallback_add(struct conversion *c)
{
	enum ldirectord_key key = c->virtual->is_ipv6 ? LDIRECTORD_FALLBACK6 :
	    LDIRECTORD_FALLBACK;
	/* ldirectord has no fallback of the whole file for a mark. */
	const struct ldirectord_value *value = c->key.fwmark != 0 ? &c->virtual->values[key] :
	    conv_value_of(c, key);
	struct server server;

	if (value->text == NULL)
		return true;
	return !server_parse(c, value, true, &server) || server_rows_add(c, &server);
}

/* -- a virtual service --------------------------------------------------------------------- */

static bool
virtual_rows_add(struct conversion *c)
{
	bool ok = true;

	c->stored = discover_service_stored(c->discovery, &c->key);
	c->service = discover_service_add(c->discovery, &c->key, c->stored);
	c->params = json_object();
	if (c->service == NULL || c->params == NULL)
		return false;
	c->service->line = c->virtual->address.line;
	service_params_add(c);
	for (size_t i = 0; i < c->virtual->n && ok; i++) {
		struct server server;

		if (server_parse(c, &c->virtual->reals[i], false, &server))
			ok = server_rows_add(c, &server);
	}
	return ok && fallback_add(c) && discover_params_set(&c->service->params, c->params) &&
	    !c->no_memory;
}

static bool
virtual_convert(struct discovery *discovery, const struct ldirectord_file *file,
    const struct ldirectord_virtual *virtual)
{
	struct conversion c = { .discovery = discovery, .file = file, .virtual = virtual };
	bool ok = !key_read(&c) || virtual_rows_add(&c);

	json_decref(c.params);
	return ok;
}

/* Reports that ldirectord would take the services away when it stops. */
static void
cleanstop_report(const struct discovery *discovery, const struct ldirectord_file *file)
{
	for (size_t i = 0; i < file->n; i++) {
		const struct ldirectord_value *value = ldirectord_value(file, &file->virtuals[i],
		    LDIRECTORD_CLEANSTOP);

		if (value->text != NULL && strcmp(value->text, "no") == 0)
			continue;
		discover_message(discovery, 0, "%s: ldirectord removes its services when it stops; "
		    "write cleanstop = no before, see lbcluster-ipvs-migrate(7)", discovery->from);
		return;
	}
}

/* -- the source ---------------------------------------------------------------------------- */

static void
on_line(void *arg, int line, bool is_error, const char *text)
{
	struct discovery *discovery = arg;

	discover_message(discovery, line, is_error ? "%s; left out" : "%s", text);
	discovery->left_out += is_error;
}

static bool
ldirectord_rows_add(struct discovery *discovery)
{
	const struct ldirectord_file *file = discovery->state;

	for (size_t i = 0; i < file->n; i++) {
		if (!virtual_convert(discovery, file, &file->virtuals[i]))
			return false;
	}
	cleanstop_report(discovery, file);
	return discover_rows_judge(discovery);
}

static enum err_code
ldirectord_source_read(struct discovery *discovery, struct err *err)
{
	struct ldirectord_file *file = calloc(1, sizeof(*file));
	enum err_code code;

	if (file == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	code = ldirectord_read(discovery->from, on_line, discovery, file, err);
	if (code == ERR_OK)
		discovery->state = file;
	else
		free(file);
	return code;
}

static void
ldirectord_done(struct discovery *discovery)
{
	ldirectord_free(discovery->state);
	free(discovery->state);
}

const struct discover_source discover_ldirectord = {
	.name = "ldirectord", .operand = "FILE", .plane = "ipvs", .cluster = "ipvs",
	.title = "the file", .keeps_names = true,
	.read = ldirectord_source_read, .rows_add = ldirectord_rows_add,
	.done = ldirectord_done,
};
