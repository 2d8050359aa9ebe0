/**
 * Who learns what, in the words a user reads.
 * @module
 */
import { RANKINGS, type Ranking } from '../protocol/messages.ts';

/** What the server learns under each ranking, beside what every server sees. */
const LEARNS: Record<Ranking, { readonly inShort: string; readonly lines: readonly string[] }> = {
  server: {
    inShort: 'the server ranks; it learns most, and clients need least',
    lines: [
      'The server can tell which stored images look nearly alike, without any query; which images share tokens; and the scores\n    of each search, up to a scale, a shift and noise.',
      'Someone who controls the server and knows some of your pictures can work out the codes (not the pixels) of the others and\n    of your searches: of 3,900 photos, 72 % of the bits from 500 known ones, 95 % from 1,000 (at the default noise).',
    ],
  },
  split: {
    inShort: 'the server picks candidates by tokens, the client ranks them; no scores, no vectors',
    lines: [
      'The server can tell which stored images share tokens: their number says roughly how much two images look alike.',
      'It sees the tokens of each search, and so which images became candidates, but not which of them were near. Tokens of an\n    old search match images that are added later.',
    ],
  },
  client: {
    inShort: 'the server stores ciphertext only; the client keeps an encrypted copy of all codes',
    lines: [
      'The server sees when a client comes for what has changed, and which images it fetches or opens by id. Nothing of a search\n    reaches it, and but for the order in which images were added nothing that it stores tells which of them look alike.',
    ],
  },
};

/** What a user is told when a ranking is chosen: its row of the table, and the names of the others. */
export function whoLearnsWhat(ranking: Ranking): string {
  const lines = [
    'Only holders of your passphrase or recovery words can open images, names and codes.',
    'The server sees how many images there are, their padded sizes, and when they are added, searched, fetched or removed.',
    ...LEARNS[ranking].lines,
  ];
  const others = RANKINGS.filter((other) => other !== ranking).map(
    (other) => `  - blindsight migrate LIBRARY --ranking ${other}: ${LEARNS[other].inShort}`,
  );
  return `Who learns what (ranking "${ranking}"):
${lines.map((line) => `  - ${line}`).join('\n')}
  Pictures themselves rest on AES-256-GCM alone. SECURITY.md says more.

Other rankings, for the same library and at any time:
${others.join('\n')}`;
}
