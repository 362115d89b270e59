/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the kernel has for the rows; see ipvs_answer.h.
 */
#include "plane/ipvs/ipvs_answer.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"

bool
ipvs_is_foreign(const struct ipvs_view *view, const struct ipvs_key *key)
{
	return !view->settings_only && !ipvs_owned_has(view->owned, key) &&
	    ipvs_table_service(view->have, key) != NULL;
}

void
ipvs_foreign_message(const struct ipvs_view *view, const struct ipvs_key *key,
    char message[MODEL_MESSAGE_MAX + 1])
{
	char name[IPVS_KEY_TEXT_SIZE];

	snprintf(message, MODEL_MESSAGE_MAX + 1, "%s exists and lbcluster did not make it; stop the"
	    " program that made it, then run lbcluster-ipvs --adopt %s", ipvs_key_text(key, name),
	    view->cluster);
}

/* A destination that the store does not have leaves: it drains first. The clients of UDP never end,
 * so its destinations are removed at once. */
static bool
leaving_is_over(const struct ipvs_row_service *service, const struct ipvs_view *view,
    const struct ipvs_dest *dest)
{
	bool expired = service->drain_ms != 0 && dest->leaving_ms != 0 &&
	    view->now_ms - dest->leaving_ms >= service->drain_ms;

	return service->udp || (dest->weight == 0 &&
	    (expired || (dest->active == 0 && dest->inactive == 0)));
}

/* Sets when the store began to lack the destination: the time of the poll before, or now. */
static void
leaving_update(const struct ipvs_view *view, const struct ipvs_key *key, struct ipvs_dest *dest)
{
	const struct ipvs_entry *entry = ipvs_table_service(view->before, key);
	const struct ipvs_dest *before =
	    entry == NULL ? NULL : ipvs_entry_dest(entry, &dest->address, dest->port);

	dest->leaving_ms =
	    before == NULL || before->leaving_ms == 0 ? view->now_ms : before->leaving_ms;
}

/* -- services --------------------------------------------------------------------------- */

/* The first difference gives the message. */
static void __attribute__((format(printf, 3, 4)))
difference_note(struct plane_service *ret, bool routine, const char *fmt, ...)
{
	va_list ap;

	ret->routine = routine && (ret->routine || !ret->differs);
	if (ret->differs)
		return;
	ret->differs = true;
	va_start(ap, fmt);
	vsnprintf(ret->message, sizeof(ret->message), fmt, ap);
	va_end(ap);
}

/* Finds the destination of each row of a service. Both are sorted, so one pass does it. Returns
 * how many destinations have a row. 'entry' is the service in the kernel, or NULL. */
static size_t
dests_find(struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_entry *entry)
{
	const struct ipvs_row_endpoint *mine = rows->sorted + service->first;
	const struct ipvs_dest *dest = entry == NULL ? NULL : entry->dests;
	const struct ipvs_dest *end = entry == NULL ? NULL : entry->dests + entry->n;
	const struct ipvs_dest *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < service->n; i++, mine++) {
		int order = 1;

		while (dest != end && (order = ipvs_endpoint_compare(&dest->address, dest->port,
		    &mine->dest.address, mine->dest.port)) < 0)
			dest++;
		rows->reals[mine->at].found = order == 0 && dest != end ? dest : NULL;
		if (order == 0 && dest != end && dest != last) {
			last = dest;
			n++;
		}
	}
	return n;
}

/* Compares the destinations of a service with its rows. 'found': how many have a row. */
static void
dests_compare(const struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_view *view, struct ipvs_entry *entry, size_t found, const char *name,
    struct plane_service *ret)
{
	char text[IPVS_KEY_TEXT_SIZE];

	for (size_t i = service->first; i < service->first + service->n; i++) {
		const struct ipvs_dest *mine = &rows->reals[i].dest, *dest = rows->reals[i].found;

		if (dest != NULL && (dest->forward != mine->forward || dest->upper != mine->upper ||
		    dest->lower != mine->lower))
			difference_note(ret, rows->changed,
			    "%s had another forward method or threshold for %s", name,
			    ipvs_endpoint_text(&dest->address, dest->port, text));
	}
	for (size_t i = 0; i < entry->n && found < entry->n; i++) {
		struct ipvs_dest *dest = &entry->dests[i];

		if (ipvs_rows_have(rows, service, dest))
			continue;
		leaving_update(view, &service->service.key, dest);
		if (dest->weight > 0 || leaving_is_over(service, view, dest))
			/* Weight 0: the end of its drain. */
			difference_note(ret, rows->changed || dest->weight == 0,
			    "%s had destination %s, which the store does not have", name,
			    ipvs_endpoint_text(&dest->address, dest->port, text));
	}
}

