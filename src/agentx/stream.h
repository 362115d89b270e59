/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The connection to the master: octets, cut into AgentX messages.
 * Owns the descriptor and its two buffers. No call ever waits: what the peer does
 * not take at once stays in the buffer until poll(2) says POLLOUT.
 */
#ifndef AGENTX_STREAM_H
#define AGENTX_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	/* A longer message is rubbish. More than snmpd can make of the largest request
	 * that UDP carries: 3,400 varbinds under our root, twice 40 octets each. */
	STREAM_MESSAGE_MAX = 1024 * 1024,

	/* Answers that a master may leave unread. Reading its requests must go on
	 * meanwhile: snmpd writes to a subagent without a limit of time, so two
	 * sides that both wait to write would wait for ever. */
	STREAM_UNREAD_MAX = 16 * 1024 * 1024,
};

struct stream {
	int	 fd;		/* -1: not connected */
	bool	 deaf;		/* the peer takes nothing any more */
	int	 error;		/* errno of the read that gave STREAM_END; 0: an orderly end */
	uint8_t	*in;
	size_t	 in_room;
	size_t	 in_at;		/* first octet not yet taken */
	size_t	 in_end;
	uint8_t	*out;
	size_t	 out_room;
	size_t	 out_at;	/* first octet not yet sent */
	size_t	 out_end;
};

enum stream_result {
	STREAM_OK,
	STREAM_END,		/* the peer closed, or the connection broke */
	STREAM_RUBBISH,		/* the peer does not speak AgentX */
	STREAM_CLOGGED,		/* the peer reads nothing */
	STREAM_NOMEM,
};

/* A stream that is not connected. */
void stream_init(struct stream *stream);

/* Closes and frees. The descriptor must not be watched any more. */
void stream_close(struct stream *stream);

/* What tells one socket at a path from the next: a master makes it when it starts. */
struct stream_place {
	dev_t		device;
	ino_t		file;
	struct timespec	made;
};

/* All zero if there is nothing at 'path', and for "". */
void stream_place(const char *path, struct stream_place *ret);
bool stream_place_same(const struct stream_place *a, const struct stream_place *b);

/* Reads once what is there, at most 64 KiB. STREAM_OK also if nothing is. */
enum stream_result stream_read(struct stream *stream);

/* The next whole message, or NULL if none is in the buffer yet. It stays valid
 * until stream_read() or stream_close(). STREAM_RUBBISH if what follows is no
 * AgentX header, or tells a length beyond STREAM_MESSAGE_MAX. */
enum stream_result stream_take(struct stream *stream, uint8_t **ret_message,
    size_t *ret_length);

/* Sends, or keeps for later. A broken connection is not an error here: what the
 * peer sent before it broke must still be read, and then stream_read() tells. */
enum stream_result stream_send(struct stream *stream, const uint8_t *data, size_t length);

/* Sends more of what was kept: call it on POLLOUT. */
void stream_flush(struct stream *stream);

/* The events of poll(2) that it waits for. */
short stream_events(const struct stream *stream);

#endif
