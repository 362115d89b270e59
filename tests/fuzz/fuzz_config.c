/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the configuration files: bytes as lbclusterd.conf and as
 * lbcluster-haproxy.conf. An accepted file keeps the bounds that the man pages name. The message
 * about a refused file is one line that begins with FILE:LINE.
 */
#include "fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon_config.h"
#include "driver/driver_config.h"
#include "util/endpoint.h"

const char fuzz_corpus[] = "config";

static void
message_check(const char *path, enum err_code code, const struct err *err)
{
	size_t n = strlen(path);

	require(code == ERR_INVALID, "error %d: %s", code, err->text);
	require(err->code == code, "error %d, but err.code is %d", code, err->code);
	require(strncmp(err->text, path, n) == 0 && err->text[n] == ':', "no file: %s", err->text);
	require(isdigit((unsigned char)err->text[n + 1]), "no line: %s", err->text);
	require(err->text[strcspn(err->text, "\n\r\033")] == '\0', "not one line: %s",
	    err->text);
}

static void
between(const char *what, uint32_t number, uint32_t min, uint32_t max)
{
	require(number >= min && number <= max, "%s is %u", what, number);
}

static void
daemon_try(const char *path)
{
	struct daemon_config config = { 0 };
	struct endpoint endpoint;
	struct err err = { 0 };
	enum err_code code = settings_load(daemon_settings, DAEMON_SETTINGS, path, false, &config,
	    &err);

	if (code != ERR_OK) {
		message_check(path, code, &err);
		require(config.common.store == NULL && config.agentx_socket == NULL,
		    "part of a configuration");
		return;
	}
	require(config.common.store[0] == '/', "no absolute path");
	require(endpoint_parse(config.agentx_socket, &endpoint, NULL) == ERR_OK, "no address");
	between("log-level", config.common.log_level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
	between("stale-after", config.stale_after_s, 1, 86400);
	between("job-patience", config.job_patience_s, 1, 604800);
	between("job-max-rows", config.job_max_rows, 10, 100000);
	between("notify-min-interval", config.notify_interval_s, 0, 3600);
	settings_done(daemon_settings, DAEMON_SETTINGS, &config);
}

static void
driver_try(const char *path)
{
	struct driver_config config = { 0 };
	struct err err = { 0 };
	enum err_code code = settings_load(driver_settings, DRIVER_SETTINGS, path, false, &config,
	    &err);

	if (code != ERR_OK) {
		message_check(path, code, &err);
		require(config.common.store == NULL, "part of a configuration");
		return;
	}
	require(config.common.store[0] == '/', "no absolute path");
	between("log-level", config.common.log_level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
	between("interval", config.interval_ms, 100, 3600 * 1000);
	between("timeout", config.timeout_ms, 100, 60 * 1000);
	between("drain-time", config.drain_ms, 0, 86400u * 1000);
	between("job-patience", config.job_patience_s, 1, 604800);
	settings_done(driver_settings, DRIVER_SETTINGS, &config);
}

/* The input as an address of an AgentX master: an accepted one has all parts. */
static void
address_try(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	struct endpoint to;
	struct err err;

	require(text != NULL, "no memory");
	memcpy(text, data, size);
	if (endpoint_parse(text, &to, &err) == ERR_OK)
		require(to.kind == ENDPOINT_UNIX ? strcmp(to.path, text) == 0 :
		    to.host[0] != '\0' && to.port[0] != '\0', "part of an address");
	else
		require(err.text[0] != '\0', "no message");
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH];

	file_put("conf", data, size, path);
	daemon_try(path);
	driver_try(path);
	address_try(data, size);
	return 0;
}
