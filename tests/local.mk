# The tests of "make check". 77 as exit status is a skipped test.

# -- unit tests: cmocka, a program each of tests/unit/NAME.c, linked with the room
# it tests. A new one is two lines; a third, tests_unit_NAME_SOURCES, where it has more
# than one source.

unit_tests =

unit_tests += tests/unit/test_idmap
tests_unit_test_idmap_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_idmap_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc

unit_tests += tests/unit/test_file
tests_unit_test_file_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_sync
tests_unit_test_sync_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_sync_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fsync

unit_tests += tests/unit/test_endpoint
tests_unit_test_endpoint_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_dial
tests_unit_test_dial_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_dial_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo

unit_tests += tests/unit/test_lockfile
tests_unit_test_lockfile_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_log_limit
tests_unit_test_log_limit_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_loop
tests_unit_test_loop_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_wait
tests_unit_test_wait_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_syslog
tests_unit_test_syslog_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_util
tests_unit_test_util_LDADD = $(UTIL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_util_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reallocarray

unit_tests += tests/unit/test_address
tests_unit_test_address_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_model
tests_unit_test_model_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_rules
tests_unit_test_rules_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_rules_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc

unit_tests += tests/unit/test_status
tests_unit_test_status_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)

# A store in a directory of its own, other processes beside it, memory and disks that
# fail, a clock that can be moved.
memory_fails = tests/faults/memory.c tests/faults/memory.h
memory_fails_ldflags = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=reallocarray,--wrap=strdup
store_fixture = tests/unit/store_fixture.c tests/unit/store_fixture.h \
	tests/faults/disk.c tests/faults/disk.h $(memory_fails)
store_fixture_libs = $(IMAGE_LIBS) $(CMOCKA_LIBS)
store_fixture_ldflags = $(AM_LDFLAGS) $(memory_fails_ldflags) -Wl,--wrap=clock_steady_ms

unit_tests += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(store_fixture)
tests_unit_test_store_LDADD = $(store_fixture_libs)
tests_unit_test_store_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_run
tests_unit_test_store_run_SOURCES = tests/unit/test_store_run.c $(store_fixture)
tests_unit_test_store_run_LDADD = $(store_fixture_libs)
tests_unit_test_store_run_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_schema
tests_unit_test_store_schema_SOURCES = tests/unit/test_store_schema.c $(store_fixture)
tests_unit_test_store_schema_LDADD = $(store_fixture_libs)
tests_unit_test_store_schema_LDFLAGS = $(store_fixture_ldflags)

# Two clusters, and SETs.
store_set_world = tests/unit/store_set_world.c tests/unit/store_set_world.h $(store_fixture)

unit_tests += tests/unit/test_store_set
tests_unit_test_store_set_SOURCES = tests/unit/test_store_set.c $(store_set_world)
tests_unit_test_store_set_LDADD = $(store_fixture_libs)
tests_unit_test_store_set_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_jobs
tests_unit_test_store_jobs_SOURCES = tests/unit/test_store_jobs.c $(store_set_world)
tests_unit_test_store_jobs_LDADD = $(store_fixture_libs)
tests_unit_test_store_jobs_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_snapshot
tests_unit_test_store_snapshot_SOURCES = tests/unit/test_store_snapshot.c $(store_fixture)
tests_unit_test_store_snapshot_LDADD = $(store_fixture_libs)
tests_unit_test_store_snapshot_LDFLAGS = $(store_fixture_ldflags) -Wl,--wrap=sqlite3_backup_step

