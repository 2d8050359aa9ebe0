/** LanceDB, a table without index: exact, in a folder that is deleted after. */
import { connect } from '@lancedb/lancedb';
import {
  Field,
  FixedSizeList,
  Float32,
  Int32,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Uint8,
  makeData,
} from 'apache-arrow';
import { mkdtemp } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { floatsOf, serve, versionOf } from './serve.js';

await serve(async ({ kind, rows, query, count, dims, k }) => {
  if (kind === 'asymmetric') return undefined;
  const binary = kind === 'hamming';
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-lance-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const [item, width] = binary ? [new Uint8(), dims / 8] : [new Float32(), dims];
  const type = new FixedSizeList(width, new Field('item', item, true));
  const schema = new Schema([new Field('id', new Int32(), false), new Field('v', type, false)]);
  const child = makeData({ type: item, length: count * width, data: binary ? rows : floatsOf(rows) });
  const columns = [
    makeData({ type: new Int32(), length: count, data: Int32Array.from({ length: count }, (_, i) => i) }),
    makeData({ type, length: count, child }),
  ];
  const batch = new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: count, children: columns }),
  );
  const database = await connect(folder);
  const table = await database.createTable('t', new Table([batch]));
  const wanted = binary ? Array.from(query) : Array.from(floatsOf(query));
  const search = () =>
    table
      .query()
      .nearestTo(wanted)
      .column('v')
      .distanceType(binary ? 'hamming' : 'dot')
      .select(['id', '_distance'])
      .limit(k)
      .toArray();
  return {
    version: `lancedb ${versionOf('@lancedb/lancedb')}`,
    search,
    indices: (found) => found.map(({ id }) => id),
  };
});
