/** Stored names as names of files: never out of the folder, never longer than a file system takes, otherwise as they were. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { posix } from 'node:path';
import { safePath } from '../src/cli/safe-path.ts';

const SEED = 42;
const test = suite(`safePath (seed ${SEED})`);

test('ordinary names stay as they are', () => {
  for (const name of ['a.jpg', 'a b/c.d.jpg', '10:20 "x"?.jpg', '...x', 'été/猫.png', '.hidden', 'ends. '])
    assert.is(safePath(name, '', false), name);
});

test('what leads out of the folder is left out', () => {
  for (const [path, expected] of [
    ['../../etc/passwd', 'etc/passwd'],
    ['/etc/passwd', 'etc/passwd'],
    ['..\\..\\x', 'x'],
    ['a/./../b', 'a/b'],
    ['..', 'unnamed'],
    ['', 'unnamed'],
    ['a\u0000b', 'a_b'],
  ] as const)
    assert.is(safePath(path, '', false), expected, JSON.stringify(path));
});

test('names that Windows reserves', () => {
  for (const [path, expected] of [
    ['C:\\x\\y.jpg', 'C_/x/y.jpg'],
    ['con.jpg', '_con.jpg'],
    ['COM1', '_COM1'],
    ['a. /b...', 'a/b'],
    ['a<b>?.jpg', 'a_b__.jpg'],
    ['.. /x', 'x'],
  ] as const)
    assert.is(safePath(path, '', true), expected, JSON.stringify(path));
});

test('a suffix stands before the ending, and both are kept when a name is cut', () => {
  assert.is(safePath('a/b.jpg', ' (1)', false), 'a/b (1).jpg');
  assert.is(safePath('b', ' (1)', false), 'b (1)');
  const cut = safePath(`${'猫'.repeat(200)}.jpeg`, ' (1)', false);
  assert.ok(Buffer.byteLength(cut) <= 255);
  assert.match(cut, /^猫+ \(1\)\.jpeg$/);
});

test('any path lies below its folder, in parts that fit', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '', '/', '\\', '~', 'C:'),
    fc.string({ unit: 'binary', maxLength: 300 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.boolean(), (parts, windows) => {
      const safe = safePath(parts.join('/'), '', windows);
      const full = posix.join('/root', safe);
      assert.ok(full.startsWith('/root/') && full.length > '/root/'.length, safe);
      for (const each of safe.split('/')) {
        assert.ok(Buffer.byteLength(each) <= 255);
        assert.not.match(each, /^\.{0,2}$|[\u0000-\u001f\\]/);
      }
    }),
    { seed: SEED },
  );
});

test.run();
