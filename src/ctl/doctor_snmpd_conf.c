/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor in files: what snmpd.conf says of AgentX, and the MIB file
 * that managers on this machine read. Files that may not be read are named.
 */
#include "ctl/doctor_snmpd_conf.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/doctor.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#define CONF_DIRS "/etc/snmp:/usr/share/snmp"
#define MIB_DIRS "/usr/share/snmp/mibs:/usr/local/share/snmp/mibs"
#define MIB_FILE "LBCLUSTER-MIB.txt"
/* And the user of that name. */
#define SNMPD_GROUP "Debian-snmp"

enum {
	LINE_MAX_SIZE = 1024,
	MODULE_MAX = 16384,
	TIMEOUT_GOOD_S = 5,
	STACK_MAX = 64,
	FILES_MAX = 256,
};

static const char *const key_names[CONF_KEYS] = {
	[CONF_MASTER] = "master",
	[CONF_SOCKET] = "agentXSocket",
	[CONF_TIMEOUT] = "agentXTimeout",
	[CONF_RETRIES] = "agentXRetries",
	[CONF_ADDRESS] = "agentaddress",
	[CONF_RW] = "rwcommunity",
	[CONF_RW6] = "rwcommunity6",
};

/* Lines of snmpd.conf(5) that have a community or a passphrase in them. */
static const char *const secret_keys[] = {
	"rocommunity", "rocommunity6", "rwcommunity", "rwcommunity6", "com2sec", "com2sec6",
	"createUser", "trapcommunity", "trapsink", "trap2sink", "informsink", "trapsess", "proxy",
};

/* -- snmpd.conf --------------------------------------------------------------------- */

/* A file that is read, below the files that it includes. */
struct reading {
	FILE		*file;		/* NULL: not opened yet */
	char		 path[256];
	unsigned int	 line;
};

struct stack {
	struct reading	 list[STACK_MAX];
	size_t		 n;
};

/* Puts the files of a pattern on the stack, the first one on top. */
static void
files_push(struct stack *stack, const char *pattern, int flags)
{
	glob_t found;

	if (glob(pattern, flags, NULL, &found) != 0)
		return;
	for (size_t i = found.gl_pathc; i > 0 && stack->n < STACK_MAX; i--) {
		struct reading *reading = &stack->list[stack->n++];

		*reading = (struct reading){ 0 };
		snprintf(reading->path, sizeof(reading->path), "%s", found.gl_pathv[i - 1]);
	}
	globfree(&found);
}

static void
directory_include(struct snmpd_conf *conf, struct stack *stack, const char *dir)
{
	char pattern[WHO_PATH_MAX];

	snprintf(conf->included, sizeof(conf->included), "%s", dir);
	for (size_t n = strlen(conf->included); n > 1 && conf->included[n - 1] == '/'; n--)
		conf->included[n - 1] = '\0';
	snprintf(pattern, sizeof(pattern), "%s/*.conf", conf->included);
	files_push(stack, pattern, 0);
}

/* Lines of 'agentaddress' add up; of other keys the last one counts. */
static void
line_keep(struct conf_line *line, bool adds_up, const char *value)
{
	size_t used = adds_up ? strlen(line->value) : 0;

	snprintf(line->value + used, sizeof(line->value) - used, "%s%s", used > 0 ? "," : "",
	    value);
}

static void
line_take(struct snmpd_conf *conf, struct stack *stack, char *line)
{
	/* What follows may push others: this one stays in its place. */
	const struct reading *reading = &stack->list[stack->n - 1];
	char *key = line + strspn(line, " \t"), *value = key + strcspn(key, " \t\n");
	struct stat st;

	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t");
	value[strcspn(value, "\n#")] = '\0';
	for (size_t n = strlen(value); n > 0 && isspace((unsigned char)value[n - 1]); n--)
		value[n - 1] = '\0';
	if (strcasecmp(key, "includeDir") == 0)
		directory_include(conf, stack, value);
	else if (strcasecmp(key, "includeFile") == 0)
		files_push(stack, value, 0);
	for (size_t i = 0; i < ROWS(secret_keys); i++) {
		if (strcasecmp(key, secret_keys[i]) == 0 &&
		    fstat(fileno(reading->file), &st) == 0 && (st.st_mode & S_IROTH) != 0)
			snprintf(conf->secret, sizeof(conf->secret), "%s", reading->path);
	}
	for (size_t i = 0; i < CONF_KEYS; i++) {
		if (strcasecmp(key, key_names[i]) != 0)
			continue;
		line_keep(&conf->lines[i], i == CONF_ADDRESS, value);
		snprintf(conf->lines[i].at, sizeof(conf->lines[i].at), "%s:%u", reading->path,
		    reading->line);
	}
}

