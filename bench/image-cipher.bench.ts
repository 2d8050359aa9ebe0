/**
 * Sealing and opening image files: logistic layer and AES-256-GCM together.
 *
 *     npm run bench -- image-cipher
 *
 * One group per file size. Checks first that what is sealed opens; the last row is AES-256-GCM alone, as a baseline.
 */
import * as assert from 'uvu/assert';
import { Bench } from './harness.ts';
import { ImageCipher } from '../src/crypto/image-cipher.ts';
import { bytes, kernels } from '../test/support.ts';
import { report } from './report.ts';

const cipher = new ImageCipher(kernels);
const imageKey = bytes(32, 1);
const id = bytes(16, 2);
const aead = await crypto.subtle.importKey('raw', imageKey, 'AES-GCM', false, ['encrypt']);

for (const fileBytes of [30_000, 3_000_000]) {
  const file = bytes(fileBytes, 3);
  const blob = await cipher.seal(imageKey, id, file);
  assert.ok(Buffer.from(await cipher.open(imageKey, id, blob)).equals(file));

  const bench = new Bench({ name: `${fileBytes} B`, time: 300 });
  bench.add('seal', async () => void (await cipher.seal(imageKey, id, file)));
  bench.add('open', async () => void (await cipher.open(imageKey, id, blob)));
  bench.add('gcm', async () => {
    await crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, aead, file);
  });
  await bench.run();
  report(bench, { unit: 'B', perRun: fileBytes });
}
