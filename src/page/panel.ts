/**
 * What is going on: an import, an export. At the foot of the page, told now and then to those who do not see it.
 * @module
 */
import type { AddProgress } from './calls.ts';
import type { Keeper } from './keeper.ts';
import { fill, h } from './dom.ts';
import { count, duration, pictures, sentence } from './words.ts';

/** Failures listed. */
const LISTED = 200;
/** Shortest time between two things said, while nothing changes but numbers. */
const SAY_MS = 8000;

/** The import. */
export class AddPanel {
  readonly element: HTMLElement;
  readonly #title: HTMLElement;
  readonly #bar: HTMLProgressElement;
  readonly #line: HTMLElement;
  readonly #spoken: HTMLElement;
  readonly #failures: HTMLDetailsElement;
  readonly #pause: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  #state: AddProgress['state'] = 'done';
  #said = 0;

  constructor(keeper: Keeper) {
    this.#title = h('strong', {});
    this.#bar = h('progress', { 'aria-label': 'Pictures encoded', max: 1 });
    this.#line = h('span', { class: 'quiet small' });
    this.#spoken = h('p', { class: 'unseen', role: 'status' });
    this.#failures = h('details', { hidden: true });
    this.#pause = h('button', {
      type: 'button',
      onclick: () =>
        void keeper.call(this.#state === 'paused' || this.#state === 'failed' ? 'resumeAdding' : 'pauseAdding'),
    });
    this.#stop = h('button', {
      type: 'button',
      onclick: () => {
        if (this.#isOver()) this.element.hidden = true;
        else void keeper.call('stopAdding');
      },
    });
    this.element = h(
      'section',
      { class: 'panel card', 'aria-label': 'Adding pictures', hidden: true },
      h('div', { class: 'panel-head' }, this.#title, h('div', { class: 'row' }, this.#pause, this.#stop)),
      this.#bar,
      this.#line,
      this.#failures,
      this.#spoken,
    );
  }

  /** Shows how far it has come. */
  show(progress: AddProgress): void {
    const { state, total, encoded, added, known, failures, rate, failure } = progress;
    const changed = state !== this.#state;
    this.#state = state;
    this.element.hidden = false;
    this.element.dataset['state'] = state;
    this.#title.textContent = {
      running: 'Encrypting and adding',
      paused: 'Paused',
      waiting: 'No connection: goes on when the server is back',
      done: added === 0 ? 'Nothing new to add' : `${pictures(added)} added`,
      stopped: 'Stopped: what was added stays',
      failed: failure === undefined ? 'Failed' : sentence(failure),
    }[state];
    this.#bar.max = Math.max(1, total);
    this.#bar.value = encoded;
    const left = total - encoded;
    const parts = [
      this.#isOver() ? '' : `${count(encoded)} of ${count(total)}`,
      state === 'running' && rate > 0 ? `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second` : '',
      state === 'running' && rate > 0 && left > 0 ? `${duration(left / rate)} left` : '',
      known > 0 ? `${count(known)} there already` : '',
      failures.length > 0 ? `${count(failures.length)} not added` : '',
    ].filter((part) => part !== '');
    this.#line.textContent = parts.join(' · ');
    this.#bar.hidden = this.#isOver();
    this.#pause.hidden = this.#isOver();
    this.#pause.textContent = state === 'paused' ? 'Go on' : state === 'failed' ? 'Try again' : 'Pause';
    this.#stop.textContent = this.#isOver() ? 'Close' : 'Stop';
    this.#failures.hidden = failures.length === 0;
    if (failures.length > 0)
      fill(
        this.#failures,
        h('summary', {}, 'Not added'),
        h(
          'ul',
          { role: 'list' },
          ...failures
            .slice(0, LISTED)
            .map((each) =>
              h('li', {}, h('span', { class: 'long' }, each.path), h('span', { class: 'quiet' }, sentence(each))),
            ),
          failures.length > LISTED && h('li', {}, `and ${count(failures.length - LISTED)} more`),
        ),
      );
    const now = performance.now();
    if (changed || now - this.#said > SAY_MS) {
      this.#said = now;
      this.#spoken.textContent = `${this.#title.textContent ?? ''}. ${parts.join(', ')}`;
    }
  }

  #isOver(): boolean {
    return this.#state === 'done' || this.#state === 'stopped';
  }
}
