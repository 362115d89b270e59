-- The lbcluster.db that lbcluster 0.1.0 made: sample.conf, two jobs, statistics.
PRAGMA user_version = 3;
PRAGMA application_id = 1818387249;
PRAGMA journal_mode = delete;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  birth INTEGER NOT NULL,
  change INTEGER NOT NULL DEFAULT 0,
  removed_oldest INTEGER NOT NULL DEFAULT 0,
  config_changes INTEGER NOT NULL DEFAULT 0,
  config_last_change INTEGER NOT NULL DEFAULT 0,
  table_last_change INTEGER NOT NULL DEFAULT 0,
  job_rows INTEGER NOT NULL DEFAULT 0,
  jobs_open INTEGER NOT NULL DEFAULT 0,
  jobs_succeeded INTEGER NOT NULL DEFAULT 0,
  jobs_failed INTEGER NOT NULL DEFAULT 0,
  jobs_bumped INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO store VALUES(1,77609182653258077,23,0,2,1796043579,1796043579,2,0,2,0,0);
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO setting VALUES('job_max_rows',1000);
INSERT INTO setting VALUES('set_lock',0);
CREATE TABLE cluster (
  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 2147483647),
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(name AS BLOB)) = length(name)),
  plane TEXT NOT NULL DEFAULT 'none' CHECK (plane IN ('none', 'haproxy', 'ipvs')),
  plane_params TEXT NOT NULL DEFAULT '{}'
    CHECK (length(CAST(plane_params AS BLOB)) <= 2000),
  plane_status INTEGER NOT NULL DEFAULT 1 CHECK (plane_status BETWEEN 1 AND 4),
  plane_message TEXT NOT NULL DEFAULT '' CHECK (length(CAST(plane_message AS BLOB)) <= 255),
  changed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO cluster VALUES(1,'web','none','{}',1,'',1);
INSERT INTO cluster VALUES(2,'mail','none','{}',1,'',10);
CREATE TABLE service (
  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 2147483647),
  cluster_id INTEGER NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(name AS BLOB)) = length(name)),
  address TEXT NOT NULL DEFAULT '' CHECK (length(CAST(address AS BLOB)) <= 240),
  port TEXT NOT NULL DEFAULT '' CHECK (length(CAST(port AS BLOB)) <= 8),
  protocol INTEGER NOT NULL DEFAULT 2 CHECK (protocol BETWEEN 1 AND 4),
  changed INTEGER NOT NULL DEFAULT 0,
  UNIQUE (cluster_id, name)
) STRICT;
INSERT INTO service VALUES(1,1,'http','192.0.2.10','80',2,2);
INSERT INTO service VALUES(2,1,'https','2001:db8::10','443',2,7);
INSERT INTO service VALUES(3,2,'smtp','192.0.2.25','25',2,11);
INSERT INTO service VALUES(4,2,'dns','192.0.2.53','53',3,14);
CREATE TABLE real_service (
  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 2147483647),
  service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(name AS BLOB)) = length(name)),
  address TEXT NOT NULL DEFAULT '' CHECK (length(CAST(address AS BLOB)) <= 240),
  port TEXT NOT NULL DEFAULT '' CHECK (length(CAST(port AS BLOB)) <= 8),
  weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 65535),
  fallback INTEGER NOT NULL DEFAULT 0 CHECK (fallback IN (0, 1)),
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  reason TEXT NOT NULL DEFAULT '' CHECK (length(CAST(reason AS BLOB)) <= 255),
  last_change INTEGER NOT NULL DEFAULT 0,
  last_job INTEGER NOT NULL DEFAULT 0 CHECK (last_job BETWEEN 0 AND 2147483647),
  changed INTEGER NOT NULL DEFAULT 0,
  UNIQUE (service_id, name)
) STRICT;
INSERT INTO real_service VALUES(1,1,'web-1','10.0.0.1','80',10,0,0,'',1796043579,2,22);
INSERT INTO real_service VALUES(2,1,'web-2','10.0.0.2','80',7,0,1,'',1796043579,1,18);
INSERT INTO real_service VALUES(3,1,'web-3','10.0.0.3','80',5,0,1,'',0,0,5);
INSERT INTO real_service VALUES(4,1,'sorry','2001:db8::9','80',1,1,1,'',0,0,6);
INSERT INTO real_service VALUES(5,2,'web-1','2001:db8::1','443',10,0,1,'',0,0,8);
INSERT INTO real_service VALUES(6,2,'web-2','2001:db8::2','443',0,0,1,'',0,0,9);
INSERT INTO real_service VALUES(7,3,'mx-1','10.0.1.1','25',20,0,1,'',0,0,12);
INSERT INTO real_service VALUES(8,3,'mx-2','10.0.1.2','25',20,0,0,'',0,0,13);
INSERT INTO real_service VALUES(9,4,'ns-1','10.0.1.53','53',1,0,1,'',0,0,15);
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 2147483647),
  real_id INTEGER REFERENCES real_service (id) ON DELETE SET NULL,
  operation INTEGER NOT NULL CHECK (operation BETWEEN 1 AND 5),
  state INTEGER NOT NULL DEFAULT 1 CHECK (state BETWEEN 0 AND 6),
  fail_cause INTEGER NOT NULL DEFAULT 1 CHECK (fail_cause BETWEEN 1 AND 6),
  source INTEGER NOT NULL DEFAULT 1 CHECK (source BETWEEN 1 AND 3),
  old_value INTEGER NOT NULL CHECK (old_value BETWEEN 0 AND 65535),
  new_value INTEGER NOT NULL CHECK (new_value BETWEEN 0 AND 65535),
  request INTEGER NOT NULL DEFAULT 0 CHECK (request BETWEEN 0 AND 2147483647),
  token INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL DEFAULT (unixepoch()),
  started INTEGER NOT NULL DEFAULT 0,
  finished INTEGER NOT NULL DEFAULT 0,
  cluster_name TEXT NOT NULL,
  service_name TEXT NOT NULL,
  real_name TEXT NOT NULL,
  message TEXT NOT NULL DEFAULT '' CHECK (length(CAST(message AS BLOB)) <= 255),
  changed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO job VALUES(1,2,5,3,1,3,10,7,0,542099936247706428,1796043579,1796043579,1796043579,'web','http','web-2','recorded: the cluster has no data plane',19);
