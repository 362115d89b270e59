# The tests of "make check". A test that exits with 77 was skipped.

# -- unit tests: a program for each file tests/unit/test_NAME.c. A new test is one line here.

unit_tests = \
	tests/unit/test_address \
	tests/unit/test_agentx_notify \
	tests/unit/test_agentx_parts \
	tests/unit/test_agentx_requests \
	tests/unit/test_agentx_session \
	tests/unit/test_cache \
	tests/unit/test_cache_size \
	tests/unit/test_ctl \
	tests/unit/test_ctl_discover \
	tests/unit/test_ctl_import \
	tests/unit/test_ctl_ldirectord \
	tests/unit/test_ctl_load \
	tests/unit/test_ctl_settings \
	tests/unit/test_ctl_status \
	tests/unit/test_daemon_cpu \
	tests/unit/test_daemon_turn \
	tests/unit/test_dial \
	tests/unit/test_doctor \
	tests/unit/test_driver_tree \
	tests/unit/test_driver_worker \
	tests/unit/test_endpoint \
	tests/unit/test_file \
	tests/unit/test_haproxy_endpoint \
	tests/unit/test_haproxy_plan \
	tests/unit/test_haproxy_process \
	tests/unit/test_haproxy_text \
	tests/unit/test_hostile_names \
	tests/unit/test_hostile_pdus \
	tests/unit/test_hostile_values \
	tests/unit/test_idmap \
	tests/unit/test_inventory \
	tests/unit/test_lockfile \
	tests/unit/test_ipvs_answer \
	tests/unit/test_ipvs_message \
	tests/unit/test_ipvs_owned \
	tests/unit/test_ipvs_plan \
	tests/unit/test_ipvs_plane \
	tests/unit/test_ipvs_steps \
	tests/unit/test_log_limit \
	tests/unit/test_loop \
	tests/unit/test_mib_columns \
	tests/unit/test_mib_phases \
	tests/unit/test_mib_set \
	tests/unit/test_mib_walk \
	tests/unit/test_model \
	tests/unit/test_notify \
	tests/unit/test_params \
	tests/unit/test_phases \
	tests/unit/test_poller \
	tests/unit/test_reject \
	tests/unit/test_rules \
	tests/unit/test_status \
	tests/unit/test_store \
	tests/unit/test_store_changes \
	tests/unit/test_store_jobs \
	tests/unit/test_store_marks \
	tests/unit/test_store_instances \
	tests/unit/test_store_notes \
	tests/unit/test_store_invalid_rows \
	tests/unit/test_store_rows \
	tests/unit/test_store_run \
	tests/unit/test_store_schema \
	tests/unit/test_store_exclusive \
	tests/unit/test_store_set \
	tests/unit/test_store_services \
	tests/unit/test_store_draft \
	tests/unit/test_store_snapshot \
	tests/unit/test_store_undo \
	tests/unit/test_sync \
	tests/unit/test_syslog \
	tests/unit/test_tree_list \
	tests/unit/test_clock_step \
	tests/unit/test_checks \
	tests/unit/test_health \
	tests/unit/test_verdict \
	tests/unit/test_util

check_PROGRAMS += $(unit_tests)
# tests/unit/postgres runs this program: it needs a server.
check_PROGRAMS += tests/unit/test_postgres_schema
# The test of power cuts first: it takes minutes, and would run alone at the end.
TESTS += $(power_test) $(unit_tests)
EXTRA_DIST += tests/unit/in_range.h tests/unit/require.h

# The same programs against PostgreSQL.
TESTS += tests/unit/postgres
EXTRA_DIST += tests/unit/postgres tests/unit/sqlite_functions.sql

# Shared by several tests. A program gets only the objects that it refers to.
check_LIBRARIES = tests/unit/libfixtures.a
tests_unit_libfixtures_a_SOURCES = \
	tests/faults/disk.c tests/faults/disk.h \
	tests/faults/memory.c tests/faults/memory.h \
	tests/unit/agentx_pdu.c tests/unit/agentx_pdu.h \
	tests/unit/agentx_peer.c tests/unit/agentx_peer.h \
	tests/unit/ctl_fixture.c tests/unit/ctl_fixture.h \
	tests/unit/hostile.c tests/unit/hostile.h \
	tests/unit/cache_fixture.c tests/unit/cache_fixture.h \
	tests/unit/mib_oid.c tests/unit/mib_oid.h \
	tests/unit/mib_reference.c tests/unit/mib_reference.h \
	tests/unit/mib_world.c tests/unit/mib_world.h \
	tests/unit/phases_model.c tests/unit/phases_model.h \
	tests/unit/plan_fixture.c tests/unit/plan_fixture.h \
	tests/unit/postgres_fixture.c tests/unit/postgres_fixture.h \
	tests/unit/smi.c tests/unit/smi.h \
	tests/unit/store_fixture.c tests/unit/store_fixture.h \
	tests/unit/store_reader.c tests/unit/store_reader.h \
	tests/unit/store_set_fixture.c tests/unit/store_set_fixture.h