/* False if the file is not there, or may not be read. */
static bool
reading_open(struct snmpd_conf *conf, struct reading *reading)
{
	struct stat st;

	errno = 0;
	reading->file = conf->n_files < FILES_MAX ? fopen(reading->path, "re") : NULL;
	if (reading->file == NULL) {
		if (errno == EACCES)
			snprintf(conf->hidden, sizeof(conf->hidden), "%s", reading->path);
		return false;
	}
	conf->n_files++;
	if (fstat(fileno(reading->file), &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		snprintf(conf->open, sizeof(conf->open), "%s", reading->path);
	return true;
}

/* Reads line by line the file on top of the stack: an included file is read in the place of
 * its line. A file may include itself; STACK_MAX and FILES_MAX end that. */
static void
files_read(struct snmpd_conf *conf, const char *pattern)
{
	struct stack stack = { .n = 0 };
	char line[LINE_MAX_SIZE];

	errno = 0;
	/* Where nothing matches, the name itself: a hidden file is seen so. */
	files_push(&stack, pattern, GLOB_NOCHECK);
	while (stack.n > 0) {
		struct reading *top = &stack.list[stack.n - 1];

		if (top->file == NULL && !reading_open(conf, top)) {
			stack.n--;
		} else if (fgets(line, sizeof(line), top->file) == NULL) {
			fclose(top->file);
			stack.n--;
		} else {
			top->line++;
			line_take(conf, &stack, line);
		}
	}
}

/* fn(arg, directory) for each of a list as PATH is one. */
static void
each_dir(const char *list, void (*fn)(void *arg, const char *dir), void *arg)
{
	char dir[WHO_PATH_MAX];

	while (*list != '\0') {
		size_t length = strcspn(list, ":");

		snprintf(dir, sizeof(dir), "%.*s", (int)length, list);
		if (length > 0)
			fn(arg, dir);
		list += length + (list[length] == ':');
	}
}

/* snmpd reads DIR/snmpd.conf.d only where a file includes it, as Debian's snmpd.conf does. */
static void
dir_conf(void *arg, const char *dir)
{
	static const char *const names[] = { "snmpd.conf", "snmpd.local.conf" };
	struct snmpd_conf *conf = arg;
	char pattern[WHO_PATH_MAX + sizeof("/snmpd.conf.d")];
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

void
snmpd_conf_read(struct snmpd_conf *conf)
{
	const char *dirs = getenv("SNMPCONFPATH");

	*conf = (struct snmpd_conf){ 0 };
	each_dir(dirs == NULL || dirs[0] == '\0' ? CONF_DIRS : dirs, dir_conf, conf);
}

/* -- addresses of net-snmp ----------------------------------------------------------- */

/* The next address of a list, without blanks; false at its end. */
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

/* net-snmp writes tcp6:[::1]:705 where lbclusterd has tcp:[::1]:705, and may leave the host
 * out. Of one port on one machine there is one master. */
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

const char *
snmpd_conf_target(const char *agentaddress, char *buf, size_t size)
{
	char address[256], loopback[] = "localhost", *host, *port;

	while (address_next(&agentaddress, address, sizeof(address))) {
		bool v6 = address[0] == '[' || strncasecmp(address, "udp6:", 5) == 0;

		if (v6 || strncasecmp(address, "tcp", 3) == 0 ||
		    strncasecmp(address, "unix:", 5) == 0 || strncasecmp(address, "ssh:", 4) == 0 ||
		    strncasecmp(address, "tls", 3) == 0 || strncasecmp(address, "dtls", 4) == 0)
			continue;
		host = strncasecmp(address, "udp:", 4) == 0 ? address + 4 : address;
		port = strchr(host, ':');
		if (port != NULL)
			*port++ = '\0';
		else if (host[strspn(host, "0123456789")] == '\0')
			port = host, host = address + strlen(address);
		if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ||
		    strcmp(host, "127.0.0.1") == 0)
			host = loopback;
		if (port == NULL || strcmp(port, "161") == 0 || port[0] == '\0')
			snprintf(buf, size, "%s", host);
		else
			snprintf(buf, size, "%s:%s", host, port);
		return buf;
	}
	snprintf(buf, size, "localhost");
	return buf;
}

/* -- the checks ------------------------------------------------------------------------ */

static bool
is_master(const char *value)
{
	static const char *const yes[] = { "agentx", "all", "yes", "on" };

	for (size_t i = 0; i < ROWS(yes); i++) {
		if (strncasecmp(value, yes[i], strlen(yes[i])) == 0)
			return true;
	}
	return false;
}

/* True, and reported, if snmpd.conf is missing or cannot be read. */
static bool
conf_unseen(struct doctor *doctor, bool enough)
{
	const struct snmpd_conf *conf = &doctor->conf;

	if (enough)
		return false;
	if (conf->hidden[0] != '\0')
		doctor_find(doctor, DOCTOR_UNSEEN, "sudo lbclusterctl doctor",
		    "%s: you may not read it", conf->hidden);
	else if (conf->n_files == 0 && doctor->listening == SIGHT_YES &&
	    doctor->master.kind == ENDPOINT_TCP)
		doctor_find(doctor, DOCTOR_SKIPPED, NULL, "no snmpd.conf on this machine; snmpd"
		    " is reached over TCP");
	else if (conf->n_files == 0)
		doctor_find(doctor, DOCTOR_UNSEEN, "SNMPCONFPATH=DIR lbclusterctl doctor",
		    "no snmpd.conf in " CONF_DIRS);
	else
		return false;
	return true;
}

/* snmpd's address of lbclusterd's setting: net-snmp has a transport of its own for IPv6. */
static const char *
snmpd_address(const struct doctor *doctor, char *buf, size_t size)
{
	bool v6 = doctor->master.kind == ENDPOINT_TCP &&
	    strchr(doctor->master.host, ':') != NULL;

	snprintf(buf, size, "%s%s", v6 ? "tcp6" : "", v6 ? strchr(doctor->socket, ':') :
	    doctor->socket);
	return buf;
}

static void
socket_differs(struct doctor *doctor, const struct conf_line *line, const char *value)
{
	char ours[ENDPOINT_TEXT_MAX + sizeof("tcp6")];

	doctor_find(doctor, doctor->listening == SIGHT_YES ? DOCTOR_WARN : DOCTOR_FAIL,
	    doctor_cure(doctor, "snmpd.conf: agentXSocket %s,%s\nsystemctl restart snmpd",
	    value, snmpd_address(doctor, ours, sizeof(ours))),
	    "%s: snmpd listens at %s, and lbclusterd connects to %s; let snmpd listen at both",
	    line->at[0] == '\0' ? "no agentXSocket" : line->at, value, doctor->socket);
}

void
doctor_snmpd_conf(struct doctor *doctor)
{
	const struct snmpd_conf *conf = &doctor->conf;
	const struct conf_line *master = &conf->lines[CONF_MASTER];
	const struct conf_line *line = &conf->lines[CONF_SOCKET];
	const char *value = line->value[0] != '\0' ? line->value : DOCTOR_SOCKET;

	if (conf_unseen(doctor, is_master(master->value)))
		return;
	if (conf->unread[0] != '\0')
		doctor_find(doctor, is_master(master->value) ? DOCTOR_WARN : DOCTOR_FAIL,
		    doctor_cure(doctor, "snmpd.conf: includeDir %.*s\nsystemctl restart snmpd",
		    (int)(strrchr(conf->unread, '/') - conf->unread), conf->unread),
		    "%s: snmpd does not read it, because no file has an includeDir for its"
		    " directory", conf->unread);
	else if (!is_master(master->value))
		doctor_find(doctor, doctor->listening == SIGHT_YES ? DOCTOR_WARN : DOCTOR_FAIL,
		    "snmpd.conf: master agentx\nsystemctl restart snmpd",
		    "no file of snmpd has 'master agentx'%s%s%s%s",
		    master->at[0] == '\0' ? "" : "; ", master->at,
		    master->at[0] == '\0' ? "" : ": master ", master->value);
	else if (!snmpd_conf_has_socket(value, &doctor->master) &&
	    (line->value[0] != '\0' || doctor->listening != SIGHT_YES))
		socket_differs(doctor, line, value);
	else
		doctor_find(doctor, DOCTOR_OK, NULL, "%s: master %s", master->at,
		    master->value);
}

long
doctor_seconds(const char *text)
{
	static const struct {
		char	unit;
		long	seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || errno != 0 || n < 0 || n > 100000000)
		return -1;
	end += strspn(end, " \t");
	if (*end == '\0')
		return n;
	for (size_t i = 0; i < ROWS(units); i++) {
		if (strncasecmp(end, &units[i].unit, 1) == 0)
			return n * units[i].seconds;
	}
	return -1;
}

void
doctor_patience(struct doctor *doctor)
{
	const struct conf_line *timeout = &doctor->conf.lines[CONF_TIMEOUT];
	const struct conf_line *retries = &doctor->conf.lines[CONF_RETRIES];
	bool good = doctor_seconds(timeout->value) >= TIMEOUT_GOOD_S &&
	    doctor_seconds(retries->value) == 0;

	if (conf_unseen(doctor, good))
		return;
	if (good)
		doctor_find(doctor, DOCTOR_OK, NULL, "agentXTimeout %s, agentXRetries %s",
		    timeout->value, retries->value);
	else
		doctor_find(doctor, DOCTOR_WARN, "snmpd.conf: agentXTimeout 5\n"
		    "snmpd.conf: agentXRetries 0\nsystemctl restart snmpd",
		    "agentXTimeout %s, agentXRetries %s: snmpd ends the session when a SET waits"
		    " for a slow disk", timeout->value[0] == '\0' ? "1 (default)" : timeout->value,
		    retries->value[0] == '\0' ? "5 (default)" : retries->value);
}

/* A community is sent in the clear, and is all that decides who may SET. */
void
doctor_conf_access(struct doctor *doctor)
{
	const struct snmpd_conf *conf = &doctor->conf;
	const struct conf_line *line = conf->lines[CONF_RW].value[0] != '\0' ?
	    &conf->lines[CONF_RW] : &conf->lines[CONF_RW6];

	if (conf->open[0] != '\0')
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "chmod o-w %s", conf->open),
		    "%s: every user of this machine may change who may SET", conf->open);
	else if (line->value[0] != '\0')
		/* Not the community itself: what is printed here is shown to others. */
		doctor_find(doctor, DOCTOR_WARN, "snmpd.conf: rocommunity COMMUNITY 127.0.0.1 -V"
		    " lbread\nsystemctl restart snmpd",
		    "%s: a community that may SET is sent in the clear; use SNMPv3 with a write "
		    "view", line->at);
	else if (!conf_unseen(doctor, false))
		doctor_find(doctor, DOCTOR_OK, NULL, "no community may SET");
}

