/** Names within a zip file: below its folder on every system, and no two the same. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { distinctPaths } from '../src/page-worker/zip-paths.ts';

const test = suite('zip paths');

test('each path gets a name of its own, whatever the case', () => {
  const distinct = distinctPaths();
  for (const [path, expected] of [
    ['a/b.jpg', 'a/b.jpg'],
    ['a/b.jpg', 'a/b (2).jpg'],
    ['A/B.JPG', 'A/B (3).JPG'],
    ['b.jpg', 'b.jpg'],
    ['', 'unnamed'],
    ['', 'unnamed (2)'],
  ] as const)
    assert.is(distinct(path), expected);
});

test('nothing leads out of the folder, or is reserved by a system', () => {
  const distinct = distinctPaths();
  for (const [path, expected] of [
    ['../../etc/passwd', 'etc/passwd'],
    ['C:\\photos\\cat?.jpg', 'C_/photos/cat_.jpg'],
    ['con.jpg', '_con.jpg'],
    ['a. /b...', 'a/b'],
    ['a\u0000b.png', 'a_b.png'],
  ] as const)
    assert.is(distinct(path), expected);
});

test('a name stays short enough for every file system, with its number and its ending', () => {
  const distinct = distinctPaths();
  const long = `${'猫'.repeat(200)}.jpeg`;
  for (const ending of ['.jpeg', ' (2).jpeg']) {
    const name = distinct(long);
    assert.ok(name.endsWith(ending), name);
    assert.ok(Buffer.byteLength(name) <= 180, name);
  }
});

test.run();
