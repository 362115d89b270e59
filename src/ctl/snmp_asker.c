/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The operator's snmp.conf; see snmp_asker.h.
 */
#include "ctl/snmp_asker.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { LINE_SIZE = 1024, PATHS_SIZE = 4096 };

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

/* A later line replaces an earlier one, as with net-snmp. */
static void
line_take(char *line, const char *file, struct snmp_asker *ret)
{
	char *key = line + strspn(line, " \t"), *value = key + strcspn(key, " \t\r\n");

	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " \t\"'");
	value[strcspn(value, "\"'\r\n")] = '\0';
	if (value[0] == '\0')
		return;
	if (strcasecmp(key, "defSecurityName") == 0)
		snprintf(ret->user, sizeof(ret->user), "%s", value);
	else if (strcasecmp(key, "defCommunity") == 0)
		ret->community = true;
	else
		return;
	snprintf(ret->file, sizeof(ret->file), "%.255s", file);
}

static void
file_read(const char *path, struct snmp_asker *ret)
{
	FILE *file = fopen(path, "re");
	char line[LINE_SIZE];

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		line_take(line, path, ret);
	fclose(file);
}

bool
snmp_asker_find(struct snmp_asker *ret)
{
	const char *given = getenv("SNMPCONFPATH"), *home = snmp_asker_home();
	char paths[PATHS_SIZE], path[PATHS_SIZE + sizeof("/snmp.conf")], *rest = paths;
	const char *dir;

	*ret = (struct snmp_asker){ 0 };
	if (given != NULL && given[0] != '\0')
		snprintf(paths, sizeof(paths), "%s", given);
	else
		snprintf(paths, sizeof(paths), "/etc/snmp:/usr/share/snmp%s%s%s",
		    home == NULL ? "" : ":", home == NULL ? "" : home,
		    home == NULL ? "" : "/.snmp");
	while ((dir = strsep(&rest, ":")) != NULL) {
		snprintf(path, sizeof(path), "%s/snmp.conf", dir);
		file_read(path, ret);
	}
	return ret->user[0] != '\0' || ret->community;
}
