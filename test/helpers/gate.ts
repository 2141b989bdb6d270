import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../../providers/sandbox/stand-in.ts';

/** A relay before a vendor's stand-in that lets so many files through, and holds the requests for others back. */
export type Gate = {
  url: string;
  /** Files that may be fetched so far; each as often as one likes. Infinity at first. */
  allow(files: number): void;
  /** How many files were let through. */
  passed(): number;
  /** How many downloads wait at the gate. */
  held(): number;
  close(): Promise<void>;
};

/** Files that one gate let through pass at the others of the same `passed` too. */
export async function startGate(origin: string, passed = new Set<string>()): Promise<Gate> {
  const waiting = new Set<() => void>();
  let allowed = Infinity;

  const mayPass = (file: string): boolean => {
    if (!passed.has(file) && passed.size >= allowed) return false;
    passed.add(file);
    return true;
  };

  function handle(req: IncomingMessage, res: ServerResponse): void {
    const file = /\/files\/([^/?]+)\?.*\balt=media/.exec(req.url ?? '')?.[1];
    if (file === undefined) return relay(origin, req, res);
    const tryToPass = () => {
      if (!mayPass(file)) return;
      waiting.delete(tryToPass);
      relay(origin, req, res);
    };
    waiting.add(tryToPass);
    res.on('close', () => waiting.delete(tryToPass));
    tryToPass();
  }

  const { url, close } = await listen(handle);
  return {
    url,
    allow(files) {
      allowed = files;
      for (const tryToPass of [...waiting]) tryToPass();
    },
    passed: () => passed.size,
    held: () => waiting.size,
    close,
  };
}

/** Hands a request on and its answer back, as they are. */
export function relay(origin: string, req: IncomingMessage, res: ServerResponse, path = req.url ?? '/'): void {
  const { host: _host, ...headers } = req.headers;
  const sent = ask(`${origin}${path}`, { method: req.method, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(res);
  });
  sent.on('error', () => res.destroy());
  res.on('close', () => sent.destroy());
  req.pipe(sent);
}
