/**
 * Where a library is opened: passphrase, and what else is missing for it.
 * @module
 */
import type { LibraryFacts, UnlockOptions } from './calls.ts';
import { ICONS, fill, h, icon } from './dom.ts';
import { failureOf, type Keeper } from './keeper.ts';
import { sentence } from './words.ts';

/** Of the client's half of a library, by name. */
const WANTED = ['key', 'vocabulary', 'index.json'] as const;

/**
 * The form.
 * @param token - The one the address had; empty when it is to be asked for.
 * @param opened - Called with what it was opened with.
 */
export function unlockView(
  keeper: Keeper,
  token: string,
  opened: (facts: LibraryFacts, token: string) => void,
): HTMLElement {
  let files: UnlockOptions['files'];
  const tokenInput = h('input', { id: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false' });
  tokenInput.value = token;
  const passphrase = h('input', {
    id: 'passphrase',
    type: 'password',
    autocomplete: 'current-password',
    autofocus: true,
  });
  const trouble = h('p', { class: 'trouble', role: 'alert', id: 'trouble' });
  const button = h('button', { class: 'primary', type: 'submit' }, 'Unlock');
  const chosen = h('p', { class: 'hint', role: 'status' });
  const folder = h('input', { id: 'folder', type: 'file', multiple: true, webkitdirectory: true, class: 'unseen' });
  const loose = h('input', { id: 'loose', type: 'file', multiple: true, class: 'unseen' });
  const bring = h(
    'div',
    { class: 'bring', hidden: true },
    h(
      'p',
      {},
      'This server keeps a store alone. Choose the folder of your library, or its files key, vocabulary and index.json: they stay in this browser.',
    ),
    h('div', { class: 'row' }, fileButton(folder, 'Choose a folder'), fileButton(loose, 'Choose files')),
    chosen,
  );
  const take = (list: FileList | null): void => {
    const [key, vocabulary, index] = WANTED.map((name) =>
      [...(list ?? [])].find((file) => {
        const path = file.webkitRelativePath;
        return file.name === name && (path === '' || path.endsWith(`/client/${name}`) || path.split('/').length === 2);
      }),
    );
    files = key && vocabulary && index ? { key, vocabulary, index } : undefined;
    chosen.textContent =
      files === undefined ? 'Key, vocabulary and index.json are not all among them.' : 'Key and vocabulary are here.';
  };
  folder.addEventListener('change', () => take(folder.files));
  loose.addEventListener('change', () => take(loose.files));

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = tokenInput.value.trim();
    if (given === '') return complain('Enter the token of the server.', tokenInput);
    if (passphrase.value === '') return complain('Enter the passphrase.', passphrase);
    complain('');
    button.disabled = true;
    fill(button, 'Unlocking…');
    try {
      const facts = await keeper.call('unlock', {
        token: given,
        passphrase: passphrase.value,
        ...(files === undefined ? {} : { files }),
      });
      passphrase.value = '';
      opened(facts, given);
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === 'library-not-found') bring.hidden = false;
      if (failure.code === 'unauthorized') tokenField.hidden = false;
      complain(
        failure.code === 'library-not-found' ? 'The key of the library is needed too.' : sentence(failure),
        failure.code === 'unauthorized' ? tokenInput : failure.code === 'library-not-found' ? undefined : passphrase,
      );
    } finally {
      button.disabled = false;
      fill(button, 'Unlock');
    }
  };
  const complain = (text: string, field?: HTMLInputElement): void => {
    trouble.textContent = text;
    for (const input of [tokenInput, passphrase]) {
      input.toggleAttribute('aria-invalid', input === field);
      if (input === field) input.setAttribute('aria-describedby', 'trouble');
    }
    field?.select();
  };
  const tokenField = h(
    'div',
    { class: 'field', hidden: token !== '' },
    h('label', { for: 'token' }, 'Token of the server'),
    tokenInput,
  );
  return h(
    'main',
    { class: 'unlock' },
    h(
      'form',
      { class: 'card', onsubmit: submit, 'aria-labelledby': 'title' },
      h(
        'div',
        { class: 'brand large' },
        h('span', { class: 'mark' }, icon(ICONS.closedEye)),
        h('h1', { id: 'title' }, 'Blindsight'),
      ),
      h('p', { class: 'lead' }, 'Finds pictures that look alike, on a server that never sees a picture.'),
      tokenField,
      // Password managers ask for a name to keep a passphrase under.
      h('input', {
        class: 'unseen',
        type: 'text',
        autocomplete: 'username',
        value: 'library',
        tabindex: -1,
        'aria-hidden': true,
        readonly: true,
      }),
      h('div', { class: 'field' }, h('label', { for: 'passphrase' }, 'Passphrase'), passphrase),
      bring,
      trouble,
      button,
      h(
        'p',
        { class: 'hint' },
        'Keys are opened in this browser, and stay in it. Pictures are encrypted before they leave.',
      ),
    ),
  );
}

/** A file input that looks like a button, and is one for the keyboard. */
function fileButton(input: HTMLInputElement, text: string): HTMLElement {
  return h('span', { class: 'file-button' }, input, h('label', { for: input.id, class: 'button' }, text));
}
