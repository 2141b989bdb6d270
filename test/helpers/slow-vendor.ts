import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../../providers/sandbox/stand-in.ts';

export type SlowVendor = {
  /** Stands for the origin that `start` names. */
  url: string;
  start(origin: string): void;
  /** Downloads under way, by their path. */
  sending(): string[];
  /** How many downloads the other side has cut. */
  cut(): number;
  /** Lets the rest of so many downloads go at once; all of them, and those to come, where nothing is said. */
  letGo(count?: number): void;
  close(): Promise<void>;
};

type Download = { path: string; finish: () => void };

/** Stands before a stand-in of Google Drive and sends what is downloaded a byte at a time, for as long as it is asked to. */
export async function startSlowVendor(): Promise<SlowVendor> {
  let origin = '';
  let isSlow = true;
  let cut = 0;
  const downloads = new Set<Download>();

  const server = await listen((req, res) => {
    const passed = ask(`${origin}${req.url}`, { method: req.method, headers: { ...req.headers, host: '' } }, (answer) =>
      handOn(req, res, answer),
    );
    passed.on('error', () => res.destroy());
    req.pipe(passed);
  });

  function handOn(req: IncomingMessage, res: ServerResponse, answer: IncomingMessage): void {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    if (!isSlow || !/alt=media|export/.test(req.url ?? '')) return void answer.pipe(res);
    const parts: Buffer[] = [];
    answer.on('data', (part: Buffer) => parts.push(part));
    answer.on('end', () => drip(req.url ?? '', res, Buffer.concat(parts)));
  }

  function drip(path: string, res: ServerResponse, bytes: Buffer): void {
    let at = 0;
    const timer = setInterval(() => at < bytes.length - 1 && res.write(bytes.subarray(at, ++at)), 50);
    const download: Download = { path, finish: () => res.end(bytes.subarray(at)) };
    downloads.add(download);
    res.on('close', () => {
      clearInterval(timer);
      downloads.delete(download);
      if (!res.writableFinished) cut++;
    });
  }

  return {
    url: server.url,
    start: (named) => void (origin = named),
    sending: () => [...downloads].map(({ path }) => path),
    cut: () => cut,
    letGo(count) {
      isSlow = count !== undefined;
      for (const { finish } of [...downloads].slice(0, count)) finish();
    },
    close: () => server.close(),
  };
}
