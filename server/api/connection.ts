import type { Response } from 'express';

/** Fires when the connection ends, whether the answer was complete or the client left. */
export function closedSignal(res: Response): AbortSignal {
  const closed = new AbortController();
  if (res.closed) closed.abort();
  else res.once('close', () => closed.abort());
  return closed.signal;
}

/** Waits `ms` milliseconds, or until the signal fires; never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * Begins an answer of server-sent events; gives what writes one, whose `data` is a single line. It waits for a reader that is slow.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function openEventStream(res: Response): (event: string, data: string, id?: string) => Promise<void> {
  res.status(200).set({
    'Content-Type': 'text/event-stream',
    // Compression and proxies would hold events back.
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  res.flushHeaders();
  return async (event, data, id) => {
    const sent = res.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
    // A reader that does not read must not fill the memory.
    if (!sent && !res.closed) await drained(res);
  };
}

function drained(res: Response): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.once('drain', done);
    res.once('close', done);
  });
}
