/**
 * The HTTP interface, described in OpenAPI 3.1.
 * @module
 */
import { MESSAGES_PATH, MESSAGE_TYPE } from '../protocol/http-names.ts';

const message = { [MESSAGE_TYPE]: { schema: { type: 'string', contentMediaType: MESSAGE_TYPE } } };
const json = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };

function refused(description: string, content: object = json): object {
  return { description, content };
}

function open(summary: string, type: string, also: object = {}): object {
  return {
    get: { summary, security: [], responses: { 200: { description: 'As said.', content: { [type]: {} } }, ...also } },
  };
}

/** What a handler serves beside the messages. */
const FILES = {
  '/': open('The browser page: static.', 'text/html', { 304: { description: 'Not changed.' } }),
  '/page/{file}': {
    get: {
      summary:
        'A static file of the page, compressed when asked. Script, style, kernels and ONNX Runtime are for anyone; models/*, models.json and library/* for bearers.',
      security: [{}, { bearer: [] }],
      parameters: [
        {
          ...{ name: 'file', in: 'path', required: true, schema: { type: 'string' } },
          description: 'May have slashes: runtime/NAME, models/SHA256, library/NAME.',
        },
        { name: 'If-None-Match', in: 'header', schema: { type: 'string' } },
        { name: 'Accept-Encoding', in: 'header', schema: { type: 'string' }, description: 'br and gzip are known.' },
      ],
      responses: {
        200: {
          description: 'The file.',
          headers: { ETag: { schema: { type: 'string' }, description: 'Of the bytes in this encoding.' } },
          content: { '*/*': {} },
        },
        304: { description: 'Not changed.' },
        401: refused('No credential, or an unknown one.'),
        404: refused('No such file.'),
      },
    },
  },
};

/**
 * The whole description, for `JSON.stringify`.
 * @param files - Whether the browser page is served too.
 */
export function describeApi(files: boolean): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Blindsight',
      version: 'v0',
      description:
        'Encrypted image retrieval: the server holds ciphertext, and finds what lies near a trapdoor. Keys never come here.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }],
    paths: {
      [`/${MESSAGES_PATH}`]: {
        post: {
          summary: 'One message of the protocol in, one out. Every message may be sent again without harm.',
          requestBody: { required: true, content: message },
          responses: {
            200: { description: 'The answer.', content: message },
            400: refused('Not a message of this version.', message),
            401: refused('No credential, or an unknown one.', message),
            403: refused('The role of the credential does not allow this message.', message),
            404: refused('No such image.', message),
            408: refused('The message did not arrive in time.', message),
            409: refused('The index is another one, or not whole.', message),
            413: refused('More bytes than the server takes.', message),
            415: refused(`The body is not ${MESSAGE_TYPE}.`),
            429: refused('Too many requests: see Retry-After.', message),
            500: refused('The server failed inside, or what it stores is damaged.', message),
            503: refused('Too much to do: see Retry-After.', message),
            507: refused('No space is left.', message),
          },
        },
      },
      '/v0/blobs/{id}': {
        get: {
          summary:
            'An encrypted image, streamed. Images are put by message only: an image and its record are one change.',
          parameters: [
            { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[0-9a-fA-F]{32}$' } },
            { name: 'Range', in: 'header', schema: { type: 'string' }, description: 'One range of bytes.' },
            { name: 'If-Range', in: 'header', schema: { type: 'string' } },
            { name: 'If-None-Match', in: 'header', schema: { type: 'string' } },
          ],
          responses: {
            200: {
              description: 'The whole image.',
              headers: {
                ETag: { schema: { type: 'string' }, description: 'Another one whenever the bytes are others.' },
                'Blindsight-Wrapped-Key': {
                  schema: { type: 'string' },
                  description: "The image's key, sealed under the library's: hexadecimal.",
                },
              },
              content: { 'application/octet-stream': {} },
            },
            206: { description: 'The range asked for.', content: { 'application/octet-stream': {} } },
            304: { description: 'Not changed.' },
            401: refused('No credential, or an unknown one.'),
            404: refused('No such image.'),
            416: refused('None of the range is there.'),
            429: refused('Too many requests: see Retry-After.'),
          },
        },
      },
      '/healthz': open('The process answers.', 'text/plain'),
      '/readyz': open('The store can be read, and the server is not going down.', 'text/plain', {
        503: { description: 'Not now.' },
      }),
      '/metrics': open('Counters in the Prometheus text format. No ids, no users.', 'text/plain'),
      '/openapi.json': open('This description.', 'application/json'),
      ...(files ? FILES : {}),
    },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: { code: { type: 'string' }, message: { type: 'string' } },
            },
          },
        },
      },
    },
  };
}