static void
service_compare(const struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_view *view, struct ipvs_entry *entry, size_t found,
    struct plane_poll *poll, struct plane_service *ret)
{
	const struct ipvs_service *mine = &service->service;
	char name[IPVS_KEY_TEXT_SIZE];

	ipvs_key_text(&mine->key, name);
	if (view->settings_only)
		return;
	if (ipvs_is_foreign(view, &mine->key)) {
		if (poll->problem[0] == '\0')
			ipvs_foreign_message(view, &mine->key, poll->problem);
		return;
	}
	if (entry == NULL) {
		if (service->enabled)
			difference_note(ret, rows->changed, "%s did not exist", name);
		return;
	}
	if (!service->enabled && entry->n == 0)
		difference_note(ret, rows->changed, "%s existed, but is disabled", name);
	if (strcmp(entry->service.scheduler, mine->scheduler) != 0)
		difference_note(ret, rows->changed, "%s had scheduler %.15s in place of %.15s",
		    name, entry->service.scheduler, mine->scheduler);
	if (!ipvs_service_same(&entry->service, mine))
		difference_note(ret, rows->changed, "%s had other flags or another persistence",
		    name);
	dests_compare(rows, service, view, entry, found, name, ret);
}

/* -- real services ------------------------------------------------------------------------ */

/* The numbers of the API that IPVS counts. OUT: absent if the answers do not pass the director. */
static const struct {
	enum stat_number	number;
	int			attribute;
	uint64_t		factor;
	bool			out;
} counted[] = {
	{ STAT_CONNECTIONS_PER_SECOND, IPVS_STATS_ATTR_CPS, 1, false },
	{ STAT_PPS_IN, IPVS_STATS_ATTR_INPPS, 1, false },
	{ STAT_PPS_OUT, IPVS_STATS_ATTR_OUTPPS, 1, true },
	{ STAT_BPS_IN, IPVS_STATS_ATTR_INBPS, 8, false },
	{ STAT_BPS_OUT, IPVS_STATS_ATTR_OUTBPS, 8, true },
};
static const struct {
	enum stat_number	number;
	bool			out;
} totals[IPVS_TOTALS] = {
	[IPVS_STATS_ATTR_CONNS - 1] = { STAT_TOTAL_CONNECTIONS, false },
	[IPVS_STATS_ATTR_INPKTS - 1] = { STAT_TOTAL_PACKETS_IN, false },
	[IPVS_STATS_ATTR_OUTPKTS - 1] = { STAT_TOTAL_PACKETS_OUT, true },
	[IPVS_STATS_ATTR_INBYTES - 1] = { STAT_TOTAL_OCTETS_IN, false },
	[IPVS_STATS_ATTR_OUTBYTES - 1] = { STAT_TOTAL_OCTETS_OUT, true },
};

/* Updates the totals from the numbers of the kernel. A destination that was added again continues
 * its totals or begins at zero, which only the comparison shows; a service begins at zero. */
static void
totals_update(struct ipvs_totals *kept, const struct ipvs_view *view,
    const uint64_t number[IPVS_STATS])
{
	bool lower = false;

	for (size_t i = 0; i < IPVS_TOTALS; i++)
		lower |= number[i] < kept->totals[i];
	if (!kept->seen)
		kept->counters_since = view->first ? view->boot_s : view->now_s;
	else if (lower)
		kept->counters_since = view->now_s;
	kept->seen = true;
	memcpy(kept->totals, number, sizeof(kept->totals));
}

static void
number_set(struct plane_counts *ret, enum stat_number number, uint64_t value)
{
	ret->present |= 1u << number;
	ret->number[number] = value;
}

/* 'out': the answers pass the director. */
static void
totals_fill(const struct ipvs_totals *from, bool out, struct plane_counts *ret)
{
	for (size_t i = 0; i < IPVS_TOTALS && from->seen; i++) {
		if (out || !totals[i].out)
			number_set(ret, totals[i].number, from->totals[i]);
	}
	ret->counters_since = from->counters_since;
}

/* A real service without a destination has no connections and no traffic, and keeps its totals. */
static void
numbers_fill(const struct ipvs_row *row, const struct ipvs_view *view,
    const struct ipvs_dest *dest, struct plane_counts *ret)
{
	bool out = row->dest.forward == IP_VS_CONN_F_MASQ;

	number_set(ret, STAT_ACTIVE_CONNECTIONS, dest == NULL ? 0 : dest->active);
	number_set(ret, STAT_INACTIVE_CONNECTIONS, dest == NULL ? 0 : dest->inactive);
	number_set(ret, STAT_PERSISTENT_CONNECTIONS, dest == NULL ? 0 : dest->persistent);
	if (dest != NULL && dest->upper > 0)
		number_set(ret, STAT_CONNECTION_LIMIT, dest->upper);
	if (!view->counts)
		return;
	for (size_t i = 0; i < ROWS(counted); i++) {
		if (out || !counted[i].out)
			number_set(ret, counted[i].number, dest == NULL ? 0 :
			    counted[i].factor * dest->number[counted[i].attribute - 1]);
	}
	totals_fill(&row->totals, out, ret);
}

