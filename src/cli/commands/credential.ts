/** `blindsight credential`. @module */
import { addCredential, readCredentials, revokeCredential } from '../../adapters/credential-file.ts';
import type { Role } from '../../server/credentials.ts';
import { answer, remark, type Common } from '../output.ts';

export async function add(file: string, name: string, options: Common & { readonly role: Role }): Promise<void> {
  const { role } = options;
  const token = await addCredential(file, name, role);
  remark(options, `The token of ${name} (${role}); it is shown only now.`);
  answer(options, { name, role, token }, token);
}

export async function revoke(file: string, name: string, options: Common): Promise<void> {
  await revokeCredential(file, name);
  answer(options, { name, revoked: true }, `${name} is revoked.`);
}

export async function list(file: string, options: Common): Promise<void> {
  const credentials = (await readCredentials(file)).map(({ name, role, createdAt }) => ({
    name,
    role,
    createdAt: new Date(createdAt).toISOString(),
  }));
  answer(
    options,
    { credentials },
    credentials.length === 0
      ? 'No credentials.'
      : credentials.map(({ name, role, createdAt }) => `${role.padEnd(7)} ${createdAt}  ${name}`).join('\n'),
  );
}
