/**
 * A handler on a port, under Node.
 * @module
 */
import { createAdaptorServer } from '@hono/node-server';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { RetrievalError } from '../base/errors.ts';
import type { Handler } from '../server/http.ts';

/** Where to listen, and for how long to people who say nothing. */
export interface ListenOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** For the whole header of a request: ends slow-loris connections. Default 15 seconds. */
  readonly headersMs?: number;
  /** Silence of a connection, either way, before it is closed. Default 120 seconds; above the handler's own limits. */
  readonly silenceMs?: number;
  /** Connections at a time. Default 4096. */
  readonly connections?: number;
}

/** An open port. */
export interface Listener {
  readonly url: string;
  /**
   * Takes no new connection, finishes the requests in hand, and ends.
   * @param graceMs - Longest time for that. Default 30 seconds.
   */
  close(graceMs?: number): Promise<void>;
}

const MAX_HEADER_BYTES = 8192;

/**
 * Opens a port.
 * @throws `server-unreachable` when the port cannot be had. {@link RetrievalError}
 */
export async function listen(
  handler: Handler,
  { host, port, headersMs = 15_000, silenceMs = 120_000, connections = 4096 }: ListenOptions,
): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: (request) => handler.fetch(request),
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: headersMs,
      // Bodies have limits of their own, by what arrives: a large image over a slow line is no attack.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(1000, headersMs),
      keepAliveTimeout: 10_000,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
  }) as Server;
  server.setTimeout(silenceMs);
  server.maxConnections = connections;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new RetrievalError('server-unreachable', `cannot listen on ${host}:${port} (${error.code})`, { cause: error }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const { port: actual, address, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`,
    async close(graceMs = 30_000) {
      const drained = handler.drain();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Who has not said a word has nothing in hand.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      // Connections that were kept alive by an answer begun before the end was announced.
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(timer);
      await drained;
    },
  };
}
