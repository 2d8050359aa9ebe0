/**
 * The worker's own face to the page, typed: the compiler is given the names of pages, not of workers.
 * @module
 */
import type { AnswerMessage, CallMessage, KeeperEvent } from '../page/calls.ts';

interface Scope {
  postMessage(message: AnswerMessage | KeeperEvent, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<CallMessage>) => void) | null;
}

export const scope: Scope = globalThis as unknown as Scope;

/** Tells the page something it did not ask for. */
export function tell(event: KeeperEvent): void {
  scope.postMessage(event);
}
