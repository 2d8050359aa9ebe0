/**
 * Who learns what, in the words a user reads.
 * @module
 */

/** What the server of the `server` ranking learns; SCHEME: three protocols. */
export const SERVER_RANKING_LEARNS = `Who learns what (ranking "server"):
  - Only holders of your passphrase or recovery words can open images, names and codes.
  - The server sees how many images there are, their padded sizes, and when they are added, searched, fetched or removed.
  - The server can tell which stored images look nearly alike, without any query; which images share tokens; and the scores
    of each search, up to a scale, a shift and noise.
  - Someone who controls the server and knows some hundreds of your pictures can work out the codes (not the pixels) of the others.
  Pictures themselves rest on AES-256-GCM alone. SECURITY.md says more.`;
