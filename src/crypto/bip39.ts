/**
 * What is used of BIP-39: 256 bits as 24 English words. Loaded when a library is made, or opened by its words; most runs do neither.
 * @module
 */
export { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
export { wordlist } from '@scure/bip39/wordlists/english.js';