void
doctor_secrets(struct doctor *doctor)
{
	const char *path = doctor->conf.secret;
	struct who group;

	if (path[0] != '\0' && who_user(SNMPD_GROUP, &group))
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor, "chgrp " SNMPD_GROUP " %s\n"
		    "chmod 640 %s", path, path), "%s: every user of this machine may read the"
		    " communities and passphrases in it", path);
	else if (path[0] != '\0')
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor, "chmod 600 %s", path),
		    "%s: every user of this machine may read the communities and passphrases in"
		    " it", path);
	else if (!conf_unseen(doctor, false))
		doctor_find(doctor, DOCTOR_OK, NULL, "no file with a community or a passphrase"
		    " can be read by every user");
}

/* -- the MIB file ------------------------------------------------------------------------ */

/* The last that is there wins; "" if none is. */
struct mib_look {
	char	path[WHO_PATH_MAX + sizeof("/" MIB_FILE)];
};

static void
dir_mib(void *arg, const char *dir)
{
	struct mib_look *look = arg;
	char path[WHO_PATH_MAX + sizeof("/" MIB_FILE)];

	snprintf(path, sizeof(path), "%s/" MIB_FILE, dir);
	if (access(path, F_OK) == 0)
		memcpy(look->path, path, sizeof(look->path));
}

