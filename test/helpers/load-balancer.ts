import { Agent, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../../providers/sandbox/stand-in.ts';

/** `by` is the target's place; `outcome` is the status, or how it failed. */
export type Balanced = { method: string; path: string; by: number; outcome?: number | 'cut' };

export type LoadBalancer = {
  url: string;
  /** The targets from now on, in turn. Those that are not ready, or refuse the connection, are passed over. */
  serve(urls: string[]): void;
  /** Everything that was handed on, in order. */
  requests: Balanced[];
  /** Places of the targets that say they are ready. */
  ready(): number[];
  close(): Promise<void>;
};

const CHECK_MS = 50;

/** Stands before several web processes as an operator's load balancer does: round robin over lasting connections, with a look at `/readyz`. */
export async function startLoadBalancer(): Promise<LoadBalancer> {
  let targets: { url: string; place: number; isReady: boolean }[] = [];
  const requests: Balanced[] = [];
  let turn = 0;
  const agent = new Agent({ keepAlive: true });
  const checking = setInterval(() => {
    for (const target of targets)
      void fetch(`${target.url}/readyz`).then(
        ({ status }) => (target.isReady = status === 200),
        () => (target.isReady = false),
      );
  }, CHECK_MS);

  const { url, close } = await listen((req, res) => {
    bytesOf(req).then(
      (body) => handOn(req, res, body),
      () => res.destroy(),
    );
  });

  function handOn(req: IncomingMessage, res: ServerResponse, body: Buffer, refused: number[] = []): void {
    const able = targets.filter(({ isReady, place }) => isReady && !refused.includes(place));
    const target = able[turn++ % Math.max(1, able.length)];
    const { method = 'GET', url: path = '/' } = req;
    if (!target) return void res.writeHead(502).end('no web process is ready');
    const seen: Balanced = { method, path, by: target.place };
    const sent = ask(`${target.url}${path}`, { method, headers: req.headers, agent }, (answer) => {
      seen.outcome = answer.statusCode ?? 502;
      res.writeHead(seen.outcome, answer.headers);
      answer.pipe(res);
      answer.on('error', () => {
        seen.outcome = 'cut';
        res.destroy();
      });
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // Nothing of it was heard there: another one may have it.
      if (error.code === 'ECONNREFUSED') {
        requests.splice(requests.indexOf(seen), 1);
        return handOn(req, res, body, [...refused, target.place]);
      }
      if (!res.destroyed) seen.outcome = 'cut';
      res.destroy();
    });
    res.on('close', () => sent.destroy());
    requests.push(seen);
    sent.end(body);
  }

  return {
    url,
    serve: (urls) => void (targets = urls.map((one, place) => ({ url: one, place, isReady: true }))),
    requests,
    ready: () => targets.filter(({ isReady }) => isReady).map(({ place }) => place),
    async close() {
      clearInterval(checking);
      agent.destroy();
      await close();
    },
  };
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
