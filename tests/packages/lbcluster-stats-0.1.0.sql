-- The lbcluster-stats.db that lbcluster 0.1.0 made: sample.conf, two jobs, statistics.
PRAGMA user_version = 2;
PRAGMA application_id = 1818391345;
PRAGMA journal_mode = wal;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  birth INTEGER NOT NULL,
  change INTEGER NOT NULL DEFAULT 0
, removed_oldest INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO store VALUES(1,6486161588235938116,7,0);
CREATE TABLE statistics (
  real_id INTEGER PRIMARY KEY CHECK (real_id BETWEEN 1 AND 2147483647),
  active INTEGER CHECK (active IN (0, 1)),
  active_connections INTEGER CHECK (active_connections >= 0),
  inactive_connections INTEGER CHECK (inactive_connections >= 0),
  persistent_connections INTEGER CHECK (persistent_connections >= 0),
  connections_per_second INTEGER CHECK (connections_per_second >= 0),
  bps_in INTEGER CHECK (bps_in >= 0),
  bps_out INTEGER CHECK (bps_out >= 0),
  pps_in INTEGER CHECK (pps_in >= 0),
  pps_out INTEGER CHECK (pps_out >= 0),
  last_update INTEGER NOT NULL DEFAULT (unixepoch()) CHECK (last_update >= 0),
  total_connections INTEGER CHECK (total_connections >= 0),
  total_packets_in INTEGER CHECK (total_packets_in >= 0),
  total_packets_out INTEGER CHECK (total_packets_out >= 0),
  total_octets_in INTEGER CHECK (total_octets_in >= 0),
  total_octets_out INTEGER CHECK (total_octets_out >= 0),
  counters_since INTEGER NOT NULL DEFAULT 0 CHECK (counters_since >= 0),
  changed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO statistics VALUES(1,1,212,40,12,31,1204000,48800000,1510,4205,1796043579,NULL,NULL,NULL,NULL,NULL,0,1);
INSERT INTO statistics VALUES(2,1,198,37,9,29,1122000,45100000,1404,3890,1796043579,NULL,NULL,NULL,NULL,NULL,0,2);
INSERT INTO statistics VALUES(3,0,0,0,0,0,0,0,0,0,1796043579,NULL,NULL,NULL,NULL,NULL,0,3);
INSERT INTO statistics VALUES(4,1,0,0,0,0,0,0,0,0,1796043579,NULL,NULL,NULL,NULL,NULL,0,4);
INSERT INTO statistics VALUES(5,1,530,88,61,77,9310000,5200000000,10200,440000,1796043579,NULL,NULL,NULL,NULL,NULL,0,5);
INSERT INTO statistics VALUES(6,1,3,12,0,0,4000,90000,6,11,1796043579,NULL,NULL,NULL,NULL,NULL,0,6);
INSERT INTO statistics VALUES(7,1,17,NULL,NULL,2,640000,12000,NULL,NULL,1796043579,NULL,NULL,NULL,NULL,NULL,0,7);
CREATE TABLE removed (
  changed INTEGER PRIMARY KEY,
  id INTEGER NOT NULL
) STRICT;
CREATE INDEX statistics_changed ON statistics (changed);
CREATE TRIGGER statistics_insert AFTER INSERT ON statistics BEGIN
UPDATE store SET change = change + 1;
UPDATE statistics SET changed = (SELECT change FROM store)
  WHERE real_id = NEW.real_id;
END;
CREATE TRIGGER statistics_update AFTER UPDATE OF real_id, active,
  active_connections, inactive_connections, persistent_connections,
  connections_per_second, bps_in, bps_out, pps_in, pps_out, last_update,
  total_connections, total_packets_in, total_packets_out, total_octets_in,
  total_octets_out, counters_since ON statistics BEGIN
UPDATE store SET change = change + 1;
UPDATE statistics SET changed = (SELECT change FROM store)
  WHERE real_id = NEW.real_id;
END;
CREATE TRIGGER statistics_delete AFTER DELETE ON statistics BEGIN
UPDATE store SET change = change + 1;
INSERT INTO removed SELECT change, OLD.real_id FROM store;
END;
CREATE TRIGGER removed_prune AFTER INSERT ON removed
WHEN (SELECT min(changed) FROM removed) < NEW.changed - 200000 BEGIN
UPDATE store SET removed_oldest = (SELECT max(changed) FROM removed
  WHERE changed < NEW.changed - 195000);
DELETE FROM removed WHERE changed < NEW.changed - 195000;
END;
COMMIT;
