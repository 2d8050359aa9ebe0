/**
 * What all views share: the worker, the pictures of the open library, and the ways between views.
 * @module
 */
import type { Failure, LibraryFacts, Listing, Picture } from './calls.ts';
import { Keeper } from './keeper.ts';
import { Thumbnails } from './thumbnails.ts';

/** Whose view of the pictures is shown. */
export type Eyes = 'you' | 'server';

/** What a search goes out from. */
export type QuerySource = { readonly id: string } | { readonly file: File };

/** Where one can be. */
export type Place =
  | { readonly view: 'library' }
  | { readonly view: 'duplicates' }
  | { readonly view: 'picture'; readonly query: QuerySource };

/** One part of the page. */
export interface View {
  readonly element: HTMLElement;
  /** Pictures have come or gone, or are seen with other eyes. */
  refresh(): void;
  close(): void;
}

/** The open library, as views see it. */
export interface App {
  readonly keeper: Keeper;
  readonly facts: LibraryFacts;
  readonly pictures: readonly Picture[];
  readonly damaged: readonly string[];
  readonly thumbnails: Readonly<Record<Eyes, Thumbnails>>;
  readonly eyes: Eyes;
  see(eyes: Eyes): void;
  find(id: string): Picture | undefined;
  go(place: Place): void;
  back(): void;
  /** Says what failed. */
  alarm(failure: Failure): void;
  /** Says something in passing, also to those who do not see. */
  say(text: string): void;
  add(files: readonly { readonly file: File; readonly path: string }[]): void;
  export(pictures: readonly Picture[]): void;
  /** After a question; tells whether they are gone. */
  remove(ids: readonly string[], question: string): Promise<boolean>;
  /** What a menu of files gave. */
  chooseFiles(
    how: 'one' | 'many' | 'folder',
    then: (files: readonly { readonly file: File; readonly path: string }[]) => void,
  ): void;
}

/** A library that holds nothing. */
export const NOTHING: Listing = { pictures: [], damaged: [] };
