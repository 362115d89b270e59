/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the configuration files: octets as lbclusterd.conf and as
 * lbcluster-haproxy.conf. What is taken keeps to the bounds that the man pages name;
 * what is refused says so in one line that begins with the file and the line.
 */
#include "fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "driver/config.h"
#include "util/endpoint.h"

const char fuzz_corpus[] = "config";

static void
words_check(const char *path, enum err_code code, const struct err *err)
{
	size_t n = strlen(path);

	require(code == ERR_INVALID, "error %d: %s", code, err->text);
	require(err->code == code, "error %d, in words %d", code, err->code);
	require(strncmp(err->text, path, n) == 0 && err->text[n] == ':', "no file: %s", err->text);
	require(isdigit((unsigned char)err->text[n + 1]), "no line: %s", err->text);
	require(err->text[strcspn(err->text, "\n\r\033")] == '\0', "no line of text: %s",
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
	struct config config = { 0 };
	struct endpoint endpoint;
	struct err err = { 0 };
	enum err_code code = config_load(path, &config, &err);

	if (code != ERR_OK) {
		words_check(path, code, &err);
		require(config.store == NULL && config.agentx_socket == NULL,
		    "half a configuration");
		return;
	}
	require(config.store[0] == '/', "no absolute path");
	require(endpoint_parse(config.agentx_socket, &endpoint, NULL) == ERR_OK, "no address");
	between("log-level", config.log_level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
	between("stale-after", config.stale_after_s, 1, 86400);
	between("job-max-rows", config.job_max_rows, 10, 100000);
	between("notify-min-interval", config.notify_interval_s, 0, 3600);
	config_done(&config);
}

static void
driver_try(const char *path)
{
	struct driver_config config = { 0 };
	struct err err = { 0 };
	enum err_code code = driver_config_load(path, NULL, &config, &err);

	if (code != ERR_OK) {
		words_check(path, code, &err);
		require(config.store == NULL, "half a configuration");
		return;
	}
	require(config.store[0] == '/', "no absolute path");
	between("log-level", config.log_level, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
	between("interval", config.interval_ms, 100, 3600 * 1000);
	between("timeout", config.timeout_ms, 100, 60 * 1000);
	between("drain-time", config.drain_ms, 0, 86400u * 1000);
	between("job-patience", config.job_patience_s, 1, 604800);
	driver_config_done(&config);
}

/* The input as an address of an AgentX master: what is taken is whole. */
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
		    to.host[0] != '\0' && to.port[0] != '\0', "half an address");
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
