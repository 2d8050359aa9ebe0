/** `blindsight verify`. @module */
import { verifyLibrary } from '../../client/verify-library.ts';
import { withLibrary, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';
import { startProgress } from '../progress.ts';

interface Options extends OpenOptions {
  /** Takes the library as it is for the right one. */
  readonly accept?: boolean;
}

export async function verify(folder: string, options: Options): Promise<void> {
  await withLibrary(folder, { ...options, readOnly: options.accept !== true }, async ({ client }) => {
    const { images } = await client.info();
    const progress = startProgress('verify', images, 'images', options.json === true);
    const verification = await verifyLibrary(client, () => progress.step()).finally(() => progress.stop());
    const { faults } = verification;
    answer(
      options,
      verification,
      faults.length === 0
        ? `${verification.images} images, ${verification.records} records: all is well`
        : `${verification.images} images, ${faults.length} faults:\n${faults
            .map(({ id, code, message }) => `  ${id === '' ? 'library' : id}: ${message} (${code})`)
            .join(
              '\n',
            )}\nRemove a damaged image with blindsight rm, then add its file again. Where images were left out or came back and that is as you want it
(a backup that was restored, say), blindsight verify --accept goes on from what is there.`,
    );
    if (faults.length > 0) process.exitCode = 1;
  });
}
