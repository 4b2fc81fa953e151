// SPDX-License-Identifier: Apache-2.0
// Peer: DuckDB from an operator's CSV files to a written report, nothing loaded before.
// Reads guests.csv, attachments.csv and forward.csv as they are (text columns), judges by
// the same join and writes one CSV row for each discrepancy. Prints one JSON line; start-up
// of the engine is included, as it is for Muster.
// usage: node duckdb_csv.mjs WORLD_DIRECTORY REPORT.csv THREADS
import { createRequire } from 'node:module';

const { DuckDBInstance, version } = createRequire(process.cwd() + '/')('@duckdb/node-api');

const [directory, report, threads] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:', { threads });
const db = await instance.connect();

async function load(table, columns, wanted) {
  const types = columns.split(',').map((name) => `'${name}': 'VARCHAR'`).join(', ');
  await db.run(`CREATE TABLE ${table} AS SELECT ${wanted} FROM read_csv('${directory}/${table}.csv',
                delim=',', header=true, auto_detect=false, columns={${types}})`);
}

await load('guests', 'hypervisor,guest,mac,run_state,state_since,vlan',
           'hypervisor, guest, mac, run_state, state_since');
await load('attachments', 'hypervisor,nic_mac,switch,port', 'hypervisor, switch, port');
await load('forward', 'switch,port,vlan,mac,status,read_at', 'switch, port, vlan, mac, read_at');
await db.run(`COPY (
  SELECT CASE WHEN g.mac IS NULL THEN 'unknown_guest'
              WHEN a.hypervisor IS NULL THEN 'wrong_location'
              ELSE 'off_but_seen' END AS kind,
         f.mac AS mac, g.guest AS guest, g.hypervisor AS hypervisor, g.run_state AS run_state,
         g.state_since AS state_since, f.switch AS switch, f.port AS port, f.vlan AS vlan,
         f.read_at AS read_at
  FROM forward f
  LEFT JOIN guests g ON g.mac = f.mac
  LEFT JOIN attachments a
         ON a.hypervisor = g.hypervisor AND a.switch = f.switch AND a.port = f.port
  WHERE (g.mac IS NULL AND f.mac LIKE '52:54:00:%')
     OR (g.mac IS NOT NULL AND (a.hypervisor IS NULL OR g.run_state <> 'on'))
  UNION ALL
  SELECT 'silent', g.mac, g.guest, g.hypervisor, g.run_state, g.state_since, NULL, NULL, NULL, NULL
  FROM guests g
  WHERE g.run_state = 'on' AND NOT EXISTS (SELECT 1 FROM forward f WHERE f.mac = g.mac)
) TO '${report}' (HEADER, DELIMITER ',')`);

const used = process.cpuUsage();
console.log(JSON.stringify({
  version: version(),
  wall: performance.now() / 1e3,
  cpu: (used.user + used.system) / 1e6,
  memory: process.resourceUsage().maxRSS * 1024,
}));