INSERT INTO job VALUES(2,1,2,3,1,3,1,0,0,-5279710864685965510,1796043579,1796043579,1796043579,'web','http','web-1','recorded: the cluster has no data plane',23);
CREATE TABLE removed (
  changed INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
  id INTEGER NOT NULL
) STRICT;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('cluster',2);
INSERT INTO sqlite_sequence VALUES('service',4);
INSERT INTO sqlite_sequence VALUES('real_service',9);
INSERT INTO sqlite_sequence VALUES('job',2);
CREATE INDEX cluster_changed ON cluster (changed);
CREATE INDEX service_changed ON service (changed);
CREATE INDEX real_service_changed ON real_service (changed);
CREATE UNIQUE INDEX real_service_fallback ON real_service (service_id)
  WHERE fallback = 1;
CREATE INDEX job_changed ON job (changed);
CREATE INDEX job_real ON job (real_id);
CREATE INDEX job_open ON job (state, id) WHERE state < 3;
CREATE TRIGGER cluster_insert AFTER INSERT ON cluster BEGIN
UPDATE store SET change = change + 1, table_last_change = unixepoch();
UPDATE cluster SET changed = (SELECT change FROM store) WHERE id = NEW.id;
END;
CREATE TRIGGER cluster_update AFTER UPDATE OF name, plane, plane_params,
  plane_status, plane_message ON cluster
WHEN OLD.name IS NOT NEW.name OR OLD.plane IS NOT NEW.plane
  OR OLD.plane_params IS NOT NEW.plane_params
  OR OLD.plane_status IS NOT NEW.plane_status
  OR OLD.plane_message IS NOT NEW.plane_message
BEGIN
UPDATE store SET change = change + 1, table_last_change = iif(OLD.name IS NEW.name, table_last_change, unixepoch());
UPDATE cluster SET changed = (SELECT change FROM store) WHERE id = NEW.id;
END;
CREATE TRIGGER cluster_delete AFTER DELETE ON cluster BEGIN
UPDATE store SET change = change + 1, table_last_change = unixepoch();
INSERT INTO removed SELECT change, 1, OLD.id FROM store;
END;
CREATE TRIGGER service_insert AFTER INSERT ON service BEGIN
UPDATE store SET change = change + 1, table_last_change = unixepoch();
UPDATE service SET changed = (SELECT change FROM store) WHERE id = NEW.id;
END;
CREATE TRIGGER service_update AFTER UPDATE OF name, address, port, protocol
  ON service
