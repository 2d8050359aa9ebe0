/**
 * Memory of a server with so many records of each kind, before a search, with its index, and after half of the images are gone and the index was made anew;
 * how long a search, adding and removing take; and how long its first search takes, without an index that the store has kept, and with one (its file in the page cache).
 *
 *     npm run bench -- server-memory
 *     SIZES=1000000 npm run bench -- server-memory          f32 at 832 bits takes 7 GB of memory a million, and 15 GB of disk; KINDS=client,split,int8 leaves it out
 *
 * The server is a process of its own over LMDB; a record is that of 832 bits, with two tokens (TOKENS=24: as many as that); an image is 64 bytes. Linux only: memory is read from /proc.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NOISE_SLOTS } from '../src/crypto/secure-knn.ts';
import { duration } from './document.ts';
import type { Held, Measured, Started } from './held-server.ts';
import { table } from './report.ts';

const SIZES = (process.env['SIZES'] ?? '20000').split(',').map(Number);
// A server keeps no index of fewer: the bench would wait for its file for ever.
if (!SIZES.every((size) => size > 1024)) throw new RangeError('"SIZES" expected numbers above 1024');
const TOKENS = process.env['TOKENS'] ?? '2';
const DIMS = 2 * (832 + NOISE_SLOTS + 1);
const ALL = {
  client: ['client', 'f32', '0'],
  split: ['split', 'f32', '0'],
  int8: ['server', 'int8', String(DIMS)],
  f32: ['server', 'f32', String(DIMS)],
} as const;
const KINDS = (process.env['KINDS'] ?? Object.keys(ALL).join(',')).split(',') as (keyof typeof ALL)[];

const run = promisify(execFile);
const HOLDER = join(import.meta.dirname, 'held-server.js');
const mega = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;

const rows: string[][] = [];
const starts: string[][] = [];
const speeds: string[][] = [];
for (const size of SIZES)
  for (const kind of KINDS) {
    const folder = await mkdtemp(join(tmpdir(), 'blindsight-memory-'));
    try {
      const args = [folder, ...ALL[kind], String(size), TOKENS];
      const ask = async (work: string): Promise<string> =>
        (await run(process.execPath, ['--expose-gc', HOLDER, work, ...args])).stdout;
      await ask('fill');
      const name = [
        size.toLocaleString('en'),
        ALL[kind].slice(0, kind === 'client' || kind === 'split' ? 1 : 2).join(' '),
      ];
      if (kind !== 'client') {
        const slow = JSON.parse(await ask('start')) as Started;
        const quick: Started[] = [];
        while (quick.length < 3) quick.push(JSON.parse(await ask('start')) as Started);
        const middle = quick.sort((a, b) => a.first - b.first)[1]!;
        starts.push([
          ...[...name, duration(slow.first), duration(slow.cpu), duration(middle.first), duration(middle.cpu)],
          ...[mega(slow.segment), duration(slow.kept), duration(slow.pause)],
        ]);
      }
      const { opened, loaded, halved, ...speed } = JSON.parse(await ask('search')) as Measured;
      const own = (moment: Held): string => mega(moment.own);
      rows.push([
        ...[...name, own(opened), own(loaded), String(Math.round((loaded.own - opened.own) / size)), own(halved)],
        mega(loaded.file),
      ]);
      const { all, searches, added, pause, removed } = speed;
      const [p50, p99] = [0.5, 0.99].map((share) => duration(searches[Math.ceil(share * searches.length) - 1]!));
      const perSecond = [added, removed].map((rate) => Math.round(rate).toLocaleString('en'));
      speeds.push([
        ...name,
        p50!,
        p99!,
        kind === 'client' ? '' : duration(all),
        ...[perSecond[0]!, duration(pause), perSecond[1]!],
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
table(
  "Resident memory of the server's own; pages of the store's file, which the system may take back, beside it",
  [
    ...['records', 'ranking', 'before a search', 'with the index', 'bytes a record', 'after half is gone'],
    'pages of the file',
  ],
  rows,
);
table(
  'A search, all in the server: under `server` the ranking of what 24 of 512 buckets hold, under `split` the first 4,096 of these records, under `client` what is new; adding fifty a message, each on disk, a search of all after every tenth message; removing 5,000 a message',
  [
    ...['records', 'ranking', 'p50', 'p99', 'a search of all'],
    ...['added a second', 'longest pause meanwhile', 'removed a second'],
  ],
  speeds,
);
table(
  `The first search after a start, ${TOKENS} tokens a record`,
  [
    ...['records', 'ranking', 'index made of the records', 'CPU', 'index that was kept', 'CPU'],
    ...['its file', 'writing it', 'longest pause meanwhile'],
  ],
  starts,
);
