/**
 * What client and server call things when messages travel over HTTP. The version in the path is that of the envelope.
 * @module
 */

/** Where messages are posted, below the address of the server. */
export const MESSAGES_PATH = 'v0/messages';
/** Content type of a message, either way. */
export const MESSAGE_TYPE = 'application/vnd.blindsight';
