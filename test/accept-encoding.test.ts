import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { acceptedEncoding } from '../src/server/accept-encoding.ts';

const test = suite('accept-encoding');

test('what RFC 9110 says', () => {
  const cases: [string | null, string | undefined][] = [
    [null, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP;q=0.2', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br ; q=0.0 , gzip ; q=0', undefined],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['*;q=0, gzip;q=0.001', 'gzip'],
    ['br;q=much', undefined],
    ['brotli, x-gzip', undefined],
    [',;,=;q', undefined],
  ];
  for (const [header, expected] of cases) assert.is(acceptedEncoding(header), expected, String(header));
});

test.run();
