/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The connection to the master; see stream.h.
 */
#include "agentx/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
	free(stream->in);
	free(stream->out);
	stream_init(stream);
}

void
stream_place(const char *path, struct stream_place *ret)
{
	struct stat st;

	*ret = (struct stream_place){ 0 };
	if (stat(path, &st) == -1)
		return;
	ret->device = st.st_dev;
	ret->file = st.st_ino;
	ret->made = st.st_mtim;
}

bool
stream_place_same(const struct stream_place *a, const struct stream_place *b)
{
	return a->device == b->device && a->file == b->file &&
	    a->made.tv_sec == b->made.tv_sec && a->made.tv_nsec == b->made.tv_nsec;
}

/* Makes room for 'more' octets behind *end. What is left moves to the front only if
 * that frees more than it moves, so that each octet moves once on the average. */
static bool
room_make(uint8_t **buffer, size_t *room, size_t *at, size_t *end, size_t more)
{
	size_t used = *end - *at, wanted = *room;
	uint8_t *bigger;

	if (used == 0) {
		*at = *end = 0;
	} else if (*end + more > *room && *at >= used) {
		memcpy(*buffer, *buffer + *at, used);
		*at = 0;
		*end = used;
	}
	if (*end + more <= *room)
		return true;
	while (wanted < *end + more)
		wanted = wanted == 0 ? READ_SIZE : 2 * wanted;
	bigger = realloc(*buffer, wanted);
	if (bigger == NULL)
		return false;
	*buffer = bigger;
	*room = wanted;
	return true;
}

enum stream_result
stream_read(struct stream *stream)
{
	ssize_t got;

	if (!room_make(&stream->in, &stream->in_room, &stream->in_at, &stream->in_end,
	    READ_SIZE))
		return STREAM_NOMEM;
	got = recv(stream->fd, stream->in + stream->in_end, READ_SIZE, MSG_DONTWAIT);
	if (got > 0) {
		stream->in_end += (size_t)got;
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
	uint8_t *message = stream->in + stream->in_at;
	size_t there = stream->in_end - stream->in_at, length;

	*ret_message = NULL;
	if (there < WIRE_HEADER)
		return STREAM_OK;
	length = wire_length(message);
	if (length == 0 || length > STREAM_MESSAGE_MAX)
		return STREAM_RUBBISH;
	if (there < length)
		return STREAM_OK;
	stream->in_at += length;
	*ret_message = message;
	*ret_length = length;
	return STREAM_OK;
}

void
stream_flush(struct stream *stream)
{
	while (stream->out_at < stream->out_end && !stream->deaf) {
		ssize_t sent = send(stream->fd, stream->out + stream->out_at,
		    stream->out_end - stream->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0)
			stream->out_at += (size_t)sent;
		else if (sent == 0 || errno == EAGAIN)
			return;
		else if (errno != EINTR)
			stream->deaf = true;
	}
	stream->out_at = stream->out_end = 0;
}

enum stream_result
stream_send(struct stream *stream, const uint8_t *data, size_t length)
{
	size_t waiting = stream->out_end - stream->out_at;

	if (stream->deaf)
		return STREAM_OK;
	if (waiting + length > STREAM_UNREAD_MAX)
		return STREAM_CLOGGED;
	if (waiting == 0) {
		/* The usual case: all of it goes at once, without the buffer. */
		ssize_t sent = send(stream->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			stream->deaf = true;
			return STREAM_OK;
		}
		data += sent > 0 ? sent : 0;
		length -= sent > 0 ? (size_t)sent : 0;
	}
	if (length == 0)
		return STREAM_OK;
	if (!room_make(&stream->out, &stream->out_room, &stream->out_at,
	    &stream->out_end, length))
		return STREAM_NOMEM;
	memcpy(stream->out + stream->out_end, data, length);
	stream->out_end += length;
	return STREAM_OK;
}

short
stream_events(const struct stream *stream)
{
	return stream->out_at < stream->out_end && !stream->deaf ? POLLIN | POLLOUT : POLLIN;
}