/* Fills what the kernel counts for a service itself. A service that does not exist, because all of
 * its real services are down, keeps its totals. */
static void
service_counts(const struct ipvs_rows *rows, struct ipvs_row_service *service,
    const struct ipvs_view *view, const struct ipvs_entry *entry,
    struct plane_service_counts *ret)
{
	bool out = false;

	for (size_t i = service->first; i < service->first + service->n; i++)
		out |= rows->reals[i].dest.forward == IP_VS_CONN_F_MASQ;
	if (entry != NULL) {
		totals_update(&service->totals, view, entry->service.number);
		snprintf(ret->algorithm, sizeof(ret->algorithm), "%s", entry->service.scheduler);
	}
	ret->exists = entry != NULL || service->totals.seen;
	if (view->counts)
		totals_fill(&service->totals, out, &ret->counts);
}

/* Another program decides whether the destination exists. */
static void
settings_state(struct ipvs_row *row, const struct ipvs_key *key, const struct ipvs_dest *dest,
    struct plane_server *ret)
{
	char service[IPVS_KEY_TEXT_SIZE], text[IPVS_KEY_TEXT_SIZE];

	ret->state = row->commanded ? row->state : PLANE_READY;
	ret->role = row->fallback ? ROLE_BACKUP : ROLE_MEMBER;
	if (dest != NULL && dest->weight > 0) {
		ret->state = PLANE_READY;
		ret->weight = dest->weight;
	} else if (dest != NULL && row->dest.weight > 0 && ret->state == PLANE_READY) {
		ret->up = false;
		ret->blocked = true;
		snprintf(ret->message, sizeof(ret->message), "held at weight 0 by another program");
	} else if (dest == NULL) {
		ret->up = false;
		ret->blocked = true;
		snprintf(ret->message, sizeof(ret->message), "%s has no destination %s",
		    ipvs_key_text(key, service),
		    ipvs_endpoint_text(&row->dest.address, row->dest.port, text));
	}
}

static void
state_fill(struct ipvs_row *row, const struct ipvs_dest *dest, struct plane_server *ret)
{
	if (dest == NULL) {
		ret->state = PLANE_OUT;
	} else if (dest->weight > 0) {
		ret->state = PLANE_READY;
		ret->weight = dest->weight;
		row->commanded = true;
		row->state = PLANE_READY;
	} else if (row->commanded ? row->state == PLANE_READY : row->dest.weight == 0) {
		ret->state = PLANE_READY;
		ret->weight = 0;
	} else {
		ret->state = PLANE_DRAIN;
	}
}

/* Fills the answer for one real service. */
static void
real_answer(struct ipvs_row *row, const struct ipvs_view *view, const struct ipvs_key *key,
    struct plane_server *server)
{
	static const struct plane_endpoint none = { "", "", "" };
	const struct ipvs_dest *dest = row->found;

	/* Without the message, which is as large as the rest. */
	memset(server, 0, offsetof(struct plane_server, message));
	server->message[0] = '\0';
	server->exists = server->up = true;
	server->endpoint = server->other_endpoint = none;
	server->weight = row->dest.weight;
	if (view->settings_only)
		settings_state(row, key, dest, server);
	else
		state_fill(row, dest, server);
	if (dest != NULL)
		totals_update(&row->totals, view, dest->number);
	numbers_fill(row, view, dest, &server->counts);
}

/* A real service whose virtual service is another program's. It has no weight, so that a job for
 * its weight meets the refusal. */
static const struct plane_server foreign_server = {
	.exists = true, .up = true, .endpoint = { "", "", "" }, .other_endpoint = { "", "", "" },
	.state = PLANE_OUT, .weight = PLANE_WEIGHT_MIXED, .blocked = true,
	.message = "lbcluster did not make its virtual service",
};

/* poll->service_counts has room too. */
void
ipvs_answer(struct ipvs_rows *rows, const struct ipvs_view *view, struct plane_poll *poll)
{
	poll->problem[0] = '\0';
	for (size_t i = 0; i < rows->n_services; i++) {
		struct ipvs_row_service *service = &rows->services[i];
		const struct ipvs_key *key = &service->service.key;
		struct ipvs_entry *entry = ipvs_table_service(view->have, key);
		bool foreign = ipvs_is_foreign(view, key);

		poll->service_counts[i] = (struct plane_service_counts){ .exists = false };
		if (!foreign)
			service_counts(rows, service, view, entry, &poll->service_counts[i]);
		poll->services[i] = (struct plane_service){ 0 };
		service_compare(rows, service, view, entry, dests_find(rows, service, entry), poll,
		    &poll->services[i]);
		for (size_t j = service->first; j < service->first + service->n; j++) {
			if (foreign)
				poll->servers[j] = foreign_server;
			else
				real_answer(&rows->reals[j], view, key, &poll->servers[j]);
		}
	}
}

