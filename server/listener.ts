import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens. `inHand` are the answers that have begun or wait. */
export type Listener = { server: Server; url: string; inHand: Set<ServerResponse> };

/** Streams of events have no end of their own; browsers come back by themselves. */
const CUT_STREAMS_MS = 2000;

/**
 * Listens for requests. While `isDraining` says so, each answer asks its client to leave the connection.
 * Errors: Error that names `variable` where the port is taken.
 */
export async function listen(
  app: RequestListener,
  { port, host }: { port: number; host: string },
  variable: string,
  isDraining: () => boolean,
): Promise<Listener> {
  const inHand = new Set<ServerResponse>();
  const server = createServer((req, res) => {
    // The log, metrics, the session and whoever streams wait for its end.
    res.setMaxListeners(20);
    inHand.add(res);
    res.once('close', () => inHand.delete(res));
    if (isDraining()) res.setHeader('Connection', 'close');
    app(req, res);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${port} is in use already. Stop what listens there, or set ${variable} to another number.`,
              {
                cause: error,
              },
            )
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
  return { server, url: `http://${displayHost(host)}:${(server.address() as AddressInfo).port}`, inHand };
}

const displayHost = (host: string): string => (host === '0.0.0.0' || host === '::' ? 'localhost' : host);

/** Takes no more connections, and lets requests that have begun get their answer, within `timeoutMs`. */
export function closeServer({ server, inHand }: Listener, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cutStreams = () => {
      for (const res of inHand)
        if (res.req.method === 'GET' && /^text\/event-stream/.test(String(res.getHeader('content-type'))))
          res.destroy();
    };
    // A client may keep the connection of an answer that has ended meanwhile.
    const leaveIdle = setInterval(() => server.closeIdleConnections(), 100);
    const timers = [
      setTimeout(cutStreams, Math.min(CUT_STREAMS_MS, timeoutMs)),
      setTimeout(() => server.closeAllConnections(), timeoutMs),
    ];
    server.close(() => {
      clearInterval(leaveIdle);
      timers.forEach(clearTimeout);
      resolve();
    });
    server.closeIdleConnections();
  });
}
