/**
 * Memory of a server with so many records of each kind, before a search, with its index, and after half of the images are gone and the index was made anew.
 *
 *     npm run bench -- server-memory
 *     SIZES=1000000 KINDS=client,split,int8 npm run bench -- server-memory          f32 at 832 bits: 7 GB a million, and one memory holds 4
 *
 * The server is a process of its own over LMDB; a record is that of 832 bits, with two tokens; an image is 64 bytes. Linux only: memory is read from /proc.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NOISE_SLOTS } from '../src/crypto/secure-knn.ts';
import { duration } from './document.ts';
import type { Held, Measured } from './held-server.ts';
import { table } from './report.ts';

const SIZES = (process.env['SIZES'] ?? '20000').split(',').map(Number);
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
for (const size of SIZES)
  for (const kind of KINDS) {
    const folder = await mkdtemp(join(tmpdir(), 'blindsight-memory-'));
    try {
      const args = [folder, ...ALL[kind], String(size)];
      await run(process.execPath, [HOLDER, 'fill', ...args]);
      const { stdout } = await run(process.execPath, ['--expose-gc', HOLDER, 'search', ...args]);
      const { opened, loaded, halved, first, later } = JSON.parse(stdout) as Measured;
      const own = (moment: Held): string => mega(moment.own);
      rows.push([
        ...[size.toLocaleString('en'), ALL[kind].slice(0, kind === 'client' || kind === 'split' ? 1 : 2).join(' ')],
        ...[own(opened), own(loaded), String(Math.round((loaded.own - opened.own) / size)), own(halved)],
        ...[mega(loaded.file), duration(first), duration(later)],
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
table(
  "Resident memory of the server's own; pages of the store's file, which the system may take back, beside it",
  [
    ...['records', 'ranking', 'before a search', 'with the index', 'bytes a record', 'after half is gone'],
    ...['pages of the file', 'first search', 'a search of all'],
  ],
  rows,
);
