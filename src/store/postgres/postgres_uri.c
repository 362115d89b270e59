/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The URI of a store in PostgreSQL. libpq parses it. The hosts are taken out, because the session
 * tries them one by one: libpq looks up a name with getaddrinfo(3), which blocks for seconds.
 */
#include "store/postgres/postgres_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

#define DEFAULT_PORT "5432"
#define URI_FORM "use postgresql://HOST[:PORT][,HOST[:PORT]]/NAME[?OPTION=VALUE&...]"

/* Options that libpq gets unless the URI has them. */
static const struct {
	const char	*name, *value;
	bool		 tcp;		/* only if a host is reached by TCP */
} defaults[] = {
	{ "sslmode", "verify-full", true },
	/* Otherwise libpq may first ask a Kerberos server, which may not answer. */
	{ "gssencmode", "disable", false },
	{ "client_encoding", "UTF8", false },
	{ "fallback_application_name", "lbcluster", false },
	/* A dead network is noticed within 6 s. */
	{ "keepalives_idle", "2", true },
	{ "keepalives_interval", "1", true },
	{ "keepalives_count", "3", true },
	{ "tcp_user_timeout", "5000", true },
};

/* Values of option target_session_attrs, and whether a standby is fine. */
static const struct {
	const char	*name;
	bool		 any;
} targets[] = {
	{ "read-write", false }, { "primary", false }, { "any", true }, { "read-only", true },
	{ "standby", true }, { "prefer-standby", true },
};

/* Options that are not passed to libpq: the session does what they mean. */
static const char *const own_options[] = { "host", "hostaddr", "port", "target_session_attrs" };

static enum err_code
no_memory(struct err *err)
{
	return err_set(err, ERR_NOMEM, "postgresql://: out of memory");
}

/* The value of an option in the URI, NULL if it has none. */
static const char *
option_value(const PQconninfoOption *options, const char *name)
{
	for (; options->keyword != NULL; options++)
		if (strcmp(options->keyword, name) == 0)
			return options->val;
	return NULL;
}

static bool
option_add(struct postgres_server *server, const char *name, const char *value)
{
	size_t i = server->n_options;

	if (i == POSTGRES_OPTIONS_MAX)
		return true;
	server->n_options++;
	return memory_string_assign(&server->options[i], name) &&
	    memory_string_assign(&server->values[i], value);
}

static bool
is_tcp(const struct postgres_server *server)
{
	for (size_t i = 0; i < server->n_hosts; i++)
		if (server->hosts[i].name[0] != '\0' && server->hosts[i].name[0] != '/' &&
		    server->hosts[i].name[0] != '@')
			return true;
	return false;
}

static bool
options_copy(struct postgres_server *server, const PQconninfoOption *options)
{
	bool ok = true;

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
		bool own = o->val == NULL;

		for (size_t i = 0; i < ROWS(own_options); i++)
			own |= strcmp(o->keyword, own_options[i]) == 0;
		if (!own)
			ok = ok && option_add(server, o->keyword, o->val);
	}
	for (size_t i = 0; i < ROWS(defaults); i++)
		if (option_value(options, defaults[i].name) == NULL &&
		    (!defaults[i].tcp || is_tcp(server)))
			ok = ok && option_add(server, defaults[i].name, defaults[i].value);
	return ok;
}

/* Copies element 'i' of a list with commas. A shorter list has its last element again. */
static void
element_copy(const char *list, size_t i, const char *missing, char *ret, size_t size)
{
	const char *at = list == NULL ? "" : list, *comma;

	while (i-- > 0 && (comma = strchr(at, ',')) != NULL)
		at = comma + 1;
	snprintf(ret, size, "%.*s", (int)strcspn(at, ","), at);
	if (ret[0] == '\0')
		snprintf(ret, size, "%s", missing);
}

static bool
hosts_copy(struct postgres_server *server, const PQconninfoOption *options)
{
	const char *names = option_value(options, "host");
	const char *addresses = option_value(options, "hostaddr");
	const char *ports = option_value(options, "port");
	const char *list = names != NULL ? names : addresses != NULL ? addresses : "";
	char name[1024], address[64], port[32];

	server->n_hosts = 1;
	for (const char *c = list; *c != '\0'; c++)
		server->n_hosts += *c == ',';
	if (server->n_hosts > POSTGRES_HOSTS_MAX)
		server->n_hosts = POSTGRES_HOSTS_MAX;
	for (size_t i = 0; i < server->n_hosts; i++) {
		element_copy(list, i, "", name, sizeof(name));
		element_copy(addresses, i, "", address, sizeof(address));
		element_copy(ports, i, DEFAULT_PORT, port, sizeof(port));
		if (!memory_string_assign(&server->hosts[i].name, name) ||
		    !memory_string_assign(&server->hosts[i].address, address) ||
		    !memory_string_assign(&server->hosts[i].port, port))
			return false;
	}
	return true;
}