const char *
doctor_mib_revision(const char *text, char buf[16])
{
	const char *p = strstr(text, "LAST-UPDATED");

	buf[0] = '\0';
	if (p != NULL)
		p = strchr(p, '"');
	if (p != NULL)
		snprintf(buf, 16, "%.*s", (int)strcspn(p + 1, "\""), p + 1);
	return buf;
}

static const char *
file_revision(const char *path, char buf[16])
{
	FILE *file = fopen(path, "re");
	char text[MODULE_MAX];
	size_t n = 0;

	if (file != NULL) {
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return doctor_mib_revision(text, buf);
}

void
doctor_mib_file(struct doctor *doctor)
{
	const char *dirs = getenv("MIBDIRS");
	struct mib_look look = { "" };
	char revision[16];

	if (dirs != NULL && (dirs[0] == '+' || dirs[0] == '-'))
		dirs++;
	each_dir(dirs == NULL || dirs[0] == '\0' ? MIB_DIRS : dirs, dir_mib, &look);
	if (look.path[0] == '\0') {
		doctor_find(doctor, DOCTOR_WARN, "install -m 0644 mibs/" MIB_FILE
		    " /usr/share/snmp/mibs/", "no " MIB_FILE " in %s: names of objects are not"
		    " understood on this machine", dirs == NULL || dirs[0] == '\0' ? MIB_DIRS :
		    dirs);
		return;
	}
	file_revision(look.path, revision);
	if (strcmp(revision, DOCTOR_MIB_REVISION) == 0)
		doctor_find(doctor, DOCTOR_OK, NULL, "%s: %s", look.path, revision);
	else
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor,
		    "install -m 0644 mibs/" MIB_FILE " %s", look.path), "%s has LAST-UPDATED %s,"
		    " this program belongs to " DOCTOR_MIB_REVISION, look.path,
		    revision[0] == '\0' ? "(none)" : revision);
}