/* -- the wanted table ----------------------------------------------------------------------- */

/* The state and weight of a real service after the commands. */
struct setting {
	enum plane_state	state;
	uint32_t		weight;
};

static bool
entry_copy(struct ipvs_table *table, const struct ipvs_entry *entry)
{
	if (!ipvs_table_service_add(table, &entry->service))
		return false;
	for (size_t i = 0; i < entry->n; i++) {
		if (!ipvs_table_dest_add(table, &entry->dests[i]))
			return false;
	}
	return true;
}

/* Adds the destinations that the store does not have, and that still have connections. */
static bool
leaving_add(const struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_view *view, const struct ipvs_entry *entry, struct ipvs_table *ret, bool *has)
{
	for (size_t i = 0; entry != NULL && i < entry->n; i++) {
		struct ipvs_dest dest = entry->dests[i];

		if (ipvs_rows_have(rows, service, &dest) ||
		    leaving_is_over(service, view, &dest))
			continue;
		dest.weight = 0;
		if (!ipvs_table_dest_add(ret, &dest))
			return false;
		*has = true;
	}
	return true;
}

/* A disabled service stays until its last destination has gone. */
static bool
service_add(const struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_view *view, const struct setting *settings, struct ipvs_table *ret)
{
	const struct ipvs_entry *entry = ipvs_table_service(view->have, &service->service.key);
	bool has = service->enabled;

	if (!ipvs_table_service_add(ret, &service->service))
		return false;
	for (size_t i = service->first; i < service->first + service->n; i++) {
		struct ipvs_dest dest = rows->reals[i].dest;

		if (settings[i].state == PLANE_OUT)
			continue;
		dest.weight = settings[i].state == PLANE_DRAIN ? 0 : settings[i].weight;
		if (!ipvs_table_dest_add(ret, &dest))
			return false;
		has = true;
	}
	if (!leaving_add(rows, service, view, entry, ret, &has))
		return false;
	if (!has)
		ipvs_table_service_drop(ret);
	return true;
}

/* With manage = settings only weights change. */
static bool
settings_add(const struct ipvs_rows *rows, const struct ipvs_row_service *service,
    const struct ipvs_view *view, const struct plane_server *servers,
    const struct setting *settings, struct ipvs_table *ret)
{
	const struct ipvs_entry *entry = ipvs_table_service(view->have, &service->service.key);

	if (entry == NULL)
		return true;
	if (!entry_copy(ret, entry))
		return false;
	for (size_t i = service->first; i < service->first + service->n; i++) {
		const struct ipvs_dest *mine = &rows->reals[i].dest;
		struct ipvs_dest *dest = ipvs_entry_dest(&ret->entries[ret->n - 1], &mine->address,
		    mine->port);

		if (dest == NULL)
			continue;
		if (settings[i].state != PLANE_READY)
			dest->weight = 0;
		else if (!servers[i].blocked)
			dest->weight = settings[i].weight;
	}
	return true;
}

bool
ipvs_wanted_make(const struct ipvs_rows *rows, const struct ipvs_view *view,
    const struct plane_server *servers, const struct plane_command *commands, size_t n,
    struct ipvs_table *ret)
{
	struct setting *settings = calloc(rows->n_reals + 1, sizeof(*settings));
	bool ok = settings != NULL;

	*ret = (struct ipvs_table){ 0 };
	for (size_t i = 0; i < rows->n_reals && ok; i++)
		settings[i] = (struct setting){ servers[i].state, servers[i].weight };
	for (size_t i = 0; i < n && ok; i++) {
		if (commands[i].kind == PLANE_COMMAND_STATE)
			settings[commands[i].at].state = (enum plane_state)commands[i].value;
		else if (commands[i].kind == PLANE_COMMAND_WEIGHT)
			settings[commands[i].at].weight = commands[i].value;
	}
	for (size_t i = 0; i < rows->n_services && ok; i++) {
		const struct ipvs_row_service *service = &rows->services[i];

		if (view->settings_only)
			ok = settings_add(rows, service, view, servers, settings, ret);
		else if (!ipvs_is_foreign(view, &service->service.key))
			ok = service_add(rows, service, view, settings, ret);
		else
			ok = entry_copy(ret, ipvs_table_service(view->have, &service->service.key));
	}
	free(settings);
	if (ok)
		ipvs_table_sort(ret);
	else
		ipvs_table_done(ret);
	return ok;
}