# The libraries of every program that names no other ones: all rooms. scripts/check-includes
# limits what a room may use.
LDADD = tests/unit/libfixtures.a $(DAEMON_LIBS) $(DRIVER_LIBS) $(CTL_LIBS) $(IPVS_LIBS) \
	$(CHECK_LIBS) $(CMOCKA_LIBS)

# Fixtures that replace functions of src/. They are not in the library above, because other
# programs need the functions of src/.
mib_fixture = tests/unit/mib_fixture.c tests/unit/mib_fixture.h tests/unit/steady_clock.c
mib_pdu = tests/unit/mib_pdu.c tests/unit/mib_pdu.h
tests_unit_test_mib_phases_SOURCES = tests/unit/test_mib_phases.c $(mib_pdu) $(mib_fixture)
tests_unit_test_mib_set_SOURCES = tests/unit/test_mib_set.c $(mib_pdu) $(mib_fixture)
tests_unit_test_mib_walk_SOURCES = tests/unit/test_mib_walk.c $(mib_fixture)
tests_unit_test_notify_SOURCES = tests/unit/test_notify.c $(mib_fixture)
# An AgentX master, and an engine that records requests in place of src/mib.
agentx_master = tests/unit/agentx_fake.c tests/unit/agentx_fake.h
agentx_fake = tests/unit/agentx_engine.c $(agentx_master)
tests_unit_test_agentx_notify_SOURCES = tests/unit/test_agentx_notify.c $(agentx_fake)
tests_unit_test_agentx_requests_SOURCES = tests/unit/test_agentx_requests.c $(agentx_fake)
tests_unit_test_agentx_session_SOURCES = tests/unit/test_agentx_session.c $(agentx_fake)
# The same master with the real engine and a store.
agentx_store = tests/unit/mib_fixture.c tests/unit/mib_fixture.h $(agentx_master)
agentx_real = tests/unit/agentx_real.c tests/unit/agentx_real.h $(mib_pdu) $(agentx_store)
tests_unit_test_hostile_names_SOURCES = tests/unit/test_hostile_names.c $(agentx_store)
tests_unit_test_hostile_pdus_SOURCES = tests/unit/test_hostile_pdus.c $(agentx_real)
tests_unit_test_hostile_values_SOURCES = tests/unit/test_hostile_values.c $(agentx_real)
tests_unit_test_phases_SOURCES = tests/unit/test_phases.c $(agentx_real)

# The schemas of both engines.
tests_unit_test_postgres_schema_SOURCES = tests/unit/test_postgres_schema.c \
	tests/unit/sqlite_schemas.c

# IPVS: a table of changes, and a kernel in memory in place of ipvs_socket.c.
ipvs_steps = tests/unit/ipvs_steps.c tests/unit/ipvs_steps.h
ipvs_fake = tests/unit/ipvs_fake.c tests/unit/ipvs_fake.h
tests_unit_test_ctl_discover_SOURCES = tests/unit/test_ctl_discover.c $(ipvs_steps) $(ipvs_fake)
tests_unit_test_ipvs_plane_SOURCES = tests/unit/test_ipvs_plane.c $(ipvs_fake)
tests_unit_test_ipvs_steps_SOURCES = tests/unit/test_ipvs_steps.c $(ipvs_steps) $(ipvs_fake)

# Functions that a test replaces: the linker calls __wrap_NAME() instead of NAME().
tests_unit_test_ctl_ldirectord_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo
tests_unit_test_ctl_load_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_snapshot
tests_unit_test_clock_step_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=clock_wall_s,--wrap=clock_steady_ms
tests_unit_test_checks_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_steady_ms
tests_unit_test_health_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_steady_ms
tests_unit_test_dial_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo
tests_unit_test_hostile_pdus_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=wire_decode
tests_unit_test_hostile_values_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=wire_decode
tests_unit_test_idmap_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc
tests_unit_test_reject_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=store_status,--wrap=store_status_text,--wrap=store_message_name
tests_unit_test_rules_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc
tests_unit_test_sync_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fsync
tests_unit_test_util_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reallocarray

# Memory that fails and a clock that a test moves, for the tests with store_fixture.h.
memory_fails_ldflags = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=reallocarray,--wrap=strdup
store_fixture_ldflags = $(AM_LDFLAGS) $(memory_fails_ldflags) -Wl,--wrap=clock_steady_ms
tests_unit_test_daemon_cpu_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=sched_getaffinity,--wrap=sched_setaffinity
tests_unit_test_daemon_turn_LDFLAGS = $(store_fixture_ldflags) \
	-Wl,--wrap=cache_refresh,--wrap=agentx_notifications_send,--wrap=loop_timer_set
