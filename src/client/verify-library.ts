/**
 * Checking a library: first what the server can check of what it stores, then every seal, with the keys.
 * @module
 */
import { fromHex, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { imageVersion, type Client } from './client.ts';
import type { RootComparison } from './library-root.ts';
import { isConnectionFailure } from './transport.ts';

/** One thing that is not as it should be. */
export interface Fault {
  /** 32 hexadecimal digits; empty when the library as a whole is at fault. */
  readonly id: string;
  readonly code: string;
  readonly message: string;
  /** The path that the image was added with, where its record still tells. */
  readonly path?: string;
}

/** A finished check. */
export interface Verification {
  readonly images: number;
  readonly records: number;
  readonly faults: readonly Fault[];
}

/**
 * Opens every record, every image and every thumbnail, counts them, and holds them against the library root.
 * @param onImage - Called after each image.
 */
export async function verifyLibrary(client: Client, onImage: () => void = () => undefined): Promise<Verification> {
  const faults: Fault[] = [];
  let images = 0;
  let records = 0;
  let blobBytes = 0;
  const before = await client.info();
  for await (const page of client.verifyServer()) {
    records += page.records;
    for (const id of page.damaged)
      faults.push({ id: toHex(id), code: 'corrupt-record', message: 'a stored checksum does not match' });
    for (const id of page.orphanBlobs)
      faults.push({ id: toHex(id), code: 'orphan-blob', message: 'an image without a record in the index' });
    for (const id of page.orphanRecords)
      faults.push({ id: toHex(id), code: 'orphan-record', message: 'a record without an image' });
  }
  for await (const { id, blobBytes: bytesOfImage } of client.list()) {
    images++;
    blobBytes += bytesOfImage;
    try {
      const [{ bytes, thumbnail }, record] = [await client.openWithThumbnail(id), await client.record(id)];
      if (bytes.length !== record.fileBytes)
        throw new RetrievalError(
          'corrupt-record',
          `the record says ${record.fileBytes} bytes, the image has ${bytes.length}`,
        );
      if (record.imageVersion !== imageVersion(thumbnail))
        throw new RetrievalError('corrupt-record', 'the record says otherwise whether the image has a thumbnail');
    } catch (error) {
      if (!(error instanceof RetrievalError) || isConnectionFailure(error)) throw error;
      // The server's own check may have named it already.
      if (!faults.some((fault) => fault.id === toHex(id)))
        faults.push({ id: toHex(id), code: error.code, message: error.message });
    }
    onImage();
  }
  const comparison = await client.compareRoot(new Set(faults.map((fault) => fault.id)));
  if (!comparison.equal) faults.push(rootFault(comparison));
  const after = await client.info();
  // What is damaged or changes meanwhile cannot be counted.
  if (faults.length === 0 && before.sequence === after.sequence) {
    const counted = { images, records, blobBytes };
    const said = {
      images: after.images,
      records: after.generations.reduce((sum, generation) => sum + generation.records, 0),
      blobBytes: after.blobBytes,
    };
    for (const what of ['images', 'records', 'blobBytes'] as const)
      if (counted[what] !== said[what])
        faults.push({
          id: '',
          code: 'corrupt-index',
          message: `${what}: the library says ${said[what]}, there are ${counted[what]}`,
        });
  }
  return { images, records, faults: await Promise.all(faults.map((fault) => withPath(client, fault))) };
}

async function withPath(client: Client, fault: Fault): Promise<Fault> {
  try {
    const { path, name } = await client.record(fromHex(fault.id)!);
    return { ...fault, path: path ?? name };
  } catch {
    return fault;
  }
}

/** What is wrong when the server shows other images than the library has. */
function rootFault({ expected, listed, id, twice }: RootComparison): Fault {
  if (id !== undefined && twice)
    return {
      id: toHex(id),
      code: 'counted-twice',
      message: 'nothing is missing, but the library root counts this image twice',
    };
  if (id !== undefined)
    return expected > listed
      ? {
          id: toHex(id),
          code: 'omitted',
          message: 'the server does not show this image, and nobody with a key has removed it',
        }
      : { id: toHex(id), code: 'rolled-back', message: 'this image was removed, and the server has it again' };
  return {
    id: '',
    code: 'omitted',
    message: `${expected} images were stored by those who have a key; the server shows ${listed}, or other ones`,
  };
}
