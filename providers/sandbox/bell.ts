/** A call that a stand-in made because somebody had ordered it; `status` is 0 where nobody answered. */
export type MadeCall = { url: string; method: string; headers: Record<string, string>; body: string; status: number };

/** Lets a stand-in call by itself when its files change. */
export type Bell = {
  /**
   * Looks a few times a second, and rings when `position` is no longer what it was. The files may be changed in any way, so that nobody has to
   * say so. Gives what ends it.
   */
  watch(position: () => number | string, ring: () => Promise<unknown>): () => void;
  /** Makes a call and remembers it. Gives the answer's status and text; status 0 where nobody answered in time. */
  call(
    url: string,
    request: { method?: 'GET' | 'POST'; headers?: Record<string, string>; body?: string },
  ): Promise<{ status: number; text: string; headers: Headers }>;
  /** Every call made, in order. */
  calls: MadeCall[];
  close(): void;
};

const LOOK_MS = 200;
/** All vendors want an answer within some seconds. */
const PATIENCE_MS = 10_000;
/** Of the calls remembered: a demo may run for weeks. */
const MOST_CALLS = 1000;

export function createBell(): Bell {
  const calls: MadeCall[] = [];
  const watched = new Set<{ position: () => number | string; at: number | string; ring: () => Promise<unknown> }>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    for (const one of watched) {
      const now = one.position();
      if (now === one.at) continue;
      one.at = now;
      void one.ring();
    }
  }

  return {
    calls,
    watch(position, ring) {
      const one = { position, at: position(), ring };
      watched.add(one);
      timer ??= setInterval(look, LOOK_MS).unref();
      return () => void watched.delete(one);
    },

    async call(url, { method = 'POST', headers = {}, body = '' }) {
      const made: MadeCall = { url, method, headers, body, status: 0 };
      calls.push(made);
      if (calls.length > MOST_CALLS) calls.shift();
      try {
        const answer = await fetch(url, {
          method,
          headers,
          body: method === 'GET' ? undefined : body,
          redirect: 'manual',
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        const text = await answer.text();
        made.status = answer.status;
        return { status: answer.status, text, headers: answer.headers };
      } catch {
        return { status: 0, text: '', headers: new Headers() };
      }
    },

    close() {
      clearInterval(timer);
      watched.clear();
    },
  };
}

/** Whether a stand-in would call there: as the vendors, https only, or this machine, where the hub under test is. */
export function mayBeCalled(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}
