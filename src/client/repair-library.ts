/**
 * Mending a library with its keys: a record from what is left of it, or from its picture; an image sealed anew; counts and log by the
 * server. Each image is mended by one message, whole or not at all, so a repair that was stopped is begun again.
 * @module
 */
import { equalBytes, fromHex, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { ImageRecord } from '../crypto/record.ts';
import { imageVersion, type Client } from './client.ts';
import { describeAgain } from './describe-again.ts';
import { isConnectionFailure } from './transport.ts';
import { verifyLibrary, type Verification } from './verify-library.ts';

/** What was made anew: `index`, from the record; `record`, from the picture, without its name if that was lost; `image`, sealed again. */
export interface Repair {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly made: readonly ('index' | 'record' | 'image')[];
  /** The name was lost: the id stands in its place. */
  readonly nameLost: boolean;
}

/** A finished repair. Its faults are what could not be mended. */
export interface RepairReport extends Verification {
  /** Faults before. */
  readonly found: number;
  readonly repaired: readonly Repair[];
  /** Pieces of images whose key is gone, and which nobody can open any more. */
  readonly removed: number;
  /** The library root counted an image twice, and does no more. */
  readonly rootMended: boolean;
}

/**
 * Checks a library, mends it, and checks it again. What cannot be mended stays as it is: nothing is removed but pieces without an image.
 * @param onImage - Called after each image of the first check.
 * @throws What would meet every image: no store, no model. What was mended until then stays so. {@link RetrievalError}
 */
export async function repairLibrary(client: Client, onImage: () => void = () => undefined): Promise<RepairReport> {
  const before = await verifyLibrary(client, onImage);
  if (before.faults.length === 0) return { ...before, found: 0, repaired: [], removed: 0, rootMended: false };
  const removed = await client.repairServer();
  const repaired: Repair[] = [];
  const damaged = new Set(before.faults.map(({ id }) => id));
  for (const text of damaged) {
    const id = fromHex(text);
    // The library as a whole.
    if (id?.length !== 16) continue;
    const repair = await mend(client, id);
    if (repair !== undefined) repaired.push(repair);
  }
  const rootMended = await client.mendRoot(damaged);
  return { ...(await verifyLibrary(client)), found: before.faults.length, repaired, removed, rootMended };
}

/** Mends one image. @returns What was made anew; undefined when that was nothing. */
async function mend(client: Client, id: Uint8Array): Promise<Repair | undefined> {
  const stored = await readable(() => client.record(id));
  const opened = await readable(() => client.openWithThumbnail(id));
  const left = stored !== undefined && opened !== undefined ? {} : await client.salvage(id);
  const known = stored ?? left.record;
  const { bytes, thumbnail } = opened ?? left;
  const record = usable(client, known, bytes, thumbnail);
  // The server may have mended it already.
  if (opened !== undefined && record !== undefined && record === stored && (await client.isWhole(id))) return undefined;
  const name = toHex(id);
  if (bytes === undefined) {
    // The picture is lost, but its name may be told.
    const kept = stored === undefined && record !== undefined && (await putAlone(client, id, record));
    return kept ? { id: name, made: ['index'], nameLost: false } : undefined;
  }
  const item =
    record === undefined
      ? (await describeAgain(client, id, bytes, known ?? { name }, imageVersion(thumbnail))).item
      : client.prepareRecord(id, record);
  await client.put([opened === undefined ? { ...item, ...(await client.sealImage(id, bytes, thumbnail)) } : item]);
  const made = record === undefined ? 'record' : 'index';
  return { id: name, made: opened === undefined ? [made, 'image'] : [made], nameLost: known === undefined };
}

/** Puts a record whose image is damaged. @returns False where too much of the image is, so that it cannot have one. */
async function putAlone(client: Client, id: Uint8Array, record: ImageRecord): Promise<boolean> {
  try {
    await client.put([client.prepareRecord(id, record)]);
    return true;
  } catch (error) {
    if (error instanceof RetrievalError && error.code === 'corrupt-record') return false;
    throw error;
  }
}

/** A record that can be sealed again as it is. */
function usable(
  client: Client,
  record: ImageRecord | undefined,
  bytes: Uint8Array | undefined,
  thumbnail: Uint8Array | undefined,
): ImageRecord | undefined {
  if (record === undefined || (bytes !== undefined && record.fileBytes !== bytes.length)) return undefined;
  if (record.indexed && !equalBytes(record.fingerprint, client.vocabulary.fingerprint)) return undefined;
  const version = imageVersion(thumbnail);
  // A thumbnail that is lost is not made again: that would take a decoder.
  return bytes === undefined || record.imageVersion === version ? record : { ...record, imageVersion: version };
}

/** Undefined for what does not open. */
async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RetrievalError) || isConnectionFailure(error)) throw error;
    return undefined;
  }
}
