/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Messages about real services and clusters; see plan.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "driver/plan.h"
#include "model/address.h"
#include "model/status.h"
#include "util/clock.h"

enum { REPAIRS_SHOWN_MS = 60 * 1000 };

void
plan_message_add(char message[MODEL_MESSAGE_MAX + 1], const char *fmt, ...)
{
	size_t used = strlen(message), begin = used > 0 ? used + 2 : 0;
	va_list ap;

	if (begin >= MODEL_MESSAGE_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(message + begin, MODEL_MESSAGE_MAX + 1 - begin, fmt, ap);
	va_end(ap);
	if (used > 0 && message[begin] != '\0')
		memcpy(message + used, "; ", 2);
}

bool
plan_active(const struct driver_real *real, const struct plan_rules *rules)
{
	const struct plane_server *server = real->server;

	if (server == NULL || !plan_is_up(real))
		return false;
	if (rules->ops->apply == NULL)
		return driver_real_enabled(real);
	/* A foreign change that is kept gave it weight 0. */
	if (real->foreign[FOREIGN_WEIGHT].kept && server->weight == 0)
		return false;
	if (server->state == PLANE_READY || server->state == PLANE_MIXED)
		return true;
	return (server->state == PLANE_DRAIN || rules->ops->out_removes) &&
	    plan_is_reserve(real) && !real->foreign[FOREIGN_STATE].kept &&
	    real->health != HEALTH_UNKNOWN;
}

/* The same as lbclusterd derives from the statistics of the round. */
static enum drained
drained_of(const struct driver_service *service, const struct plan_rules *rules)
{
	struct status_tally tally = { .disabled = !service->enabled };
	const struct driver_real *real;

	TREE_FOREACH(real, i, &service->branch.children) {
		const struct status_real status = { .enabled = real->enabled,
		    .fallback = real->fallback, .active = plan_active(real, rules),
		    .freshness = FRESHNESS_FRESH, .weight = real->weight,
		    .role = real->server == NULL ? ROLE_MEMBER : real->server->role };

		status_tally_add(&tally, &status);
	}
	return status_drained(&tally);
}

const char *
plan_fallback_cause(const struct driver_real *real, const struct plan_rules *rules)
{
	const struct driver_service *service = driver_service_of(real);

	if (service->awaits_check)
		return "no check of another server has ended yet";
	return drained_of(service, rules) == DRAINED_NO ? "no other server is up" :
	    STATUS_OTHERS_DRAINED;
}

/* -- of a cluster ------------------------------------------------------------------------ */

/* The first contested or kept setting, and the number of them. */
struct shown {
	const struct plan_rules	*rules;
	bool			 contested;
	size_t			 n;
	const char		*service, *real;	/* 'real' is "" for a service */
	char			 text[MODEL_MESSAGE_MAX + 1];
};

static void
shown_add(struct shown *shown, const struct foreign *foreign, enum foreign_setting setting,
    const char *service, const char *real)
{
	const struct plan_rules *rules = shown->rules;
	/* Almost no setting was repaired, so almost none needs a call of foreign_contested(). */
	bool is_shown = shown->contested ?
	    foreign->repairs > 0 && foreign_contested(foreign, rules->now_ms) : foreign->kept;

	if (!is_shown || shown->n++ > 0)
		return;
	shown->service = service;
	shown->real = real;
	foreign_message(foreign, setting, rules->ops, rules->now_ms, shown->text);
}

const char *
plan_foreign(const struct driver_cluster *cluster, bool contested,
    const struct plan_rules *rules, char buf[MODEL_MESSAGE_MAX + 1])
{
	struct shown shown = { .rules = rules, .contested = contested };
	const struct driver_service *service;
	const struct driver_real *real;
	char more[32] = "";

	TREE_FOREACH(service, s, &cluster->branch.children) {
		shown_add(&shown, &service->foreign, FOREIGN_SERVICE, service->row.name, "");
		TREE_FOREACH(real, r, &service->branch.children) {
			for (int i = 0; i < FOREIGN_REAL_SETTINGS; i++)
				shown_add(&shown, &real->foreign[i], (enum foreign_setting)i,
				    service->row.name, real->row.name);
		}
	}
	buf[0] = '\0';
	if (shown.n > 1)
		snprintf(more, sizeof(more), " and %zu more", shown.n - 1);
	/* Long names are cut, and so may be the end of the text. */
	if (shown.n > 0 && snprintf(buf, MODEL_MESSAGE_MAX + 1, "%.40s%s%.40s%s: %s",
	    shown.service, shown.real[0] != '\0' ? "/" : "", shown.real, more, shown.text) >
	    MODEL_MESSAGE_MAX)
		memcpy(buf + MODEL_MESSAGE_MAX - 3, "...", 4);
	return buf;
}

const char *
plan_repairs(const struct driver_cluster *cluster, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	char when[CLOCK_TEXT_SIZE];

	buf[0] = '\0';
	if (cluster->repaired == 0 || rules->now_ms - cluster->repaired_ms > REPAIRS_SHOWN_MS)
		return buf;
	snprintf(buf, MODEL_MESSAGE_MAX + 1, "%zu setting%s restored to the values of the store, %s"
	    " (%zu since the driver started)", cluster->repaired,
	    cluster->repaired == 1 ? "" : "s", clock_text(cluster->repaired_s, when),
	    cluster->repairs);
	return buf;
}

const char *
plan_earlier(const struct driver_cluster *cluster, const char *title,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	buf[0] = '\0';
	if (cluster->earlier_pid != 0)
		plan_message_add(buf, "%s process %llu, from before a reload, still runs and may"
		    " serve its connections", title, (unsigned long long)cluster->earlier_pid);
	else if (cluster->earlier_unseen)
		plan_message_add(buf, "its connections in a %s process from before a reload cannot"
		    " be seen", title);
	return buf;
}

const char *
plan_missing(const struct driver_cluster *cluster, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	const struct driver_service *service;
	const struct driver_real *real;
	size_t n = 0;

	buf[0] = '\0';
	PLAN_FOREACH(service, real, cluster) {
		if (real->server == NULL || real->server->missing_at == NULL || n++ > 0)
			continue;
		plan_message_add(buf, "%.20s at %.70s has no server %.60s/%.60s", rules->title,
		    real->server->missing_at, service->row.name, real->row.name);
	}
	if (n > 1)
		plan_message_add(buf, "%zu more servers are missing in one of the pair", n - 1);
	return buf;
}

/* -- reasons ------------------------------------------------------------------------------ */

/* "by lbcluster" is only for a server that lbcluster took out. */
static void
reason_disabled(const struct driver_real *real, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	const struct plane_server *server = real->server;
	char earlier[MODEL_MESSAGE_MAX + 1] = "";

	if (real->drain_since_ms != 0 && server->counts.number[STAT_ACTIVE_CONNECTIONS] == 0)
		plan_earlier(driver_cluster_of(real), rules->title, earlier);
	if (real->ours && server->state == PLANE_DRAIN)
		plan_message_add(buf, "%s%s%.200s", rules->ops->states[PLANE_DRAIN].by_lbcluster,
		    earlier[0] != '\0' ? ": " : " until its connections end", earlier);
	else if (real->ours && server->state == PLANE_OUT)
		plan_message_add(buf, "%s%s%.200s", rules->ops->states[PLANE_OUT].by_lbcluster,
		    earlier[0] != '\0' ? ": " : "", earlier);
	else
		plan_message_add(buf, "%s", server->message);
	if (!driver_service_of(real)->enabled)
		plan_message_add(buf, PLAN_SERVICE_DISABLED);
}

/* A service may have many backups of HAProxy; the reason of its fallback is enough. */
static void
reason_backup(const struct driver_real *real, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	plan_message_add(buf, "backup by %s's configuration", rules->title);
	if (real->fallback && drained_of(driver_service_of(real), rules) == DRAINED_TO_FALLBACK)
		plan_message_add(buf, STATUS_OTHERS_DRAINED);
}

/* Why a fallback or an enabled server is in its state; "" if it needs no reason. */
static void
reason_enabled(const struct driver_real *real, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	const struct plane_server *server = real->server;

	if (server->role == ROLE_BACKUP)
		reason_backup(real, rules, buf);
	else if (plan_is_reserve(real) && (server->state == PLANE_DRAIN ||
	    (server->state == PLANE_OUT && rules->ops->out_removes)))
		plan_message_add(buf, "held in reserve by lbcluster");
	else if (plan_is_reserve(real))
		plan_message_add(buf, "brought in by lbcluster: %s",
		    plan_fallback_cause(real, rules));
	else if (server->state == PLANE_DRAIN)
		plan_message_add(buf, "%s", rules->ops->states[PLANE_DRAIN].by_others);
	else if (server->state == PLANE_MIXED)
		plan_message_add(buf, "its state differs between the processes");
}

static void
reason_state(const struct driver_real *real, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	const struct plane_server *server = real->server;
	char weight[MODEL_MESSAGE_MAX + 1];

	foreign_message(&real->foreign[FOREIGN_WEIGHT], FOREIGN_WEIGHT, rules->ops, rules->now_ms,
	    weight);
	if (server == NULL)
		plan_message_add(buf, "%s has no such server", rules->title);
	else if (foreign_message(&real->foreign[FOREIGN_STATE], FOREIGN_STATE, rules->ops,
	    rules->now_ms, buf)[0] != '\0')
		return;
	else if (!driver_real_enabled(real))
		reason_disabled(real, rules, buf);
	else if (real->health_message != NULL)
		plan_message_add(buf, "%s", real->health_message);
	else if (real->awaits_check && !server->up)
		plan_message_add(buf, "DOWN by lbcluster until its checks pass%s%s",
		    server->message[0] != '\0' ? ": " : "", server->message);
	else if (server->message[0] != '\0')
		plan_message_add(buf, "%s", server->message);
	else if (weight[0] != '\0')
		plan_message_add(buf, "%s", weight);
	else
		reason_enabled(real, rules, buf);
}

/* Returns the address of the data plane if it differs from the stored one; NULL otherwise. A
 * number is compared with a number and a name with a name, because the address of a name may
 * change at any time. */
static const char *
address_differs(const char *address, const struct plane_endpoint *endpoint)
{
	struct address stored = address_from_text(address), actual;

	if (stored.type == ADDRESS_UNKNOWN)
		return endpoint->name[0] == '\0' || address[0] == '\0' ||
		    strcasecmp(address, endpoint->name) == 0 ? NULL : endpoint->name;
	actual = address_from_text(endpoint->address);
	if (actual.type == ADDRESS_UNKNOWN || (actual.type == stored.type &&
	    memcmp(stored.octets, actual.octets, stored.length) == 0))
		return NULL;
	return endpoint->address;
}

/* If the data plane has another address or port than the store, writes it. */
static bool
endpoint_differs(const struct driver_real *real, const struct plane_endpoint *endpoint,
    char *buf, size_t size)
{
	const char *stored, *port, *address;

	if (endpoint->address == NULL || (endpoint->address[0] == '\0' &&
	    endpoint->name[0] == '\0' && endpoint->port[0] == '\0'))
		return false;
	stored = tree_text(&real->row, TREE_ADDRESS);
	port = tree_text(&real->row, TREE_PORT);
	address = address_differs(stored, endpoint);
	if (address == NULL && (port[0] == '\0' || endpoint->port[0] == '\0' ||
	    strcmp(port, endpoint->port) == 0))
		return false;
	address_endpoint(address != NULL ? address : stored, endpoint->port, buf, size);
	return true;
}

const char *
plan_reason(const struct driver_real *real, const struct plan_rules *rules,
    char buf[MODEL_MESSAGE_MAX + 1])
{
	char text[MODEL_ADDRESS_MAX + MODEL_PORT_TEXT_MAX + 4];
	const struct plane_server *server = real->server;

	buf[0] = '\0';
	if (rules->ops->apply != NULL)
		reason_state(real, rules, buf);
	else if (real->health_message != NULL)
		plan_message_add(buf, "%s", real->health_message);
	if (server == NULL || rules->ops->apply == NULL)
		return buf;
	if (endpoint_differs(real, &server->endpoint, text, sizeof(text)) ||
	    endpoint_differs(real, &server->other_endpoint, text, sizeof(text)))
		plan_message_add(buf, "its address in %s is %.80s", rules->title, text);
	if (server->missing_at != NULL)
		plan_message_add(buf, "%s at %.108s has no such server", rules->title,
		    server->missing_at);
	return buf;
}