/* "HOST:PORT,HOST:PORT/NAME". Long names are cut, so that a message has room for the problem. */
static bool
text_make(struct postgres_server *server, const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (file == NULL)
		return false;
	for (size_t i = 0; i < server->n_hosts; i++) {
		const struct postgres_host *host = &server->hosts[i];

		fprintf(file, "%s%.64s:%.8s", i == 0 ? "" : ",",
		    host->name[0] == '\0' ? "localhost" : host->name, host->port);
	}
	fprintf(file, "/%.64s", name);
	fclose(file);
	server->text = text;
	return text != NULL;
}

/* Notes of undo.c must not need the database. systemd names the directory of the program. */
static bool
note_dir_find(struct postgres_server *server)
{
	const char *state = getenv("STATE_DIRECTORY");
	char dir[DB_PATH_SIZE];

	snprintf(dir, sizeof(dir), "%.*s", state == NULL ? 0 : (int)strcspn(state, ":"),
	    state == NULL ? "" : state);
	return memory_string_assign(&server->note_dir,
	    dir[0] == '\0' ? LBCLUSTER_STORE_DIR : dir);
}

/* libpq marks the options that are passwords with "*": PQconninfoOption.dispchar. */
static enum err_code
secrets_refuse(const PQconninfoOption *options, struct err *err)
{
	for (; options->keyword != NULL; options++)
		if (options->val != NULL && options->dispchar[0] == '*')
			return err_set(err, ERR_INVALID, "postgresql://: the URI has a password "
			    "(option %s), which other users could read; write it to a file of "
			    "mode 0600 and name the file with ?passfile=FILE",
			    options->keyword);
	return ERR_OK;
}

static enum err_code
target_read(struct postgres_server *server, const PQconninfoOption *options, struct err *err)
{
	const char *target = option_value(options, "target_session_attrs");

	for (size_t i = 0; i < ROWS(targets) && target != NULL; i++) {
		if (strcmp(targets[i].name, target) != 0)
			continue;
		server->any = targets[i].any;
		return ERR_OK;
	}
	return target == NULL ? ERR_OK : err_set(err, ERR_INVALID, "postgresql://: "
	    "target_session_attrs=%.32s is unknown; use read-write, primary, any, read-only, "
	    "standby or prefer-standby", target);
}

static enum err_code
server_make(struct postgres_server *server, const PQconninfoOption *options, struct err *err)
{
	const char *name = option_value(options, "dbname");
	enum err_code code;

	if ((code = secrets_refuse(options, err)) != ERR_OK ||
	    (code = target_read(server, options, err)) != ERR_OK)
		return code;
	if (name == NULL || name[0] == '\0')
		return err_set(err, ERR_INVALID, "postgresql://: the URI names no database; "
		    URI_FORM);
	return hosts_copy(server, options) && options_copy(server, options) &&
	    text_make(server, name) && note_dir_find(server) ? ERR_OK : no_memory(err);
}

enum err_code
postgres_server_parse(const char *uri, struct postgres_server **ret, struct err *err)
{
	struct postgres_server *server = calloc(1, sizeof(*server));
	char *message = NULL;
	PQconninfoOption *options;
	enum err_code code;

	if (server == NULL)
		return no_memory(err);
	options = PQconninfoParse(uri, &message);
	/* The message of libpq has a part of the URI, which may be a password. */
	PQfreemem(message);
	code = options == NULL ? err_set(err, ERR_INVALID, "postgresql://: libpq cannot parse the "
	    "URI; " URI_FORM) : server_make(server, options, err);
	PQconninfoFree(options);
	if (code == ERR_OK)
		*ret = server;
	else
		postgres_server_free(server);
	return code;
}

void
postgres_server_free(struct postgres_server *server)
{
	if (server == NULL)
		return;
	for (size_t i = 0; i < server->n_hosts; i++) {
		free(server->hosts[i].name);
		free(server->hosts[i].address);
		free(server->hosts[i].port);
	}
	for (size_t i = 0; i < server->n_options; i++) {
		free(server->options[i]);
		free(server->values[i]);
	}
	free(server->text);
	free(server->note_dir);
	free(server);
}
