/** Milliseconds of work in one turn of the event loop, over all tasks together. */
const SLICE_MS = 10;

type Task = { step(): boolean; fail(reason: unknown): void; signal: AbortSignal };

/**
 * Runs generators on this thread in turns, so that the event loop is free after each 10 ms whatever is under way. Urgent tasks go first.
 */
export function createTimeSlicer(): {
  run<T>(work: Generator<void, T>, options: { signal: AbortSignal; urgent: boolean }): Promise<T>;
} {
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
      task.signal.throwIfAborted();
      return task.step();
    } catch (error) {
      task.fail(error);
      return true;
    }
  }

  return {
    run<T>(work: Generator<void, T>, options: { signal: AbortSignal; urgent: boolean }) {
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
    },
  };
}
