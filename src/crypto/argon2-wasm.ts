/**
 * What is used of `hash-wasm`, and no more, so that a bundler that splits can leave out the rest and load this when it is needed.
 * @module
 */
export { argon2id } from 'hash-wasm';