unit_tests += tests/unit/test_store_serve
tests_unit_test_store_serve_SOURCES = tests/unit/test_store_serve.c $(store_fixture)
tests_unit_test_store_serve_LDADD = $(store_fixture_libs)
tests_unit_test_store_serve_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_undo
tests_unit_test_store_undo_SOURCES = tests/unit/test_store_undo.c $(store_set_world)
tests_unit_test_store_undo_LDADD = $(store_fixture_libs)
tests_unit_test_store_undo_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_notes
tests_unit_test_store_notes_SOURCES = tests/unit/test_store_notes.c $(store_set_world)
tests_unit_test_store_notes_LDADD = $(store_fixture_libs)
tests_unit_test_store_notes_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_marks
tests_unit_test_store_marks_SOURCES = tests/unit/test_store_marks.c $(store_fixture)
tests_unit_test_store_marks_LDADD = $(store_fixture_libs)
tests_unit_test_store_marks_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_odd
tests_unit_test_store_odd_SOURCES = tests/unit/test_store_odd.c $(store_fixture)
tests_unit_test_store_odd_LDADD = $(store_fixture_libs)
tests_unit_test_store_odd_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_changes
tests_unit_test_store_changes_SOURCES = tests/unit/test_store_changes.c $(store_fixture) \
	tests/unit/store_picture.c tests/unit/store_picture.h
tests_unit_test_store_changes_LDADD = $(store_fixture_libs)
tests_unit_test_store_changes_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_store_rows
tests_unit_test_store_rows_SOURCES = tests/unit/test_store_rows.c $(store_fixture) \
	tests/unit/store_picture.c tests/unit/store_picture.h
tests_unit_test_store_rows_LDADD = $(store_fixture_libs)
tests_unit_test_store_rows_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_list
tests_unit_test_list_SOURCES = tests/unit/test_list.c $(store_fixture)
tests_unit_test_list_LDADD = $(store_fixture_libs)
tests_unit_test_list_LDFLAGS = $(store_fixture_ldflags)

# A small world, and what is true of it.
image_world = tests/unit/image_world.c tests/unit/image_world.h $(store_fixture)

unit_tests += tests/unit/test_image
tests_unit_test_image_SOURCES = tests/unit/test_image.c $(image_world)
tests_unit_test_image_LDADD = $(store_fixture_libs)
tests_unit_test_image_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_image_size
tests_unit_test_image_size_SOURCES = tests/unit/test_image_size.c $(image_world)
tests_unit_test_image_size_LDADD = $(store_fixture_libs)
tests_unit_test_image_size_LDFLAGS = $(store_fixture_ldflags)

unit_tests += tests/unit/test_mib_columns
tests_unit_test_mib_columns_SOURCES = tests/unit/test_mib_columns.c \
	tests/unit/smi.c tests/unit/smi.h
tests_unit_test_mib_columns_LDADD = $(MIB_LIBS) $(CMOCKA_LIBS)

# A store filled with plain SQL, and an engine over it. Its fsync(2) and clock stand in
# for the C library's and ours.
mib_oid = tests/unit/mib_oid.c tests/unit/mib_oid.h
mib_store = tests/unit/mib_fixture.c tests/unit/mib_fixture.h $(mib_oid)
mib_fixture = $(mib_store) tests/unit/steady_clock.c
mib_fixture_libs = $(MIB_LIBS) $(SQLITE_LIBS)

# A world with something of everything, and what is to be read of it.
mib_world = tests/unit/mib_world.c tests/unit/mib_world.h \
	tests/unit/mib_reference.c tests/unit/mib_reference.h

unit_tests += tests/unit/test_mib_walk
tests_unit_test_mib_walk_SOURCES = tests/unit/test_mib_walk.c $(mib_world) $(mib_fixture)
tests_unit_test_mib_walk_LDADD = $(mib_fixture_libs) $(CMOCKA_LIBS)

# SETs as texts.
mib_pdu = tests/unit/mib_pdu.c tests/unit/mib_pdu.h

unit_tests += tests/unit/test_mib_set
tests_unit_test_mib_set_SOURCES = tests/unit/test_mib_set.c $(mib_pdu) $(mib_fixture)
tests_unit_test_mib_set_LDADD = $(mib_fixture_libs) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_mib_phases
tests_unit_test_mib_phases_SOURCES = tests/unit/test_mib_phases.c $(mib_pdu) $(mib_fixture)
tests_unit_test_mib_phases_LDADD = $(mib_fixture_libs) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_reject
tests_unit_test_reject_LDADD = $(MIB_LIBS) $(CMOCKA_LIBS)
tests_unit_test_reject_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_status,--wrap=store_status_text

