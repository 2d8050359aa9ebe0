/**
 * Why two pictures are alike: a bar a feature, full where they are equal; and how much each feature counts.
 * @module
 */
import { FEATURE_NAMES, type FeatureNumbers } from './calls.ts';
import { h } from './dom.ts';
import { figure } from './words.ts';

/** Features in words. */
const FEATURE_WORDS: Readonly<Record<(typeof FEATURE_NAMES)[number], string>> = {
  ehd: 'Edges',
  bow: 'Texture',
  deep: 'Content',
};

/**
 * Three bars.
 * @param features - What each adds to the score.
 * @param weights - What each adds where it is equal.
 */
export function whyBars(features: FeatureNumbers, weights: FeatureNumbers): HTMLElement {
  const rows = FEATURE_NAMES.map((name) => {
    // A query without anything of the feature gives it no weight.
    const counts = weights[name] > 0;
    const alike = counts ? features[name] / weights[name] : 0;
    const fillBar = h('span', { class: `bar ${name}` });
    fillBar.style.width = `${100 * Math.max(0, Math.min(1, alike))}%`;
    const adds = counts
      ? `adds ${figure(features[name])} of at most ${figure(weights[name])} to the score`
      : 'the picture has none of it to compare';
    return h(
      'li',
      { title: `${FEATURE_WORDS[name]}: ${adds}` },
      h('span', { class: 'feature' }, FEATURE_WORDS[name]),
      h('span', { class: 'track', 'aria-hidden': 'true' }, fillBar),
      h('span', { class: 'figure' }, counts ? figure(alike) : '–'),
    );
  });
  return h('ul', { class: 'why', role: 'list', 'aria-label': 'Why: how alike each feature is, 1 is equal' }, ...rows);
}

/** How much each feature counts in a search. */
export function weightBar(weights: FeatureNumbers): HTMLElement {
  const parts = FEATURE_NAMES.map((name) => {
    const part = h('span', { class: `part ${name}` });
    part.style.width = `${100 * weights[name]}%`;
    return part;
  });
  const legend = FEATURE_NAMES.map((name) =>
    h('li', {}, h('span', { class: `dot ${name}` }), `${FEATURE_WORDS[name]} ${Math.round(100 * weights[name])} %`),
  );
  return h(
    'div',
    { class: 'weights' },
    h('div', { class: 'parts', 'aria-hidden': 'true' }, ...parts),
    h(
      'ul',
      { class: 'legend', role: 'list', 'aria-label': 'How much each feature counts for this picture' },
      ...legend,
    ),
  );
}
