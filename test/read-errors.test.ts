/**
 * A disk that gives errors, and files that are something else than they were: one line with a code, nothing acknowledged lost. Errors of the
 * device are made by a library that is loaded before libc, where a C compiler is there.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openLibrary } from '../src/adapters/library.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { blindsight, temporaryFolder, type Outcome } from './command.ts';
import { bytes } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';
import { where } from './where.ts';

const PASSPHRASE = 'correct horse';
const COUNT = 4;
const FILES = ['library.json', 'client/key', 'client/vocabulary', 'client/index.json', 'server/data.mdb'] as const;

const test = suite('read errors');
const folder = await temporaryFolder();
test.after(() => folder.remove());

const file = (number: number): Uint8Array => bytes(2000, number);
const model = join(folder.path, 'model');
await createLibrary(model, PASSPHRASE, {
  vocabulary: encodeVocabulary(smallVocabulary()),
  key: { cost: { memoryKib: 8, passes: 1, lanes: 1 } },
});
const library = await openLibrary(model, { opener: { passphrase: PASSPHRASE } });
const items = Array.from({ length: COUNT }, (_, i) =>
  library.client.prepare(file(i), { name: `${i}` }, { undecodable: true }),
);
await library.client.put(await Promise.all(items));
await library.close();

let made = 0;
async function copy(): Promise<string> {
  const path = join(folder.path, `${++made}`);
  await cp(model, path, { recursive: true });
  return path;
}

/** What a library says that is opened, to read and to write, and checked. */
async function codes(path: string): Promise<string[]> {
  const said: string[] = [];
  for (const readOnly of [true, false])
    try {
      const opened = await openLibrary(path, { opener: { passphrase: PASSPHRASE }, readOnly });
      const { images, faults } = await verifyLibrary(opened.client).finally(() => opened.close());
      said.push(faults[0]?.code ?? `${images} images`);
    } catch (error) {
      said.push(error instanceof RetrievalError ? error.code : String(error));
    }
  return said;
}

test('a file that is missing, empty, cut, or a folder', async () => {
  for (const name of FILES)
    for (const how of ['missing', 'empty', 'cut', 'folder'] as const) {
      const path = await copy();
      const at = join(path, name);
      const whole = await readFile(at);
      await rm(at);
      if (how === 'empty') await writeFile(at, '');
      if (how === 'cut') await writeFile(at, whole.subarray(0, whole.length >> 1));
      if (how === 'folder') await mkdir(at);
      for (const code of await codes(path)) {
        assert.match(code, /^(corrupt-|library-not-found|storage-failed|unreadable-file|omitted)/, `${name} ${how}`);
      }
      // What stood there before is all that is needed.
      await rm(at, { recursive: true, force: true });
      await writeFile(at, whole);
      assert.equal(await codes(path), [`${COUNT} images`, `${COUNT} images`], `${name} ${how}, put back`);
      await rm(path, { recursive: true });
    }
});

// Calls in FAIL_CALLS fail with EIO on files whose path ends in FAIL_PATH.
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
static int fails(int fd, const char *call) {
  const char *calls = getenv("FAIL_CALLS"), *end = getenv("FAIL_PATH");
  if (!calls || !end || !strstr(calls, call)) return 0;
  char link[40], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < (ssize_t)strlen(end)) return 0;
  path[length] = 0;
  if (strcmp(path + length - strlen(end), end)) return 0;
  errno = EIO;
  return 1;
}
#define WRAP(type, name, call, args, names) \\
  type name args { if (fails(fd, call)) return -1; return ((type(*) args)dlsym(RTLD_NEXT, #name)) names; }
WRAP(ssize_t, read, "read", (int fd, void *b, size_t n), (fd, b, n))
WRAP(ssize_t, pread, "read", (int fd, void *b, size_t n, off_t o), (fd, b, n, o))
WRAP(ssize_t, pread64, "read", (int fd, void *b, size_t n, off_t o), (fd, b, n, o))
WRAP(ssize_t, pwrite, "write", (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
WRAP(ssize_t, pwrite64, "write", (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
WRAP(ssize_t, writev, "write", (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(ssize_t, pwritev, "write", (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
WRAP(ssize_t, pwritev64, "write", (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
WRAP(int, fsync, "sync", (int fd), (fd))
WRAP(int, fdatasync, "sync", (int fd), (fd))
`;
const shim = join(folder.path, 'eio.so');
let hasShim = process.platform === 'linux';
if (hasShim)
  try {
    await writeFile(join(folder.path, 'eio.c'), SHIM);
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', shim, join(folder.path, 'eio.c'), '-ldl'], {
      stdio: 'ignore',
    });
  } catch {
    // No compiler here.
    hasShim = false;
  }
const withErrors = where(hasShim, test, 'no C compiler, or not Linux');

function failing(args: readonly string[], calls: string, end: string): Promise<Outcome> {
  return blindsight(args, { env: { LD_PRELOAD: shim, FAIL_CALLS: calls, FAIL_PATH: end } });
}

withErrors('a device that cannot be read: one line with a code', async () => {
  const path = await copy();
  for (const name of ['client/key', 'client/index.json', 'server/data.mdb']) {
    const { code, signal, stderr } = await failing(['info', path], 'read', name);
    assert.equal([code, signal], [1, null], `${name}: ${stderr}`);
    assert.match(stderr, /^error: [^\n]+ \((storage-failed|unreadable-file|corrupt-[a-z-]+)\)\n$/, name);
  }
  assert.equal(await codes(path), [`${COUNT} images`, `${COUNT} images`]);
});

withErrors('a device that cannot be written: nothing is acknowledged, nothing is lost', async () => {
  const path = await copy();
  for (const [calls, end, args] of [
    ['sync', 'data.mdb', ['rotate', path]],
    ['write', 'data.mdb', ['rotate', path]],
    ['sync', '.partial', ['rotate', path]],
  ] as const) {
    const { code, signal, stderr } = await failing(args, calls, end);
    assert.equal([code, signal], [1, null], `${calls} ${args[0]}: ${stderr}`);
    // LMDB says a word of its own before.
    assert.match(stderr, /error: [^\n]+ \(storage-failed\)$/m, `${calls} ${args[0]} ${end}: ${stderr}`);
    assert.equal(await codes(path), [`${COUNT} images`, `${COUNT} images`], `${calls} ${args[0]} ${end}: ${stderr}`);
  }
});

test.run();
