/**
 * CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320), eight bytes a step ("slicing by 8").
 *
 * Finds accidents, not attacks: what must resist an attacker is authenticated by the client.
 * @module
 */

const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

let tables: Int32Array | undefined;

/** Table `s` advances a byte through `s` further zero bytes. Made at the first call. */
function makeTables(): Int32Array {
  const out = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    out[byte] = crc;
  }
  for (let i = 256; i < out.length; i++) out[i] = (out[i - 256]! >>> 8) ^ out[out[i - 256]! & 0xff]!;
  return out;
}

/**
 * Checksum of `bytes`.
 * @param previous - Checksum of what comes before, to go on from it: `crc32(b, crc32(a)) = crc32(a || b)`.
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  const t = (tables ??= makeTables());
  let crc = ~previous;
  let i = 0;
  for (const end = bytes.length - 7; i < end; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      t[1792 + (crc & 0xff)]! ^
      t[1536 + ((crc >>> 8) & 0xff)]! ^
      t[1280 + ((crc >>> 16) & 0xff)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