WHEN OLD.name IS NOT NEW.name OR OLD.address IS NOT NEW.address
  OR OLD.port IS NOT NEW.port OR OLD.protocol IS NOT NEW.protocol
BEGIN
UPDATE store SET change = change + 1, table_last_change = iif(OLD.name IS NEW.name, table_last_change, unixepoch());
UPDATE service SET changed = (SELECT change FROM store) WHERE id = NEW.id;
END;
CREATE TRIGGER service_stays BEFORE UPDATE OF id, cluster_id ON service
WHEN OLD.id IS NOT NEW.id OR OLD.cluster_id IS NOT NEW.cluster_id
BEGIN SELECT RAISE(ABORT, 'a service does not move: remove it and add it'); END;
CREATE TRIGGER service_delete AFTER DELETE ON service BEGIN
UPDATE store SET change = change + 1, table_last_change = unixepoch();
INSERT INTO removed SELECT change, 2, OLD.id FROM store;
END;
CREATE TRIGGER real_service_insert AFTER INSERT ON real_service BEGIN
UPDATE store SET change = change + 1, table_last_change = unixepoch();
UPDATE real_service SET changed = (SELECT change FROM store) WHERE id = NEW.id;
END;
CREATE TRIGGER real_service_update AFTER UPDATE OF name, address, port, reason,
  last_job ON real_service
WHEN OLD.name IS NOT NEW.name OR OLD.address IS NOT NEW.address
  OR OLD.port IS NOT NEW.port OR OLD.reason IS NOT NEW.reason
  OR OLD.last_job IS NOT NEW.last_job
BEGIN
UPDATE store SET change = change + 1, table_last_change = iif(OLD.name IS NEW.name, table_last_change, unixepoch());
UPDATE real_service SET changed = (SELECT change FROM store) WHERE id = NEW.id;
END;
CREATE TRIGGER real_service_setting AFTER UPDATE OF weight, fallback, enabled
  ON real_service
WHEN OLD.weight IS NOT NEW.weight OR OLD.fallback IS NOT NEW.fallback
  OR OLD.enabled IS NOT NEW.enabled
BEGIN
UPDATE store SET change = change + 1, config_changes = config_changes + (OLD.weight IS NOT NEW.weight)
  + (OLD.fallback IS NOT NEW.fallback) + (OLD.enabled IS NOT NEW.enabled),
  config_last_change = unixepoch();
UPDATE real_service SET changed = (SELECT change FROM store),
  last_change = unixepoch() WHERE id = NEW.id;
END;
CREATE TRIGGER real_service_stays BEFORE UPDATE OF id, service_id ON real_service
WHEN OLD.id IS NOT NEW.id OR OLD.service_id IS NOT NEW.service_id
BEGIN
SELECT RAISE(ABORT, 'a real service does not move: remove it and add it');
END;
CREATE TRIGGER real_service_delete AFTER DELETE ON real_service BEGIN
UPDATE store SET change = change + 1, table_last_change = unixepoch();
INSERT INTO removed SELECT change, 3, OLD.id FROM store;
END;
CREATE TRIGGER job_insert AFTER INSERT ON job BEGIN
UPDATE store SET change = change + 1, job_rows = job_rows + 1, jobs_open = jobs_open + (NEW.state < 3),
  jobs_succeeded = jobs_succeeded + (NEW.state = 3),
  jobs_failed = jobs_failed + (NEW.state = 4);
UPDATE job SET changed = (SELECT change FROM store) WHERE id = NEW.id;
UPDATE real_service SET last_job = NEW.id WHERE id = NEW.real_id;
END;
CREATE TRIGGER job_update AFTER UPDATE OF real_id, state, fail_cause, request,
  started, finished, message ON job BEGIN
