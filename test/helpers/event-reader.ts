import { waitFor } from './wait.ts';

export type SeenEvent = {
  id?: string;
  event: string;
  data: { id: string; name?: string; status: string; progress?: { current: { name: string; stage: string }[] } };
};

export type EventReader = {
  events: SeenEvent[];
  /** The first event that fits, waited for. */
  next(what: string, fits: (event: SeenEvent) => boolean, timeoutMs?: number): Promise<SeenEvent>;
  /** The events of items, in order. */
  items(): SeenEvent[];
  /** The stream has ended or was cut. */
  hasEnded(): boolean;
  close(): void;
};

/** Reads a stream of server-sent events until it ends or is closed. */
export async function readEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const leaving = new AbortController();
  const response = await fetch(url, { headers, signal: leaving.signal });
  if (response.status !== 200) throw new Error(`the events were answered with ${response.status}`);
  const events: SeenEvent[] = [];
  const read = async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(part, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        const data = field('data');
        if (data === undefined) continue;
        events.push({ id: field('id'), event: field('event') ?? '', data: JSON.parse(data) as SeenEvent['data'] });
      }
    }
  };
  let ended = false;
  // A stream that was left, or cut, ends with an error.
  read()
    .catch(() => undefined)
    .finally(() => (ended = true));
  return {
    events,
    next: (what, fits, timeoutMs) => waitFor(what, () => events.find(fits), timeoutMs),
    items: () => events.filter(({ event }) => event === 'item'),
    hasEnded: () => ended,
    close: () => leaving.abort(),
  };
}
