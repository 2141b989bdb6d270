import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { Topic } from '../database/changes.ts';
import type { Database } from '../database/database.ts';
import { createLine } from './postgres.ts';

/**
 * Says in every process of the hub that something has changed, and not what: whoever hears it looks in the database. A signal may come twice, and
 * one may be lost, so that each listener also looks by itself after `patienceMs`.
 */
export type Signals = {
  /** Begins to hear the other processes; until then, and on the embedded database, signals stay in this one. */
  start(): void;
  publish(topic: Topic, id: string): void;
  /** Calls the listener with the id of each thing that changed; with `id` only for that one. Gives a function that ends it. */
  subscribe(topic: Topic, id: string | undefined, listener: (id: string) => void): () => void;
  /** After so many milliseconds without a signal a listener looks for itself: soon while other processes cannot be heard. */
  patienceMs(): number;
  close(): Promise<void>;
};

const PATIENCE_MS = 5000;
const DEAF_PATIENCE_MS = 1000;

/** Signals of what the transactions of this process change, and those of the other processes on the same Postgres. */
export function createSignals(deps: { database: Database; logger: Logger }): Signals {
  const { database, logger } = deps;
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);

  const tell = (message: string) => {
    const [topic = '', id = ''] = message.split(' ');
    emitter.emit(topic, id);
    emitter.emit(message, id);
  };
  const missed = () => {
    for (const name of emitter.eventNames()) {
      const [, id] = String(name).split(' ');
      if (id !== undefined) emitter.emit(name, id);
    }
  };
  const { connectAlone } = database;
  const line = connectAlone && createLine({ connect: connectAlone, logger, heard: tell, missed });

  const publish = (topic: Topic, id: string) => {
    tell(`${topic} ${id}`);
    line?.send(`${topic} ${id}`);
  };
  database.onChange((changes) => changes.forEach(({ topic, id }) => publish(topic, id)));

  return {
    start: () => line?.start(),
    publish,
    subscribe(topic, id, listener) {
      const name = id === undefined ? topic : `${topic} ${id}`;
      emitter.on(name, listener);
      return () => void emitter.off(name, listener);
    },
    patienceMs: () => (line && !line.isLive() ? DEAF_PATIENCE_MS : PATIENCE_MS),
    async close() {
      await line?.close();
    },
  };
}

/** One listener's ear: a signal between two calls of `next` is not lost. */
export type Watch = {
  /** Returns at the next signal, after `ms` (default: the signals' patience), or when the listener leaves. */
  next: (left: AbortSignal, ms?: number) => Promise<void>;
  close: () => void;
};

/** Follows one thing. */
export function watch(signals: Signals, topic: Topic, id: string): Watch {
  let isNew = false;
  let wake: (() => void) | undefined;
  const unsubscribe = signals.subscribe(topic, id, () => {
    isNew = true;
    wake?.();
  });
  return {
    async next(left, ms = signals.patienceMs()) {
      if (!isNew && !left.aborted)
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer);
            left.removeEventListener('abort', done);
            resolve();
          };
          const timer = setTimeout(done, ms);
          left.addEventListener('abort', done);
          wake = done;
        });
      wake = undefined;
      isNew = false;
    },
    close: unsubscribe,
  };
}
