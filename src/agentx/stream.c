/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "agentx/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agentx/wire.h"

enum { READ_SIZE = 64 * 1024 };

void
stream_init(struct stream *stream)
{
	memset(stream, 0, sizeof(*stream));
	stream->fd = -1;
}

void
stream_close(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->in.data);
	free(stream->out.data);
	stream_init(stream);
}

/* Reserves 'more' bytes behind the end. Moves the rest to the front only if that frees more bytes
 * than it moves, so that each byte moves once on average. */
static bool
buffer_reserve(struct stream_buffer *buffer, size_t more)
{
	size_t used = buffer->end - buffer->at, size = buffer->size;
	uint8_t *data;

	if (used == 0) {
		buffer->at = buffer->end = 0;
	} else if (buffer->end + more > size && buffer->at >= used) {
		memcpy(buffer->data, buffer->data + buffer->at, used);
		buffer->at = 0;
		buffer->end = used;
	}
	if (buffer->end + more <= size)
		return true;
	while (size < buffer->end + more)
		size = size == 0 ? READ_SIZE : 2 * size;
	data = realloc(buffer->data, size);
	if (data == NULL)
		return false;
	buffer->data = data;
	buffer->size = size;
	return true;
}

enum stream_result
stream_read(struct stream *stream)
{
	struct stream_buffer *in = &stream->in;
	ssize_t got;

	if (!buffer_reserve(in, READ_SIZE))
		return STREAM_NOMEM;
	got = recv(stream->fd, in->data + in->end, READ_SIZE, MSG_DONTWAIT);
	if (got > 0) {
		in->end += (size_t)got;
		return STREAM_OK;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return STREAM_OK;
	stream->error = got < 0 ? errno : 0;
	return STREAM_END;
}

enum stream_result
stream_take(struct stream *stream, uint8_t **ret_message, size_t *ret_length)
{
	uint8_t *message = stream->in.data + stream->in.at;
	size_t available = stream->in.end - stream->in.at, length;

	*ret_message = NULL;
	if (available < WIRE_HEADER)
		return STREAM_OK;
	length = wire_length(message);
	if (length == 0 || length > STREAM_MESSAGE_MAX)
		return STREAM_PROTOCOL_ERROR;
	if (available < length)
		return STREAM_OK;
	stream->in.at += length;
	*ret_message = message;
	*ret_length = length;
	return STREAM_OK;
}

/* Sends bytes without waiting. Returns how many were sent. */
static size_t
send_some(struct stream *stream, const uint8_t *data, size_t length)
{
	size_t done = 0;

	while (done < length && !stream->peer_closed) {
		ssize_t sent = send(stream->fd, data + done, length - done,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0)
			done += (size_t)sent;
		else if (sent == 0 || errno == EAGAIN)
			break;
		else if (errno != EINTR)
			stream->peer_closed = true;
	}
	return done;
}

void
stream_flush(struct stream *stream)
{
	struct stream_buffer *out = &stream->out;

	out->at += send_some(stream, out->data + out->at, out->end - out->at);
	if (stream->peer_closed || out->at == out->end)
		out->at = out->end = 0;
}

enum stream_result
stream_send(struct stream *stream, const uint8_t *data, size_t length)
{
	struct stream_buffer *out = &stream->out;
	size_t waiting = out->end - out->at, sent = 0;

	if (waiting + length > STREAM_BACKLOG_MAX && !stream->peer_closed)
		return STREAM_BACKLOG;
	/* The usual case: all bytes are sent at once, without the buffer. */
	if (waiting == 0)
		sent = send_some(stream, data, length);
	if (sent == length || stream->peer_closed)
		return STREAM_OK;
	if (!buffer_reserve(out, length - sent))
		return STREAM_NOMEM;
	memcpy(out->data + out->end, data + sent, length - sent);
	out->end += length - sent;
	return STREAM_OK;
}

short
stream_events(const struct stream *stream)
{
	return stream->out.at < stream->out.end && !stream->peer_closed ? POLLIN | POLLOUT : POLLIN;
}
