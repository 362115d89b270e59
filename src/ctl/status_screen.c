/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors */
#include "ctl/status_screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/memory.h"

/* Control sequences of xterm, which tmux, screen and other terminals of Debian also have. Alternate
 * screen, no cursor, no wrap of long lines; and back. */
static const char begin_text[] = "\033[?1049h\033[?25l\033[?7l";
static const char end_text[] = "\033[?7h\033[?25h\033[?1049l";

/* Signals that end a process. The store handles SIGBUS, and repairs a
 * truncated index. */
static const int ending_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE,
	SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF,
	SIGIO, SIGPWR, SIGSYS };

static struct {
	int			 fd;
	bool			 has_keys;	/* the standard input is a terminal */
	struct termios		 before, during;
	sigset_t		 waiting;	/* the signal mask of screen_wait() */
	volatile sig_atomic_t	 changed;
	char			 bytes[64];	/* read and not returned by key_take() */
} screen;

size_t
screen_size(int fd, size_t *ret_lines)
{
	struct winsize size;

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) == -1)
		return 0;
	if (ret_lines != NULL)
		*ret_lines = size.ws_row > 0 ? size.ws_row : 24;
	return size.ws_col > 0 ? size.ws_col : 80;
}

/* -- the mode of the terminal. These functions are safe in a handler of a signal --------- */

static void
mode_begin(void)
{
	if (screen.has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.during);
	(void)!write(screen.fd, begin_text, sizeof(begin_text) - 1);
}

static void
mode_end(void)
{
	(void)!write(screen.fd, end_text, sizeof(end_text) - 1);
	if (screen.has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

/* -- signals ------------------------------------------------------------------------ */

static void
on_resized(int signo)
{
	(void)signo;
	screen.changed = 1;
}

/* Stops the process with the terminal restored, as the shell expects. Continues here. */
static void
on_stop(int signo)
{
	int error = errno;

	(void)signo;
	mode_end();
	(void)kill(getpid(), SIGSTOP);
	mode_begin();
	screen.changed = 1;
	errno = error;
}

/* SA_RESETHAND gave the signal its default action, which happens on return. */
static void
on_end(int signo)
{
	mode_end();
	(void)raise(signo);
}

/* An ignored signal stays ignored, as nohup(1) wants it. */
static void
handler_set(int signo, void (*handler)(int signo), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags }, before;

	sigemptyset(&action.sa_mask);
	if (sigaction(signo, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		(void)sigaction(signo, &action, NULL);
}

void
screen_begin(int fd)
{
	sigset_t blocked;

	screen.fd = fd;
	screen.has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &screen.before) == 0;
	screen.during = screen.before;
	screen.during.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	screen.during.c_cc[VMIN] = 1;
	screen.during.c_cc[VTIME] = 0;
	/* These two are delivered in screen_wait() only, never while a screen is printed. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &blocked, &screen.waiting);
	sigdelset(&screen.waiting, SIGWINCH);
	sigdelset(&screen.waiting, SIGTSTP);
	handler_set(SIGWINCH, on_resized, 0);
	handler_set(SIGTSTP, on_stop, 0);
	for (size_t i = 0; i < ROWS(ending_signals); i++)
		handler_set(ending_signals[i], on_end, (int)SA_RESETHAND);
	mode_begin();
}

void
screen_end(void)
{
	mode_end();
	for (size_t i = 0; i < ROWS(ending_signals); i++)
		handler_set(ending_signals[i], SIG_DFL, 0);
	handler_set(SIGWINCH, SIG_DFL, 0);
	handler_set(SIGTSTP, SIG_DFL, 0);
	(void)sigprocmask(SIG_SETMASK, &screen.waiting, NULL);
}

/* -- keys ----------------------------------------------------------------------------- */

/* Takes the next key from the bytes that were read. */
static enum screen_key
key_take(void)
{
	static const struct {
		const char	*bytes;
		enum screen_key	 key;
	} keys[] = {
		{ "q", SCREEN_QUIT }, { "Q", SCREEN_QUIT }, { "p", SCREEN_PROBLEMS },
		{ "k", SCREEN_UP }, { "\033[A", SCREEN_UP }, { "\033OA", SCREEN_UP },
		{ "j", SCREEN_DOWN }, { "\033[B", SCREEN_DOWN }, { "\033OB", SCREEN_DOWN },
		{ "b", SCREEN_PAGE_UP }, { "\033[5~", SCREEN_PAGE_UP },
		{ " ", SCREEN_PAGE_DOWN }, { "\033[6~", SCREEN_PAGE_DOWN },
		{ "g", SCREEN_TOP }, { "\033[H", SCREEN_TOP }, { "\033OH", SCREEN_TOP },
		{ "\033[1~", SCREEN_TOP }, { "\033[7~", SCREEN_TOP },
		{ "G", SCREEN_BOTTOM }, { "\033[F", SCREEN_BOTTOM }, { "\033OF", SCREEN_BOTTOM },
		{ "\033[4~", SCREEN_BOTTOM }, { "\033[8~", SCREEN_BOTTOM },
	};
	enum screen_key key = SCREEN_NONE;

	while (screen.bytes[0] != '\0' && key == SCREEN_NONE) {
		/* An unknown sequence of control ends with what was read. */
		size_t length = screen.bytes[0] == '\033' ? strlen(screen.bytes) : 1;

		for (size_t i = 0; i < ROWS(keys); i++) {
			if (strncmp(screen.bytes, keys[i].bytes, strlen(keys[i].bytes)) == 0) {
				length = strlen(keys[i].bytes);
				key = keys[i].key;
			}
		}
		memmove(screen.bytes, screen.bytes + length, strlen(screen.bytes + length) + 1);
	}
	return key;
}

/* False if the terminal is closed. */
static bool
keys_read(void)
{
	ssize_t n = read(STDIN_FILENO, screen.bytes, sizeof(screen.bytes) - 1);

	if (n > 0)
		screen.bytes[n] = '\0';
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

enum screen_key
screen_wait(int64_t until_ms)
{
	struct pollfd fd = { .fd = screen.has_keys ? STDIN_FILENO : -1, .events = POLLIN };

	for (;;) {
		int64_t left = until_ms - clock_steady_ms();
		struct timespec timeout = { .tv_sec = left / 1000,
			.tv_nsec = left % 1000 * 1000000 };
		enum screen_key key = key_take();

		if (key != SCREEN_NONE || left <= 0)
			return key;
		if (ppoll(&fd, 1, &timeout, &screen.waiting) > 0 && !keys_read())
			return SCREEN_QUIT;
		if (screen.changed) {
			screen.changed = 0;
			return SCREEN_RESIZED;
		}
	}
}
