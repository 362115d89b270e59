/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The connection to the master: bytes, cut into AgentX messages. Owns the descriptor and two
 * buffers. No call waits. Bytes that the peer does not read at once stay in a buffer until
 * poll(2) reports POLLOUT.
 */
#ifndef AGENTX_STREAM_H
#define AGENTX_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* A longer message is a protocol error. The largest request of UDP has 3,400 varbinds
	 * under the MIB root, of twice 40 bytes in AgentX. */
	STREAM_MESSAGE_MAX = 1024 * 1024,

	/* Bytes that a master may leave unread. Reading must continue until then: snmpd writes
	 * to a subagent without a timeout, so two sides that both write would wait forever. */
	STREAM_BACKLOG_MAX = 16 * 1024 * 1024,
};

struct stream_buffer {
	uint8_t	*data;
	size_t	 size;
	size_t	 at;		/* first byte that is not taken or sent */
	size_t	 end;
};

struct stream {
	int			 fd;		/* -1: not connected */
	bool			 peer_closed;	/* the peer does not read any more */
	int			 error;		/* errno of the read that ended; 0: end of file */
	struct stream_buffer	 in, out;
};

enum stream_result {
	STREAM_OK,
	STREAM_END,		/* the peer closed, or the connection broke */
	STREAM_PROTOCOL_ERROR,	/* the peer does not speak AgentX */
	STREAM_BACKLOG,		/* the peer does not read */
	STREAM_NOMEM,
};

/* Makes a stream that is not connected. */
void stream_init(struct stream *stream);

/* Closes the descriptor, which must not be watched any more, and frees the buffers. */
void stream_close(struct stream *stream);

/* Reads once, at most 64 KiB. Returns STREAM_OK also if there is nothing to read. */
enum stream_result stream_read(struct stream *stream);

/* Returns the next complete message in *ret_message, valid until stream_read() or
 * stream_close(); NULL if it is not complete. STREAM_PROTOCOL_ERROR if the header is invalid or
 * the length above STREAM_MESSAGE_MAX. */
enum stream_result stream_take(struct stream *stream, uint8_t **ret_message, size_t *ret_length);

/* Sends, or keeps in the buffer. Returns STREAM_OK also if the connection broke: what the peer
 * sent before must still be read, and stream_read() reports the end. */
enum stream_result stream_send(struct stream *stream, const uint8_t *data, size_t length);

/* Sends bytes from the buffer. Call it on POLLOUT. */
void stream_flush(struct stream *stream);

/* Returns the events of poll(2) that the stream waits for. */
short stream_events(const struct stream *stream);

#endif
