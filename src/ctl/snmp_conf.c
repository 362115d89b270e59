/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/snmp_conf.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/process.h"
#include "util/memory.h"

enum { LINE_MAX_SIZE = 1024, STACK_MAX = 64, FILES_MAX = 256 };

static const char *const key_names[CONF_KEYS] = {
	[CONF_MASTER] = "master",
	[CONF_SOCKET] = "agentXSocket",
	[CONF_TIMEOUT] = "agentXTimeout",
	[CONF_RETRIES] = "agentXRetries",
	[CONF_ADDRESS] = "agentaddress",
	[CONF_RW] = "rwcommunity",
	[CONF_RW6] = "rwcommunity6",
};

/* Keys of snmpd.conf(5) whose line has a community or a passphrase. */
static const char *const secret_keys[] = {
	"rocommunity", "rocommunity6", "rwcommunity", "rwcommunity6", "com2sec", "com2sec6",
	"createUser", "trapcommunity", "trapsink", "trap2sink", "informsink", "trapsess", "proxy",
};

/* -- lines and directories --------------------------------------------------------------- */

/* Splits "  KEY  VALUE # comment" in place. Returns the key and sets *ret_value. */
static const char *
line_split(char *line, char **ret_value)
{
	char *key = line + strspn(line, " \t"), *value = key + strcspn(key, " \t\r\n");

	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t");
	value[strcspn(value, "\n#")] = '\0';
	for (size_t n = strlen(value); n > 0 && isspace((unsigned char)value[n - 1]); n--)
		value[n - 1] = '\0';
	*ret_value = value;
	return key;
}

/* Returns the directories of SNMPCONFPATH, or 'usual' if it is not set or empty. */
static const char *
conf_dirs(const char *usual)
{
	const char *given = getenv("SNMPCONFPATH");

	return given != NULL && given[0] != '\0' ? given : usual;
}

void
snmp_conf_each_dir(const char *list, void (*fn)(void *arg, const char *dir), void *arg)
{
	char dir[PATH_MAX];

	while (*list != '\0') {
		size_t length = strcspn(list, ":");

		snprintf(dir, sizeof(dir), "%.*s", (int)length, list);
		if (length > 0)
			fn(arg, dir);
		list += length + (list[length] == ':');
	}
}

/* -- snmpd.conf --------------------------------------------------------------------- */

/* A file on the stack. snmpd reads an included file in the place of its line. */
struct reading {
	FILE			*file;		/* NULL: not open yet */
	struct conf_place	 at;
};

struct stack {
	struct reading	 list[STACK_MAX];
	size_t		 n;
};

/* Puts the files of a pattern on the stack, the first one on top. False if there is none. */
static bool
files_push(struct stack *stack, const char *pattern, int flags)
{
	glob_t found;

	if (glob(pattern, flags, NULL, &found) != 0)
		return false;
	for (size_t i = found.gl_pathc; i > 0 && stack->n < STACK_MAX; i--) {
		struct reading *reading = &stack->list[stack->n++];

		*reading = (struct reading){ .file = NULL };
		snprintf(reading->at.file, sizeof(reading->at.file), "%s", found.gl_pathv[i - 1]);
	}
	globfree(&found);
	return true;
}

/* Handles includeDir and includeFile. Notes one that includes nothing because it is missing. */
static void
include(struct snmpd_conf *conf, struct stack *stack, const char *key, const char *value)
{
	const struct conf_place at = stack->list[stack->n - 1].at;
	char pattern[PATH_MAX];
	bool missing;

	if (strcasecmp(key, "includeFile") == 0) {
		missing = !files_push(stack, value, 0);
	} else if (strcasecmp(key, "includeDir") == 0) {
		snprintf(conf->included, sizeof(conf->included), "%s", value);
		for (size_t n = strlen(conf->included); n > 1 && conf->included[n - 1] == '/'; n--)
			conf->included[n - 1] = '\0';
		snprintf(pattern, sizeof(pattern), "%s/*.conf", conf->included);
		missing = !files_push(stack, pattern, 0) && access(value, F_OK) == -1 &&
		    errno == ENOENT;
	} else {
		return;
	}
	if (!missing)
		return;
	conf->missing.at = at;
	snprintf(conf->missing.value, sizeof(conf->missing.value), "%s %s", key, value);
}

static bool
is_secret(const char *key)
{
	size_t i = 0;

	while (i < ROWS(secret_keys) && strcasecmp(key, secret_keys[i]) != 0)
		i++;
	return i < ROWS(secret_keys);
}

