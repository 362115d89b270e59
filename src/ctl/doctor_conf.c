/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor in files: what snmpd.conf says of AgentX, and the MIB file
 * that managers on this machine read. Files that may not be read are named.
 */
#include "ctl/doctor.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#define CONF_DIRS "/etc/snmp:/usr/share/snmp"
#define MIB_DIRS "/usr/share/snmp/mibs:/usr/local/share/snmp/mibs"
#define MIB_FILE "LBCLUSTER-MIB.txt"

enum { LINE_MAX_SIZE = 1024, MODULE_MAX = 16384, TIMEOUT_GOOD_S = 5 };

/* The last line of a kind wins, as with snmpd; "": there is none. */
struct conf_line {
	char	value[256];
	char	at[320];	/* FILE:LINE */
};

enum conf_key {
	CONF_MASTER, CONF_SOCKET, CONF_TIMEOUT, CONF_RETRIES, CONF_RW, CONF_RW6, CONF_KEYS
};

static const char *const key_names[CONF_KEYS] = {
	[CONF_MASTER] = "master",
	[CONF_SOCKET] = "agentXSocket",
	[CONF_TIMEOUT] = "agentXTimeout",
	[CONF_RETRIES] = "agentXRetries",
	[CONF_RW] = "rwcommunity",
	[CONF_RW6] = "rwcommunity6",
};

struct conf {
	struct conf_line	lines[CONF_KEYS];
	size_t			n_files;
	char			hidden[256];	/* a file that may not be read; "" */
	char			open[256];	/* one that anybody may write; "" */
};

/* -- snmpd.conf --------------------------------------------------------------------- */

static void
line_take(struct conf *conf, char *line, const char *file, unsigned int number)
{
	char *key = line + strspn(line, " \t"), *value = key + strcspn(key, " \t\n");

	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t");
	value[strcspn(value, "\n#")] = '\0';
	for (size_t i = 0; i < CONF_KEYS; i++) {
		if (strcasecmp(key, key_names[i]) != 0)
			continue;
		snprintf(conf->lines[i].value, sizeof(conf->lines[i].value), "%s", value);
		snprintf(conf->lines[i].at, sizeof(conf->lines[i].at), "%.255s:%u", file, number);
	}
}

