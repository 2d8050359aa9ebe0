/**
 * A library on a disk that is full, at whatever byte: every change through the real command line ends well or with one coded line, loses
 * nothing, and is finished once there is room. LONG=1 tries many amounts of free space.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, statSync, truncateSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openLibrary, type Library } from '../src/adapters/library.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { answerOf, blindsight, temporaryFolder, type Outcome } from './command.ts';
import { LONG, bytes } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';
import { where } from './where.ts';

const PASSPHRASE = 'correct horse';
const COUNT = 60;
const LSH = { family: 'lsh', tables: 16, sampledBits: 6, probes: 4 } as const;
const KIB = 1024;
// KiB that are left free.
const FREE: readonly number[] = LONG ? [0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512] : [0, 16];

const test = suite(`full disk (${FREE.length} amounts of free space)`);
const folder = await temporaryFolder();
const small = join(folder.path, 'small');
let mounted = false;
try {
  await mkdir(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small], { stdio: 'ignore' });
  mounted = true;
} catch {
  // Not root, or no tmpfs here.
}
const onSmallDisk = where(mounted, test, 'no tmpfs can be mounted');
test.after(async () => {
  if (mounted) execFileSync('umount', ['-l', small]);
  await folder.remove();
});

const file = (number: number): Uint8Array => bytes(3000 + 400 * number, number + 1);

/** A library of images with codes, which no model has to make. */
async function makeLibrary(path: string): Promise<void> {
  const cost = { memoryKib: 8, passes: 1, lanes: 1 };
  const index = { ...DEFAULT_INDEX, ranking: 'server', prefilter: LSH } as const;
  await createLibrary(path, PASSPHRASE, { vocabulary: encodeVocabulary(smallVocabulary()), key: { cost }, index });
  await within(path, async ({ client, vocabulary }) => {
    const items = [];
    for (let number = 0; number < COUNT; number++) {
      const name = `${number}.bin`;
      const item = await client.prepare(file(number), { name }, { undecodable: true });
      const record = {
        ...{ indexed: true, imageVersion: 0, fingerprint: vocabulary.fingerprint },
        ...{ code: bytes(vocabulary.codeBytes, number), name, fileBytes: file(number).length },
        ...{ type: '', width: 0, height: 0, addedAt: 0, modifiedAt: 0 },
      };
      items.push({ ...client.prepareRecord(item.id, record), wrapped: item.wrapped, blob: item.blob });
    }
    await client.put(items);
  });
}

async function within<T>(path: string, work: (library: Library) => Promise<T>, readOnly = false): Promise<T> {
  const library = await openLibrary(path, { opener: { passphrase: PASSPHRASE }, readOnly });
  try {
    return await work(library);
  } finally {
    await library.close();
  }
}

/** Fills the disk up to the last byte, then leaves some. */
function fill(filler: string, free: number): void {
  for (const length of [1 << 20, 1 << 16, 1 << 12, 1])
    try {
      for (;;) appendFileSync(filler, new Uint8Array(length));
    } catch (error) {
      assert.is((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  truncateSync(filler, Math.max(0, statSync(filler).size - free));
}

/** All images are there, whole, and nothing else is wrong. Looks only, so that a full disk does not matter. */
async function assertWhole(path: string, what: string): Promise<void> {
  await within(
    path,
    async ({ client }) => {
      const { images, faults } = await verifyLibrary(client);
      assert.equal([images, faults], [COUNT, []], what);
    },
    true,
  );
}

function assertFull({ code, signal, stderr }: Outcome, what: string): void {
  assert.is(signal, null, what);
  assert.is(code, 1, `${what}: ${stderr}`);
  assert.match(stderr, /^error: [^\n]+ \(storage-full\)$/m, `${what}: ${stderr}`);
}

onSmallDisk(
  'migrate and rotate: nothing lost at any amount of free space, and finished once there is room',
  async () => {
    const path = join(small, 'library');
    const filler = join(small, 'filler');
    await makeLibrary(path);
    let refused = 0;
    const changes = [
      ['rotate', path],
      ['migrate', path, '--ranking', 'client'],
      ['migrate', path, '--ranking', 'split'],
      ['reindex', path, '--tables', '20'],
    ];
    for (const change of LONG ? changes : changes.slice(0, 2)) {
      for (const free of FREE) {
        const what = `${change[0]} with ${free} KiB free`;
        fill(filler, free * KIB);
        const outcome = await blindsight([...change, '--json']);
        if (outcome.code !== 0) {
          refused++;
          assertFull(outcome, what);
        }
        await assertWhole(path, what);
        assert.ok(
          (await readdir(join(path, 'client'))).every((name) => !name.includes('partial')),
          what,
        );
        await rm(filler);
      }
      await answerOf(change);
      await assertWhole(path, `${change[0]}, finished`);
    }
    // Some of them, else there was room.
    assert.ok(refused >= 3, `${refused} refused`);
    await within(path, async ({ client, index }) => {
      assert.is(index.ranking, LONG ? 'split' : 'client');
      for (let number = 0; number < COUNT; number++)
        assert.equal(await client.open(await client.identify(file(number))), file(number));
    });
    if (LONG) console.log(`${refused} changes refused with storage-full, nothing lost`);
  },
);

test.run();