static void
line_read(struct snmpd_conf *conf, struct stack *stack, char *line)
{
	const struct reading *reading = &stack->list[stack->n - 1];
	const struct conf_place at = reading->at;
	const char *key;
	struct stat st;
	char *value;

	key = line_split(line, &value);
	if (is_secret(key) && fstat(fileno(reading->file), &st) == 0 && (st.st_mode & S_IROTH) != 0)
		snprintf(conf->secret, sizeof(conf->secret), "%s", at.file);
	for (size_t i = 0; i < CONF_KEYS; i++) {
		struct conf_line *kept = &conf->lines[i];
		size_t used = i == CONF_ADDRESS ? strlen(kept->value) : 0;

		if (strcasecmp(key, key_names[i]) != 0)
			continue;
		snprintf(kept->value + used, sizeof(kept->value) - used, "%s%s",
		    used > 0 ? "," : "", value);
		kept->at = at;
	}
	include(conf, stack, key, value);
}

/* False if the file is missing or may not be read. */
static bool
reading_open(struct snmpd_conf *conf, struct reading *reading)
{
	struct stat st;

	errno = 0;
	reading->file = conf->n_files < FILES_MAX ? fopen(reading->at.file, "re") : NULL;
	if (reading->file == NULL) {
		if (errno == EACCES)
			snprintf(conf->hidden, sizeof(conf->hidden), "%s", reading->at.file);
		return false;
	}
	if (conf->n_files++ == 0)
		snprintf(conf->first, sizeof(conf->first), "%s", reading->at.file);
	if (fstat(fileno(reading->file), &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		snprintf(conf->open, sizeof(conf->open), "%s", reading->at.file);
	return true;
}

/* Reads the files of a pattern and their includes. A file may include itself: STACK_MAX and
 * FILES_MAX end that. */
static void
files_read(struct snmpd_conf *conf, const char *pattern)
{
	struct stack stack = { .n = 0 };
	char line[LINE_MAX_SIZE];

	/* GLOB_NOCHECK tries the name itself, and so notes a file that may not be read. */
	files_push(&stack, pattern, GLOB_NOCHECK);
	while (stack.n > 0) {
		struct reading *top = &stack.list[stack.n - 1];

		if (top->file == NULL && !reading_open(conf, top)) {
			stack.n--;
		} else if (fgets(line, sizeof(line), top->file) == NULL) {
			fclose(top->file);
			stack.n--;
		} else {
			top->at.line++;
			/* A short text without a newline before the end of the file. */
			if (strchr(line, '\n') == NULL && strlen(line) < sizeof(line) - 1 &&
			    !feof(top->file))
				conf->nul = top->at;
			line_read(conf, &stack, line);
		}
	}
}

/* snmpd reads DIR/snmpd.conf.d only if a file includes it, as Debian's snmpd.conf does. */
static void
dir_read(void *arg, const char *dir)
{
	static const char *const names[] = { "snmpd.conf", "snmpd.local.conf" };
	struct snmpd_conf *conf = arg;
	char pattern[PATH_MAX + sizeof("/snmpd.conf.d/*.conf")];
	glob_t found;

	for (size_t i = 0; i < ROWS(names); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s", dir, names[i]);
		files_read(conf, pattern);
	}
	snprintf(pattern, sizeof(pattern), "%s/snmpd.conf.d", dir);
	if (strcmp(pattern, conf->included) == 0)
		return;
	snprintf(pattern, sizeof(pattern), "%s/snmpd.conf.d/*.conf", dir);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	snprintf(conf->unread, sizeof(conf->unread), "%s", found.gl_pathv[0]);
	globfree(&found);
}

/* Reads the files of an argument of -c, a list with commas. A relative name is below the working
 * directory of snmpd. */
static void
given_read(struct snmpd_conf *conf, pid_t snmpd, const char *list)
{
	char path[PATH_MAX];

	while (*list != '\0') {
		int length = (int)strcspn(list, ",");

		if (list[0] == '/')
			snprintf(path, sizeof(path), "%.*s", length, list);
		else
			snprintf(path, sizeof(path), "/proc/%ld/cwd/%.*s", (long)snmpd, length,
			    list);
		files_read(conf, path);
		list += length;
		list += *list == ',';
	}
}

void
snmpd_conf_read(struct snmpd_conf *conf, pid_t snmpd)
{
	char given[PATH_MAX];

	*conf = (struct snmpd_conf){ .n_files = 0 };
	if (conf_dirs(NULL) != NULL)
		snmpd = 0;
	if (snmpd == 0 || !process_flag(snmpd, 'C'))
		snmp_conf_each_dir(conf_dirs(SNMPD_CONF_DIRS), dir_read, conf);
	if (snmpd != 0 && process_option(snmpd, 'c', given, sizeof(given)))
		given_read(conf, snmpd, given);
}

/* -- addresses of net-snmp ----------------------------------------------------------- */

/* Copies the next address of a list. False at the end. */
static bool
address_next(const char **list, char *ret, size_t size)
{
	size_t length;

	*list += strspn(*list, ", \t");
	length = strcspn(*list, ", \t");
	snprintf(ret, size, "%.*s", (int)length, *list);
	*list += length;
	return length > 0;
}

/* net-snmp writes tcp6:[::1]:705 for lbclusterd's tcp:[::1]:705, and may omit the host. One port
 * of a machine has one AgentX master, so the port is enough. */
bool
snmpd_conf_has_socket(const char *value, const struct endpoint *endpoint)
{
	char address[256];

	while (address_next(&value, address, sizeof(address))) {
		const char *path = strncasecmp(address, "unix:", 5) == 0 ? address + 5 : address;
		const char *port = strrchr(address, ':');

		if (endpoint->kind == ENDPOINT_UNIX && strcmp(path, endpoint->path) == 0)
			return true;
		if (endpoint->kind == ENDPOINT_TCP && strncasecmp(address, "tcp", 3) == 0 &&
		    port != NULL && strcmp(port + 1, endpoint->port) == 0)
			return true;
	}
	return false;
}

/* True of an address that is not UDP over IPv4. */
static bool
is_other_transport(const char *address)
{
	static const char *const prefixes[] = { "[", "udp6:", "tcp", "unix:", "ssh:", "tls",
	    "dtls" };
	size_t i = 0;

	while (i < ROWS(prefixes) && strncasecmp(address, prefixes[i], strlen(prefixes[i])) != 0)
		i++;
	return i < ROWS(prefixes);
}

const char *
snmpd_conf_target(const char *agentaddress, char *buf, size_t size)
{
	char address[256], loopback[] = "localhost", *host = loopback, *port = NULL;

	while (address_next(&agentaddress, address, sizeof(address))) {
		if (is_other_transport(address))
			continue;
		host = strncasecmp(address, "udp:", 4) == 0 ? address + 4 : address;
		port = strchr(host, ':');
		if (port != NULL)
			*port++ = '\0';
		else if (host[strspn(host, "0123456789")] == '\0')
			port = host, host = loopback;
		if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ||
		    strcmp(host, "127.0.0.1") == 0)
			host = loopback;
		break;
	}
	if (port == NULL || strcmp(port, "161") == 0 || port[0] == '\0')
		snprintf(buf, size, "%s", host);
	else
		snprintf(buf, size, "%s:%s", host, port);
	return buf;
}

/* -- snmp.conf -------------------------------------------------------------------------- */

const char *
snmp_asker_home(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *user = geteuid() == 0 && name != NULL ? getpwnam(name) : NULL;

	/* A service of systemd has no HOME. */
	if (user == NULL && getenv("HOME") == NULL)
		user = getpwuid(geteuid());
	return user != NULL ? user->pw_dir : getenv("HOME");
}

/* A later line replaces an earlier one, as in net-snmp. */
static void
asker_read(void *arg, const char *dir)
{
	struct snmp_asker *asker = arg;
	char path[PATH_MAX + sizeof("/snmp.conf")], line[LINE_MAX_SIZE], *value;
	const char *key;
	FILE *file;

	snprintf(path, sizeof(path), "%s/snmp.conf", dir);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		key = line_split(line, &value);
		value += strspn(value, "\"'");
		value[strcspn(value, "\"'")] = '\0';
		if (value[0] == '\0')
			continue;
		if (strcasecmp(key, "defSecurityName") == 0)
			snprintf(asker->user, sizeof(asker->user), "%s", value);
		else if (strcasecmp(key, "defCommunity") == 0)
			asker->community = true;
		else
			continue;
		snprintf(asker->file, sizeof(asker->file), "%.255s", path);
	}
	if (file != NULL)
		fclose(file);
}

bool
snmp_asker_find(struct snmp_asker *ret)
{
	const char *home = snmp_asker_home();
	char dirs[PATH_MAX];

	*ret = (struct snmp_asker){ .community = false };
	snprintf(dirs, sizeof(dirs), SNMPD_CONF_DIRS "%s%s%s", home == NULL ? "" : ":",
	    home == NULL ? "" : home, home == NULL ? "" : "/.snmp");
	snmp_conf_each_dir(conf_dirs(dirs), asker_read, ret);
	return ret->user[0] != '\0' || ret->community;
}
