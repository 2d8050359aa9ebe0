/** `blindsight share`. @module */
import { shareLibrary } from '../../adapters/sharing.ts';
import { writeWhole } from '../../adapters/library-files.ts';
import type { GrantRole } from '../../crypto/grant.ts';
import { readOpener, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';

interface Options extends OpenOptions {
  readonly to: string;
  readonly role: GrantRole;
  readonly output: string;
}

export async function share(folder: string, options: Options): Promise<void> {
  const { to, role, output, server } = options;
  const grant = await shareLibrary(folder, {
    ...{ opener: await readOpener(options), recipient: to, role },
    ...(server === undefined ? {} : { server }),
  });
  await writeWhole(output, grant);
  answer(
    options,
    { library: folder, to, role, grant: output },
    `Wrote ${output}: only ${to} can open it.
The server asks for a credential besides: blindsight credential add USERS.json NAME --role ${role}
The grant holds the key of the library, also for a viewer: together with the server, a viewer can do what an owner can.
To end it, revoke the credential, and rotate the key.`,
  );
}
