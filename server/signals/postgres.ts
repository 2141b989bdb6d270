import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Logger } from 'pino';

/** Between two statements that carry signals: changes of that time go together, each thing once. */
const GATHER_MS = 250;
/** How often a process calls itself over the line, and how long its call may stay out. */
const CALL_MS = 5000;
const SILENCE_MS = 12_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
const CLOSE_MS = 1000;

const CHANNEL = 'tributary';
const CALL = 'call';

export type Line = {
  start(): void;
  /** What is sent while the line is away goes out when it is back, each message once. */
  send(message: string): void;
  /** Whether what is sent arrives. A pooler that lends connections by the transaction takes everything and delivers nothing. */
  isLive(): boolean;
  close(): Promise<void>;
};

/**
 * Carries messages between the processes on one Postgres: LISTEN and NOTIFY on a connection of its own, made anew when it breaks. `heard` gets
 * those of other processes; `missed` is called when some may have been lost.
 * Sources: https://www.postgresql.org/docs/current/sql-notify.html, https://www.pgbouncer.org/features.html
 */
export function createLine(deps: {
  connect: () => Client;
  logger: Logger;
  heard: (message: string) => void;
  missed: () => void;
}): Line {
  const { logger } = deps;
  const own = randomUUID();
  const pending = new Set<string>();
  /** `heardAt` is when its own call came back last. */
  let line: { client: Client; openedAt: number; heardAt?: number; lose: (error?: Error) => void } | undefined;
  let state: 'new' | 'open' | 'closed' = 'new';
  let failures = 0;
  let isWarned = false;
  let gathering: NodeJS.Timeout | undefined;
  let calling: NodeJS.Timeout | undefined;
  let retrying: NodeJS.Timeout | undefined;

  const isLive = () => line?.heardAt !== undefined && Date.now() - line.heardAt < SILENCE_MS;

  async function open(): Promise<void> {
    const client = deps.connect();
    let isLost = false;
    const lose = (error?: Error) => {
      // An error and an end often come together.
      if (isLost) return;
      isLost = true;
      if (line?.client === client) line = undefined;
      client.end().catch(() => undefined);
      retry(error);
    };
    client.on('error', lose);
    client.on('end', () => lose());
    client.on('notification', ({ payload }) => receive(payload));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch (error) {
      return lose(error as Error);
    }
    if (state === 'closed') return lose();
    line = { client, openedAt: Date.now(), lose };
    await notify([CALL]);
    flush();
  }

  function retry(error?: Error): void {
    if (state === 'closed') return;
    failures++;
    if (failures === 1)
      logger.warn({ err: error }, 'the connection that hears the other processes broke; it is made anew');
    const ms = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)) * (0.5 + Math.random());
    retrying = setTimeout(() => void open(), ms);
    retrying.unref();
  }

  function receive(payload = ''): void {
    const at = payload.indexOf(' ');
    const [sender, message] = [payload.slice(0, at), payload.slice(at + 1)];
    if (sender !== own) {
      if (message !== CALL) deps.heard(message);
    } else if (message === CALL && line) {
      const isBack = line.heardAt === undefined;
      line.heardAt = Date.now();
      failures = 0;
      isWarned = false;
      if (isBack) deps.missed();
    }
  }

  function call(): void {
    if (!line) return;
    const isSilent = Date.now() - (line.heardAt ?? line.openedAt) >= SILENCE_MS;
    // Heard before and silent now: the other end may be gone without a word.
    if (isSilent && line.heardAt !== undefined) return line.lose(new Error('the connection no longer hears itself'));
    if (isSilent && !isWarned) {
      isWarned = true;
      logger.warn(
        'notifications of the database do not arrive, as behind a pooler that lends connections by the transaction; what other processes change is looked for every second',
      );
    }
    void notify([CALL]);
  }

  async function notify(messages: string[]): Promise<void> {
    const sent = line?.client.query(
      `select pg_notify('${CHANNEL}', message) from unnest($1::text[]) as sent (message)`,
      [messages.map((message) => `${own} ${message}`)],
    );
    // A connection that broke says so by itself.
    await sent?.catch(() => undefined);
  }

  function flush(): void {
    if (gathering || pending.size === 0 || !line) return;
    void notify([...pending]);
    pending.clear();
    gathering = setTimeout(() => {
      gathering = undefined;
      flush();
    }, GATHER_MS);
  }

  return {
    start() {
      if (state !== 'new') return;
      state = 'open';
      calling = setInterval(call, CALL_MS);
      calling.unref();
      void open();
    },
    send(message) {
      if (state !== 'open') return;
      pending.add(message);
      flush();
    },
    isLive,
    async close() {
      state = 'closed';
      for (const timer of [gathering, calling, retrying]) clearTimeout(timer);
      const client = line?.client;
      if (pending.size > 0) await Promise.race([notify([...pending]), sleep(CLOSE_MS, undefined, { ref: false })]);
      line = undefined;
      await Promise.race([client?.end().catch(() => undefined), sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}
