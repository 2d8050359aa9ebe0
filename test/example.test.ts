/** The programs in `examples/`, run as a reader would run them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { alter } from '../src/cli/variants.ts';
import { SAMPLES, temporaryFolder } from './command.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const test = suite('examples');
const folder = await temporaryFolder();
test.after(() => folder.remove());

test('node/search.mjs finds a photo by an altered copy', async () => {
  const photos = join(folder.path, 'photos');
  await mkdir(photos);
  for (const name of ['cat.jpg', 'coffee.jpg', 'alps.jpg', 'grass.jpg'])
    await copyFile(join(SAMPLES, name), join(photos, name));
  await writeFile(join(photos, 'broken.jpg'), 'no image');
  const picture = join(folder.path, 'query.jpg');
  await writeFile(picture, await alter(await readFile(join(SAMPLES, 'coffee.jpg')), 'grey'));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    join(ROOT, 'examples', 'node', 'search.mjs'),
    photos,
    picture,
  ]);
  assert.is(stderr, '');
  assert.match(stdout, /^not added: broken\.jpg: /m);
  assert.match(stdout, /^the server ranked 4 of 4 images/m);
  const [first] = /^-?\d\.\d{3} .*$/m.exec(stdout) ?? [''];
  const { size } = await stat(join(SAMPLES, 'coffee.jpg'));
  assert.match(first, new RegExp(`  coffee\\.jpg  ${size} bytes$`));
});

test.run();