unit_tests += tests/unit/test_notify
tests_unit_test_notify_SOURCES = tests/unit/test_notify.c $(mib_fixture)
tests_unit_test_notify_LDADD = $(mib_fixture_libs) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_agentx_parts
tests_unit_test_agentx_parts_LDADD = $(AGENTX_LIBS) $(CMOCKA_LIBS)

# A master made by hand, and an engine that only notes what it is asked.
agentx_pdu = tests/unit/agentx_pdu.c tests/unit/agentx_pdu.h tests/unit/must.h
agentx_master = tests/unit/agentx_fake.c tests/unit/agentx_fake.h $(agentx_pdu)
agentx_fake = tests/unit/agentx_engine.c $(agentx_master)

unit_tests += tests/unit/test_agentx_notify
tests_unit_test_agentx_notify_SOURCES = tests/unit/test_agentx_notify.c $(agentx_fake)
tests_unit_test_agentx_notify_LDADD = $(AGENTX_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_agentx_requests
tests_unit_test_agentx_requests_SOURCES = tests/unit/test_agentx_requests.c $(agentx_fake)
tests_unit_test_agentx_requests_LDADD = $(AGENTX_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_agentx_session
tests_unit_test_agentx_session_SOURCES = tests/unit/test_agentx_session.c $(agentx_fake)
tests_unit_test_agentx_session_LDADD = $(AGENTX_LIBS) $(CMOCKA_LIBS)

# The same master, and all of the real subagent behind its socket: session, engine, store.
agentx_store = $(agentx_master) $(mib_store)
agentx_real = tests/unit/agentx_real.c tests/unit/agentx_real.h $(agentx_store) $(mib_pdu)
agentx_real_libs = $(AGENTX_LIBS) $(SQLITE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_hostile_names
tests_unit_test_hostile_names_SOURCES = tests/unit/test_hostile_names.c $(agentx_store) \
	$(mib_world)
tests_unit_test_hostile_names_LDADD = $(agentx_real_libs)

# Messages are decoded from blocks of their own size.
hostile = tests/unit/hostile.c tests/unit/hostile.h $(agentx_real)
hostile_ldflags = $(AM_LDFLAGS) -Wl,--wrap=wire_decode

unit_tests += tests/unit/test_hostile_pdus
tests_unit_test_hostile_pdus_SOURCES = tests/unit/test_hostile_pdus.c $(hostile)
tests_unit_test_hostile_pdus_LDADD = $(agentx_real_libs)
tests_unit_test_hostile_pdus_LDFLAGS = $(hostile_ldflags)

unit_tests += tests/unit/test_hostile_values
tests_unit_test_hostile_values_SOURCES = tests/unit/test_hostile_values.c $(hostile)
tests_unit_test_hostile_values_LDADD = $(agentx_real_libs)
tests_unit_test_hostile_values_LDFLAGS = $(hostile_ldflags)

unit_tests += tests/unit/test_phases
tests_unit_test_phases_SOURCES = tests/unit/test_phases.c tests/unit/phases_model.c \
	tests/unit/phases_model.h $(agentx_real)
tests_unit_test_phases_LDADD = $(agentx_real_libs)

unit_tests += tests/unit/test_daemon_turn
tests_unit_test_daemon_turn_SOURCES = tests/unit/test_daemon_turn.c $(store_fixture)
tests_unit_test_daemon_turn_LDADD = $(DAEMON_LIBS) $(SQLITE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_daemon_turn_LDFLAGS = $(store_fixture_ldflags) -Wl,--wrap=image_refresh \
	-Wl,--wrap=agentx_notifications_send

unit_tests += tests/unit/test_doctor
tests_unit_test_doctor_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_inventory
tests_unit_test_inventory_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

# A store of their own, and the program on it.
ctl_world = tests/unit/ctl_world.c tests/unit/ctl_world.h

unit_tests += tests/unit/test_ctl
tests_unit_test_ctl_SOURCES = tests/unit/test_ctl.c $(ctl_world)
tests_unit_test_ctl_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_ctl_import
tests_unit_test_ctl_import_SOURCES = tests/unit/test_ctl_import.c $(ctl_world)
tests_unit_test_ctl_import_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_ctl_load
tests_unit_test_ctl_load_SOURCES = tests/unit/test_ctl_load.c $(ctl_world)
tests_unit_test_ctl_load_LDADD = $(CTL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_ctl_load_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_snapshot

unit_tests += tests/unit/test_haproxy_endpoint
tests_unit_test_haproxy_endpoint_LDADD = $(HAPROXY_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_haproxy_process
tests_unit_test_haproxy_process_LDADD = $(HAPROXY_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_haproxy_text
tests_unit_test_haproxy_text_LDADD = $(HAPROXY_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_haproxy_plan
tests_unit_test_haproxy_plan_LDADD = src/plane/haproxy/libhaproxy.a $(DRIVER_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_mirror
tests_unit_test_mirror_SOURCES = tests/unit/test_mirror.c $(store_set_world)
tests_unit_test_mirror_LDADD = $(DRIVER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_mirror_LDFLAGS = $(store_fixture_ldflags)

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
EXTRA_DIST += tests/unit/in_range.h

# -- integration tests: Python, through a real snmpd. Each test_*.py is a test; what
# they share is only distributed.

TEST_EXTENSIONS = .py .test
PY_LOG_COMPILER = $(top_srcdir)/tests/integration/run

integration_tests = \
	tests/integration/test_access.py \
	tests/integration/test_agentx_perms.py \
	tests/integration/test_agentx_tcp.py \
	tests/integration/test_backup.py \
	tests/integration/test_bad_files.py \
	tests/integration/test_closed.py \
	tests/integration/test_confined.py \
	tests/integration/test_ctl.py \
	tests/integration/test_daemon.py \
	tests/integration/test_doctor.py \
	tests/integration/test_faults.py \
	tests/integration/test_faults_driver.py \
	tests/integration/test_files.py \
	tests/integration/test_freshness.py \
	tests/integration/test_full_disk.py \
	tests/integration/test_haproxy.py \
	tests/integration/test_haproxy_fleet.py \
	tests/integration/test_haproxy_ill.py \
	tests/integration/test_haproxy_sockets.py \
	tests/integration/test_haproxy_states.py \
	tests/integration/test_haproxy_takeover.py \
	tests/integration/test_left_out.py \
	tests/integration/test_limits.py \
	tests/integration/test_log.py \
	tests/integration/test_many.py \
	tests/integration/test_master.py \
	tests/integration/test_notify.py \
	tests/integration/test_restarts.py \
	tests/integration/test_set.py \
	tests/integration/test_slow_disk.py \
	tests/integration/test_unattended.py \
	tests/integration/test_walk.py \
	tests/integration/test_watchdog.py

TESTS += $(integration_tests)
EXTRA_DIST += $(integration_tests) \
	tests/integration/agentx.py \
	tests/integration/dns.py \
	tests/integration/fixture-late.conf \
	tests/integration/fixture.conf \
	tests/integration/fixture.golden \
	tests/integration/haproxy.py \
	tests/integration/harness.py \
	tests/integration/heart.py \
	tests/integration/mib.py \
	tests/integration/mounts.py \
	tests/integration/needs \
	tests/integration/run \
	tests/integration/snmp.py \
	tests/integration/traps.py

# A disk that takes its time, as a library to put in front of the C library; without
# the flags of sanitizers, which want to be in front of it.
check_PROGRAMS += tests/integration/slow_disk.so
tests_integration_slow_disk_so_SOURCES = tests/integration/slow_disk.c
tests_integration_slow_disk_so_CFLAGS = -fPIC -Wall -Wextra
tests_integration_slow_disk_so_LDFLAGS = -shared

# -- lbclusterctl run for real

TESTS += tests/ctl.test
EXTRA_DIST += tests/ctl.test

# -- the tree itself

TESTS += scripts/check-includes scripts/lint-lines scripts/lint-man scripts/lint-mib \
	scripts/lint-promises scripts/lint-units

# -- what a test finds in its environment, all absolute. Tests run in the build
# directory; the source directory may be read-only.

AM_TESTS_ENVIRONMENT = \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	PATH="$$PATH:/usr/sbin:/sbin"; export PATH; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS-print_stacktrace=1}"; export UBSAN_OPTIONS;