tests_unit_test_cache_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_cache_size_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_tree_list_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_driver_tree_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_driver_worker_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_postgres_schema_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_changes_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_draft_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_jobs_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_marks_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_instances_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_notes_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_invalid_rows_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_rows_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_run_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_schema_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_exclusive_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_set_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_services_LDFLAGS = $(store_fixture_ldflags)
tests_unit_test_store_snapshot_LDFLAGS = $(store_fixture_ldflags) \
	-Wl,--wrap=sqlite3_backup_step,--wrap=sqlite3_step
tests_unit_test_store_undo_LDFLAGS = $(store_fixture_ldflags)

# -- integration tests: Python, through a real snmpd. Each test_*.py is a test; the modules that
# they share are only distributed.

TEST_EXTENSIONS = .py .test
PY_LOG_COMPILER = $(top_srcdir)/tests/integration/run

integration_tests = \
	tests/integration/test_access.py \
	tests/integration/test_agentx_perms.py \
	tests/integration/test_agentx_tcp.py \
	tests/integration/test_backup.py \
	tests/integration/test_bad_files.py \
	tests/integration/test_closed.py \
	tests/integration/test_checks.py \
	tests/integration/test_completion.py \
	tests/integration/test_confined.py \
	tests/integration/test_cpu.py \
	tests/integration/test_ctl.py \
	tests/integration/test_ctl_settings.py \
	tests/integration/test_daemon.py \
	tests/integration/test_damaged_statistics.py \
	tests/integration/test_doctor.py \
	tests/integration/test_faults.py \
	tests/integration/test_faults_driver.py \
	tests/integration/test_files.py \
	tests/integration/test_freshness.py \
	tests/integration/test_full_disk.py \
	tests/integration/test_haproxy.py \
	tests/integration/test_haproxy_fleet.py \
	tests/integration/test_haproxy_failures.py \
	tests/integration/test_haproxy_mute.py \
	tests/integration/test_haproxy_sockets.py \
	tests/integration/test_haproxy_states.py \
	tests/integration/test_haproxy_takeover.py \
	tests/integration/test_instances.py \
	tests/integration/test_integrations.py \
	tests/integration/test_left_out.py \
	tests/integration/test_limits.py \
	tests/integration/test_log.py \
	tests/integration/test_many.py \
	tests/integration/test_master.py \
	tests/integration/test_notify.py \
	tests/integration/test_postgresql.py \
	tests/integration/test_restarts.py \
	tests/integration/test_set.py \
	tests/integration/test_set_services.py \
	tests/integration/test_slow_disk.py \
	tests/integration/test_status.py \
	tests/integration/test_store_command.py \
	tests/integration/test_unattended.py \
	tests/integration/test_views.py \
	tests/integration/test_walk.py \
	tests/integration/test_watchdog.py

TESTS += $(integration_tests)
EXTRA_DIST += $(integration_tests) \
	tests/integration/agentx.py \
	tests/integration/damage.py \
	tests/integration/dns.py \
	tests/integration/driver_case.py \
	tests/integration/fixture-late.conf \
	tests/integration/fixture.conf \
	tests/integration/fixture.golden \
	tests/integration/fleet_fixture.py \
	tests/integration/haproxy.py \
	tests/integration/harness.py \
	tests/integration/watchdog.py \
	tests/integration/mib.py \
	tests/integration/mounts.py \
	tests/integration/needs \
	tests/integration/postgres.py \
	tests/integration/proxy.py \
	tests/integration/run \
	tests/integration/snmp.py \
	tests/integration/traps.py

# Libraries for LD_PRELOAD: a slow disk, and a wall clock that a test sets. They have no flags of
# sanitizers, because the library of a sanitizer must be loaded first.
check_PROGRAMS += tests/integration/slow_disk.so
tests_integration_slow_disk_so_SOURCES = tests/integration/slow_disk.c
tests_integration_slow_disk_so_CFLAGS = -fPIC -Wall -Wextra
tests_integration_slow_disk_so_LDFLAGS = -shared
tests_integration_slow_disk_so_LDADD =
check_PROGRAMS += tests/integration/set_clock.so
tests_integration_set_clock_so_SOURCES = tests/integration/set_clock.c
tests_integration_set_clock_so_CFLAGS = -fPIC -Wall -Wextra
tests_integration_set_clock_so_LDFLAGS = -shared
tests_integration_set_clock_so_LDADD =

# -- lbclusterctl as a user runs it

TESTS += tests/ctl.test
EXTRA_DIST += tests/ctl.test

# -- the tree itself

TESTS += scripts/check-includes scripts/lint-commands scripts/lint-lines scripts/lint-man \
	scripts/lint-mib scripts/lint-promises scripts/lint-units

# -- the environment of a test, with absolute paths. Tests run in the build directory; the source
# directory may be read-only.

AM_TESTS_ENVIRONMENT = \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	PATH="$$PATH:/usr/sbin:/sbin"; export PATH; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS-print_stacktrace=1}"; export UBSAN_OPTIONS;
