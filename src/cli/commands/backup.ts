/** `blindsight backup`. @module */
import { backUp } from '../../adapters/backup.ts';
import { answer, size, type Common } from '../output.ts';

export async function backup(folder: string, target: string, options: Common): Promise<void> {
  const { storeBytes, hasStore } = await backUp(folder, target);
  answer(
    options,
    { storeBytes, hasStore },
    hasStore
      ? `Copied to ${target}, with a store of ${size(storeBytes)}. blindsight verify ${target} checks it.`
      : `Copied key and vocabulary to ${target}. The store is on a server: back it up there.`,
  );
}
