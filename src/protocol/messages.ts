/**
 * The protocol: every message that crosses between client and server, its bytes and its limits.
 * @module
 */
export * from './limits.ts';
export * from './requests.ts';
export * from './responses.ts';
