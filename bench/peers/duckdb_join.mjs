// SPDX-License-Identifier: Apache-2.0
// Peer: DuckDB on one thread, in its own process. The bare join of join.sql over
// tables that are already loaded; prints one JSON line with the counts of each
// kind and what the join alone cost.
// usage: node duckdb_join.mjs WORLD_DIRECTORY JOIN_SQL
// The package is found from the working directory (bench/run installs it in the build folder).
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { DuckDBInstance, version } = createRequire(process.cwd() + '/')('@duckdb/node-api');

const [directory, joinFile] = process.argv.slice(2);
const join = readFileSync(joinFile, 'utf8');
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const db = await instance.connect();

async function load(table, columns, file) {
  const types = Object.entries(columns).map(([name, type]) => `'${name}': '${type}'`).join(', ');
  await db.run(`CREATE TABLE ${table} AS SELECT * FROM read_csv('${directory}/${file}', delim='|',
                header=false, auto_detect=false, columns={${types}})`);
}

await load('guest', { mac: 'BIGINT', guest: 'INTEGER', hypervisor: 'INTEGER', running: 'INTEGER' },
           'guest.num');
await load('attachment', { hypervisor: 'INTEGER', nic_mac: 'BIGINT', switch: 'INTEGER',
                           port: 'INTEGER' }, 'attachment.num');
await load('forward', { switch: 'INTEGER', port: 'INTEGER', mac: 'BIGINT' }, 'forward.num');

const cpu = process.cpuUsage();
const started = process.hrtime.bigint();
await db.run(join);
const wall = Number(process.hrtime.bigint() - started) / 1e9;
const used = process.cpuUsage(cpu);

const counts = await db.runAndReadAll(
  'SELECT kind, count(*)::INTEGER FROM discrepancy GROUP BY kind');
const rows = await db.runAndReadAll('SELECT count(*)::INTEGER FROM forward');
console.log(JSON.stringify({
  version: version(),
  rows: rows.getRows()[0][0],
  counts: Object.fromEntries(counts.getRows()),
  wall,
  cpu: (used.user + used.system) / 1e6,
  memory: process.resourceUsage().maxRSS * 1024,
}));