UPDATE store SET change = change + 1, jobs_open = jobs_open + (NEW.state < 3) - (OLD.state < 3),
  jobs_succeeded = jobs_succeeded + (NEW.state = 3 AND OLD.state <> 3),
  jobs_failed = jobs_failed + (NEW.state = 4 AND OLD.state <> 4);
UPDATE job SET changed = (SELECT change FROM store) WHERE id = NEW.id;
END;
CREATE TRIGGER job_ended BEFORE UPDATE OF state ON job
WHEN OLD.state >= 3 AND NEW.state IS NOT OLD.state
BEGIN SELECT RAISE(ABORT, 'the job has ended already'); END;
CREATE TRIGGER job_delete AFTER DELETE ON job BEGIN
UPDATE store SET change = change + 1, job_rows = job_rows - 1, jobs_open = jobs_open - (OLD.state < 3),
  jobs_bumped = jobs_bumped + 1;
INSERT INTO removed SELECT change, 4, OLD.id FROM store;
END;
CREATE TRIGGER cluster_children BEFORE DELETE ON cluster BEGIN
DELETE FROM service WHERE cluster_id = OLD.id;
END;
CREATE TRIGGER service_children BEFORE DELETE ON service BEGIN
DELETE FROM real_service WHERE service_id = OLD.id;
END;
CREATE TRIGGER service_parent BEFORE INSERT ON service
WHEN NOT EXISTS (SELECT 1 FROM cluster WHERE id = NEW.cluster_id)
BEGIN SELECT RAISE(ABORT, 'no such cluster'); END;
CREATE TRIGGER real_service_parent BEFORE INSERT ON real_service
WHEN NOT EXISTS (SELECT 1 FROM service WHERE id = NEW.service_id)
BEGIN SELECT RAISE(ABORT, 'no such service'); END;
CREATE TRIGGER job_parent BEFORE INSERT ON job WHEN NEW.real_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM real_service WHERE id = NEW.real_id)
BEGIN SELECT RAISE(ABORT, 'no such real service'); END;
CREATE TRIGGER real_service_jobs BEFORE DELETE ON real_service
WHEN EXISTS (SELECT 1 FROM job WHERE real_id = OLD.id) BEGIN
UPDATE job SET state = 5, finished = unixepoch(), message = 'real service removed'
  WHERE real_id = OLD.id AND state < 3;
UPDATE job SET real_id = NULL WHERE real_id = OLD.id;
END;
CREATE TRIGGER removed_prune AFTER INSERT ON removed
WHEN (SELECT min(changed) FROM removed) < NEW.changed - 200000 BEGIN
UPDATE store SET removed_oldest = (SELECT max(changed) FROM removed
  WHERE changed < NEW.changed - 195000);
DELETE FROM removed WHERE changed < NEW.changed - 195000;
END;
CREATE TRIGGER job_names BEFORE INSERT ON job
WHEN NOT (length(NEW.cluster_name) BETWEEN 1 AND 64 AND NEW.cluster_name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(NEW.cluster_name AS BLOB)) = length(NEW.cluster_name)
  AND length(NEW.service_name) BETWEEN 1 AND 64 AND NEW.service_name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(NEW.service_name AS BLOB)) = length(NEW.service_name)
  AND length(NEW.real_name) BETWEEN 1 AND 64 AND NEW.real_name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(NEW.real_name AS BLOB)) = length(NEW.real_name)) BEGIN
SELECT RAISE(ABORT, 'a name has 1 to 64 of A-Z a-z 0-9 - . _');
END;
CREATE TRIGGER job_renamed BEFORE UPDATE OF cluster_name, service_name, real_name ON job
WHEN NOT (length(NEW.cluster_name) BETWEEN 1 AND 64 AND NEW.cluster_name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(NEW.cluster_name AS BLOB)) = length(NEW.cluster_name)
  AND length(NEW.service_name) BETWEEN 1 AND 64 AND NEW.service_name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(NEW.service_name AS BLOB)) = length(NEW.service_name)
  AND length(NEW.real_name) BETWEEN 1 AND 64 AND NEW.real_name NOT GLOB '*[^A-Za-z0-9._-]*' AND length(CAST(NEW.real_name AS BLOB)) = length(NEW.real_name)) BEGIN
SELECT RAISE(ABORT, 'a name has 1 to 64 of A-Z a-z 0-9 - . _');
END;
COMMIT;