static void
file_read(struct conf *conf, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_SIZE];
	unsigned int number = 0;
	struct stat st;

	if (file == NULL) {
		if (errno == EACCES)
			snprintf(conf->hidden, sizeof(conf->hidden), "%s", path);
		return;
	}
	conf->n_files++;
	if (fstat(fileno(file), &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		snprintf(conf->open, sizeof(conf->open), "%s", path);
	while (fgets(line, sizeof(line), file) != NULL)
		line_take(conf, line, path, ++number);
	fclose(file);
}

static void
files_read(struct conf *conf, const char *dir)
{
	static const char *const names[] = {
		"snmpd.conf", "snmpd.local.conf", "snmpd.conf.d/*.conf",
	};
	char pattern[WHO_PATH_MAX];

	for (size_t i = 0; i < ROWS(names); i++) {
		glob_t found;

		snprintf(pattern, sizeof(pattern), "%s/%s", dir, names[i]);
		/* As it is where nothing matches: one that is hidden is seen so. */
		if (glob(pattern, i + 1 < ROWS(names) ? GLOB_NOCHECK : 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			file_read(conf, found.gl_pathv[k]);
		globfree(&found);
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

static void
dir_conf(void *arg, const char *dir)
{
	files_read(arg, dir);
}

static void
conf_read(struct conf *conf)
{
	const char *dirs = getenv("SNMPCONFPATH");

	*conf = (struct conf){ 0 };
	each_dir(dirs == NULL || dirs[0] == '\0' ? CONF_DIRS : dirs, dir_conf, conf);
}

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

/* True, and told, if there is no snmpd.conf or none that may be read. */
static bool
conf_unseen(struct doctor *doctor, const struct conf *conf, bool enough)
{
	if (enough)
		return false;
	if (conf->hidden[0] != '\0')
		doctor_find(doctor, DOCTOR_UNSEEN, "sudo lbclusterctl doctor",
		    "%s: you may not read it", conf->hidden);
	else if (conf->n_files == 0)
		doctor_find(doctor, DOCTOR_UNSEEN, "SNMPCONFPATH=DIR lbclusterctl doctor",
		    "no snmpd.conf in " CONF_DIRS);
	else
		return false;
	return true;
}

void
doctor_snmpd_conf(struct doctor *doctor)
{
	const struct conf_line *master, *path;
	struct conf conf;

	conf_read(&conf);
	master = &conf.lines[CONF_MASTER];
	path = &conf.lines[CONF_SOCKET];
	if (conf_unseen(doctor, &conf, is_master(master->value)))
		return;
	if (!is_master(master->value))
		doctor_find(doctor, doctor->listening == SIGHT_YES ? DOCTOR_WARN : DOCTOR_FAIL,
		    "snmpd.conf: master agentx\nsystemctl restart snmpd",
		    "no file of snmpd has 'master agentx'%s%s%s%s",
		    master->at[0] == '\0' ? "" : "; ", master->at,
		    master->at[0] == '\0' ? "" : ": master ", master->value);
	else if (path->value[0] != '\0' && strstr(path->value, doctor->socket) == NULL)
		doctor_find(doctor, DOCTOR_WARN, doctor_cure(doctor,
		    "lbclusterd.conf: agentx-socket = %s\nsystemctl restart lbclusterd",
		    path->value), "%s: agentXSocket %s, and lbclusterd has %s", path->at,
		    path->value, doctor->socket);
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
	const struct conf_line *timeout, *retries;
	struct conf conf;
	bool good;

	conf_read(&conf);
	timeout = &conf.lines[CONF_TIMEOUT];
	retries = &conf.lines[CONF_RETRIES];
	good = doctor_seconds(timeout->value) >= TIMEOUT_GOOD_S &&
	    doctor_seconds(retries->value) == 0;
	if (conf_unseen(doctor, &conf, good))
		return;
	if (good)
		doctor_find(doctor, DOCTOR_OK, NULL, "agentXTimeout %s, agentXRetries %s",
		    timeout->value, retries->value);
	else
		doctor_find(doctor, DOCTOR_WARN, "snmpd.conf: agentXTimeout 5\n"
		    "snmpd.conf: agentXRetries 0\nsystemctl restart snmpd",
		    "agentXTimeout %s, agentXRetries %s: one slow disk, and snmpd drops"
		    " lbclusterd", timeout->value[0] == '\0' ? "1 (default)" : timeout->value,
		    retries->value[0] == '\0' ? "5 (default)" : retries->value);
}

/* A community is a word that whoever listens can read, and the only thing that decides. */
void
doctor_conf_access(struct doctor *doctor)
{
	const struct conf_line *line;
	struct conf conf;

	conf_read(&conf);
	line = conf.lines[CONF_RW].value[0] != '\0' ? &conf.lines[CONF_RW] :
	    &conf.lines[CONF_RW6];
	if (conf.open[0] != '\0')
		doctor_find(doctor, DOCTOR_FAIL, doctor_cure(doctor, "chmod o-w %s", conf.open),
		    "%s: anybody on this machine may change who may SET", conf.open);
	else if (line->value[0] != '\0')
		/* Not the word itself: what is printed here is shown to others. */
		doctor_find(doctor, DOCTOR_WARN, "snmpd.conf: rocommunity COMMUNITY 127.0.0.1 -V"
		    " lbread\nsystemctl restart snmpd",
		    "%s: a community that may SET is sent in the clear; use SNMPv3 with a write "
		    "view", line->at);
	else if (!conf_unseen(doctor, &conf, false))
		doctor_find(doctor, DOCTOR_OK, NULL, "no community may SET");
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
