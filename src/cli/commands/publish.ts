/** `blindsight publish`. @module */
import { publishStore } from '../../adapters/publish.ts';
import { answer, size, type Common } from '../output.ts';
import { storeFolder } from './serve.ts';

export async function publish(folder: string, target: string, options: Common): Promise<void> {
  const { images, editionBytes } = await publishStore(await storeFolder(folder), target);
  answer(
    options,
    { images, editionBytes },
    `Wrote ${images} images and an edition of ${size(editionBytes)} to ${target}: put its files into the bucket under their names.`,
  );
}
