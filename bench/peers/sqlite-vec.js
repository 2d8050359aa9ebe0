/** sqlite-vec in an in-memory database: exact. It has no inner product; rows of one length are in the same order by L2. */
import Database from 'better-sqlite3';
import * as vec from 'sqlite-vec';
import { serve, versionOf } from './serve.js';

await serve(async ({ kind, rows, query, count, dims, k }) => {
  if (kind === 'asymmetric') return undefined;
  const database = new Database(':memory:');
  vec.load(database);
  const binary = kind === 'hamming';
  database.exec(`create virtual table t using vec0(v ${binary ? 'bit' : 'float'}[${dims}])`);
  const value = binary ? 'vec_bit(?)' : '?';
  const insert = database.prepare(`insert into t(rowid, v) values (?, ${value})`);
  const rowBytes = rows.length / count;
  database.transaction(() => {
    for (let i = 0; i < count; i++) insert.run(BigInt(i), rows.subarray(i * rowBytes, (i + 1) * rowBytes));
  })();
  const select = database.prepare(`select rowid, distance from t where v match ${value} order by distance limit ${k}`);
  return {
    version: `sqlite-vec ${versionOf('sqlite-vec')}`,
    search: () => select.all(query),
    indices: (found) => found.map(({ rowid }) => rowid),
  };
});
