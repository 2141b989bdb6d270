/** Milliseconds of work in one turn of the event loop, over all tasks together. */
const SLICE_MS = 10;

type Task = { step(): boolean; fail(reason: unknown): void; signal?: AbortSignal };

export type TimeSlicer = {
  /** What the generator returns. Errors: its own; the signal's reason. */
  run<T>(work: Generator<void, T>, options: { signal?: AbortSignal; urgent: boolean }): Promise<T>;
  /** What `make` gives for each item, in their order. Errors: its own. */
  map<T, R>(items: Iterable<T>, make: (item: T) => R, options: { urgent: boolean }): Promise<R[]>;
};

/**
 * Runs generators on this thread in turns, so that the event loop is free after each 10 ms whatever is under way. Urgent tasks go first.
 */
export function createTimeSlicer(): TimeSlicer {
  const urgent: Task[] = [];
  const others: Task[] = [];
  let scheduled = false;

  function schedule(): void {
    if (scheduled || urgent.length + others.length === 0) return;
    scheduled = true;
    setImmediate(turn);
  }
  function turn(): void {
    scheduled = false;
    const end = performance.now() + SLICE_MS;
    while (performance.now() < end) {
      const queue = urgent.length > 0 ? urgent : others;
      const task = queue[0];
      if (!task) break;
      if (advance(task)) queue.shift();
    }
    schedule();
  }
  /** Whether the task is over. */
  function advance(task: Task): boolean {
    try {
      task.signal?.throwIfAborted();
      return task.step();
    } catch (error) {
      task.fail(error);
      return true;
    }
  }

  function run<T>(work: Generator<void, T>, options: { signal?: AbortSignal; urgent: boolean }): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const step = () => {
        const next = work.next();
        if (next.done) resolve(next.value);
        return next.done === true;
      };
      const fail = (reason: unknown) =>
        reject(reason instanceof Error ? reason : new Error('Stopped.', { cause: reason }));
      (options.urgent ? urgent : others).push({ step, fail, signal: options.signal });
      schedule();
    });
  }
  return { run, map: (items, make, options) => run(each(items, make), options) };
}

function* each<T, R>(items: Iterable<T>, make: (item: T) => R): Generator<void, R[]> {
  const made: R[] = [];
  for (const item of items) {
    made.push(make(item));
    yield;
  }
  return made;
}

/** The one of this process: it has one event loop, so all that would hold it shares the 10 ms of a turn. */
export const timeSlicer = createTimeSlicer();
