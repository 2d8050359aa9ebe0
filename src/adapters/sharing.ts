/**
 * Letting others into a library: a grant is made by one who holds its key, and joined into a folder with a passphrase of its own.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import { utf8 } from '../base/bytes.ts';
import { openGrant, sealGrant, type AgeIdentity, type GrantRole } from '../crypto/grant.ts';
import { createKeyFile, type KeyFileOpener, type KeyFileOptions } from '../crypto/key-file.ts';
import { wipe } from '../crypto/wipe.ts';
import { encodeVocabulary } from '../codes/vocabulary-format.ts';
import { openKeyFile } from './library.ts';
import { decodeIndex } from '../client/index-files.ts';
import { LibraryFiles } from './library-files.ts';

/** Whom to let in, and for what. */
export interface ShareOptions {
  readonly opener: KeyFileOpener;
  /** `age1...`. */
  readonly recipient: string;
  readonly role: GrantRole;
  /** Address of the store, where the library itself has it in its folder. */
  readonly server?: string;
}

/**
 * Makes a grant; speaks to no server.
 * @returns Bytes of an age file that only the recipient opens.
 * @throws On a recipient that is no age public key, or no address of a server. {@link RangeError}
 * @throws `library-not-found`, `wrong-passphrase`; `forbidden` to a viewer; `index-incomplete` while the index or key is being replaced. {@link RetrievalError}
 */
export async function shareLibrary(
  folder: string,
  { opener, recipient, role, server }: ShareOptions,
): Promise<Uint8Array> {
  const files = new LibraryFiles(folder);
  await files.check();
  if ((await files.role()) === 'viewer')
    throw new RetrievalError('forbidden', 'this library was joined as a viewer: only an owner may let others in');
  const address = server ?? (await files.server());
  if (address === undefined)
    throw new RangeError('"--server" expected the address at which this library is served, got none');
  if ((await files.readIndex('next')) !== undefined)
    throw new RetrievalError('index-incomplete', 'a reindex or rotation is unfinished: finish it before sharing');
  const current = await files.readIndex('current');
  if (current === undefined) throw new RetrievalError('corrupt-vocabulary', 'the vocabulary is missing');
  const libraryKey = await openKeyFile(await files.key(), opener);
  try {
    return await sealGrant(
      {
        ...{ role, libraryKey, server: address },
        index: utf8(JSON.stringify(current.index)),
        vocabulary: encodeVocabulary(current.vocabulary),
      },
      recipient,
    );
  } finally {
    wipe(libraryKey);
  }
}

/** A library that was joined. */
export interface Joined {
  readonly role: GrantRole;
  readonly server: string;
  /** 24 recovery words of the joiner's own, shown once and kept nowhere. */
  readonly words: string;
}

/**
 * Makes a folder of one's own for a library that is on a server; speaks to no server.
 * @param grant - Bytes of the grant.
 * @throws `library-exists`; `decrypt-failed` when it is for someone else; `corrupt-grant`. {@link RetrievalError}
 */
export async function joinLibrary(
  folder: string,
  grant: Uint8Array,
  identity: AgeIdentity,
  passphrase: string,
  options: KeyFileOptions = {},
): Promise<Joined> {
  const files = new LibraryFiles(folder);
  await files.checkNew();
  const { role, libraryKey, server, index, vocabulary } = await openGrant(grant, identity);
  try {
    const described = decodeIndex(vocabulary, index);
    await files.create();
    try {
      const { bytes, words } = await createKeyFile(libraryKey, passphrase, options);
      await files.writeKey(bytes);
      await files.writeIndex('current', vocabulary, described.index);
      await files.writeServer(server);
      await files.writeRole(role);
      await files.seal();
      return { role, server, words };
    } catch (error) {
      await files.destroy();
      throw error;
    }
  } finally {
    wipe(libraryKey);
  }
}
