/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Parameters: the options of a cluster, a service and a real service that depend on the kind of
 * its data plane, and the options of health checks. One table names them. The inventory file, the
 * drivers and the manual use that table. The store has the parameters of a row as a JSON object:
 *
 *   {"check":"http","check-timeout":0.5,"one-packet":true,"persistence":300}
 */
#ifndef PLANE_PARAMS_H
#define PLANE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "util/err.h"

struct json_t;	/* of Jansson */

enum {
	PARAM_ADDRESS_SIZE = 46,	/* an IPv4 or IPv6 address, INET6_ADDRSTRLEN */
	PARAM_PATH_SIZE = 513,
	PARAM_HOST_SIZE = 254,
	PARAM_EXPECT_SIZE = 257,
	PARAM_STATUS_RANGES = 8,
};

/* The values of options with a choice, in the order of their names in the table. */
enum param_foreign { PARAM_FOREIGN_RESTORE, PARAM_FOREIGN_KEEP };
enum param_manage { PARAM_MANAGE_ALL, PARAM_MANAGE_SETTINGS };
enum param_scheduler {
	PARAM_RR, PARAM_WRR, PARAM_LC, PARAM_WLC, PARAM_LBLC, PARAM_LBLCR, PARAM_DH, PARAM_SH,
	PARAM_MH, PARAM_SED, PARAM_NQ, PARAM_FO, PARAM_OVF
};
enum param_forward { PARAM_NAT, PARAM_DR, PARAM_TUNNEL };
enum param_family { PARAM_IPV4, PARAM_IPV6 };
enum param_on_failure { PARAM_REMOVE, PARAM_DRAIN };
enum param_check {
	PARAM_CHECK_NONE, PARAM_CHECK_CONNECT, PARAM_CHECK_HTTP, PARAM_CHECK_HTTPS,
	PARAM_CHECK_COMMAND,
	PARAM_CHECK_AUTO	/* not given; params_service() and params_real() replace it */
};
enum param_method { PARAM_GET, PARAM_HEAD };

/* The names of enum param_scheduler, as IPVS has them. */
extern const char *const param_schedulers[];

struct param_range {
	uint16_t	from, to;	/* 'to' 0: no range */
};

/* The values of the parameters, with the defaults of those that are not given. */
struct params {
	/* of a cluster; the sockets of plane haproxy are not here */
	unsigned int		foreign_changes;	/* enum param_foreign */
	unsigned int		manage;			/* enum param_manage */

	/* of a service of plane ipvs */
	unsigned int		scheduler;		/* enum param_scheduler */
	unsigned int		forward;		/* enum param_forward; of a real too */
	uint32_t		persistence;		/* seconds; 0: none */
	uint32_t		persistence_mask;	/* bits of the prefix; 0: all */
	uint32_t		fwmark;			/* 0: none, the service has an address */
	unsigned int		family;			/* enum param_family of a fwmark */
	bool			one_packet, hash_port;
	unsigned int		on_failure;		/* enum param_on_failure */
	uint32_t		drain_time;		/* seconds; 0: no limit */
	uint32_t		slow_start;		/* seconds; 0: none */

	/* of a real service of plane ipvs */
	uint32_t		max_connections, min_connections;	/* 0: no threshold */

	/* health checks */
	unsigned int		check;			/* enum param_check */
	uint32_t		check_port;		/* 0: the port of the real service */
	char			check_address[PARAM_ADDRESS_SIZE];	/* "": of the real */
	char			check_path[PARAM_PATH_SIZE];
	char			check_host[PARAM_HOST_SIZE];	/* "": the address */
	unsigned int		check_method;		/* enum param_method */
	struct param_range	check_status[PARAM_STATUS_RANGES];
	char			check_expect[PARAM_EXPECT_SIZE];	/* "": any text */
	bool			check_verify;
	char			check_command[MODEL_NAME_MAX + 1];	/* "": none */
	uint32_t		check_interval_ms, check_retry_ms, check_timeout_ms;
	uint32_t		check_rise, check_fall;
	bool			damping;
};

/* Where an option may be. Bits of param_key.depths. */
enum param_depth { PARAM_CLUSTER = 1, PARAM_SERVICE = 2, PARAM_REAL = 4 };

enum param_type {
	PARAM_NUMBER,	/* uint32_t, from 'min' to 'max' */
	PARAM_SECONDS,	/* uint32_t of milliseconds; a number with at most three decimals */
	PARAM_BOOL,	/* bool: yes or no */
	PARAM_CHOICE,	/* unsigned int: the place of the text in 'choices' */
	PARAM_ADDRESS,	/* text: an IPv4 or IPv6 address */
	PARAM_TEXT,	/* text of printable ASCII */
	PARAM_WORD,	/* the same without spaces; begins with 'begin' */
	PARAM_NAME,	/* text: a name as model_name_valid() accepts */
	PARAM_STATUS,	/* struct param_range[]: "200-399" or "200,301-302" */
	PARAM_SOCKET,	/* a list of texts, not in struct params; the caller checks them */
};

/* An option. */
struct param_key {
	const char		*name;
	unsigned int		 depths;	/* a real service overrides its service */
	const char		*plane;		/* kind; NULL: all whose driver has checks */
	enum param_type		 type;
	size_t			 offset, size;	/* of the member of struct params */
	uint32_t		 min, max;	/* of a number, or of milliseconds */
	const char		*value;		/* the default; NULL: none or by others */
	const char *const	*choices;	/* ends with NULL */
	const char		*begin;		/* of a word; NULL: any */
};

/* The table; ends with a key whose name is NULL. */
extern const struct param_key param_keys[];

/* Returns the option of that name at that depth; NULL if there is none. */
const struct param_key *param_key_find(enum param_depth depth, const char *name);
/* True if clusters with data plane 'plane' may have the option. */
bool param_key_of(const struct param_key *key, const char *plane);

/* Checks one value as a person writes it, and stores it in *params (NULL: only checks). ERR_INVALID
 * says what is wrong, without the name of the option: "70000 is above 65535". */
enum err_code param_parse(const struct param_key *key, const char *value, struct params *params,
    struct err *err);

/* Adds one value as a person writes it to a JSON object, in the normal form of the store: a list of
 * texts for a cluster, otherwise a number, true, false or a text. Expects that param_parse()
 * accepted the value. Leaves out a value that is the default, unless a real service repeats an
 * option of its service. False without memory, or if 'value' is not UTF-8. */
bool param_json_add(const struct param_key *key, enum param_depth depth, const char *value,
    struct json_t *object) __attribute__((warn_unused_result));

enum { PARAM_TEXT_SIZE = 32 };

/* Returns a JSON value as a person writes it, in 'buf' or in the value. NULL if it has no such
 * form, as a list. */
const char *param_json_text(const struct json_t *value, char buf[PARAM_TEXT_SIZE]);

/* Sets *ret to the defaults. */
void params_default(struct params *ret);

/* Reads the parameters of a row of the store into *params, over the values that it has. 'text' is
 * JSON or "". ERR_INVALID names the option but no row. An option of another depth or plane, and an
 * unknown one, is ERR_INVALID. */
enum err_code params_read(const char *plane, enum param_depth depth, const char *text,
    struct params *params, struct err *err);

/* Set *ret to the parameters of a service, or of a real service over those of its service. */
enum err_code params_service(const char *plane, const char *service_params,
    enum protocol protocol, struct params *ret, struct err *err);
enum err_code params_real(const char *plane, const char *service_params, const char *real_params,
    enum protocol protocol, struct params *ret, struct err *err);

#endif
