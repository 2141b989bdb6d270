import { existsSync } from 'node:fs';
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { ContentError } from './normalized.ts';
import type { FromWorker, ParseJob, ParseTimes, ToWorker } from './parse-messages.ts';
import type { Chunk, PreparedDocument } from './pipeline.ts';

export type ParsedDocument = Pick<PreparedDocument, 'format' | 'title' | 'text' | 'chunks'> & ParseTimes;

export type ParsePool = {
  /** Errors: ContentError; the signal's reason; Error when the pool is closed meanwhile. */
  parse(job: ParseJob, signal: AbortSignal): Promise<ParsedDocument>;
  close(): Promise<void>;
};

/** Memory of one worker's JavaScript heap; a file that needs more ends its worker, never the process. */
const WORKER_HEAP_MB = 1_024;
/** And of its young objects: more would be garbage that waits, and costs each worker 20 to 40 MB. */
const YOUNG_HEAP_MB = 8;
/** A file of more bytes is read beside smaller ones only: what a worker holds in memory grows with its file. */
const BIG_BYTES = 16 * 1_048_576;
/** WebAssembly memory never shrinks, so a worker that read a big file, or very many, is replaced. */
const RETIRE_AFTER_BYTES = 64 * 1_048_576;
const RETIRE_AFTER_JOBS = 500;
/** Time a worker may take to start; on a busy machine some seconds. */
const START_MS = 60_000;

type Task = {
  job: ParseJob;
  resolve(document: ParsedDocument): void;
  reject(reason: unknown): void;
};
type Slot = {
  worker: Worker;
  ready: boolean;
  /** It ends, and keeps its place until its memory is free. */
  isEnding: boolean;
  jobs: number;
  task?: Task;
  text: string;
  chunks: Chunk[];
  timer?: NodeJS.Timeout;
};

/**
 * A pool of worker threads that start when there is work and stay for the next file. Idle ones do not keep the process alive.
 * A file over its time, or one whose parser ends the thread, costs that worker only.
 */
export function createParsePool(options: { workers?: number; timeoutMs?: number; workerEntry?: URL }): ParsePool {
  const size = options.workers ?? Math.min(4, Math.max(1, os.availableParallelism()));
  const timeoutMs = options.timeoutMs ?? 120_000;
  const slots = new Set<Slot>();
  const waiting: Task[] = [];
  let closed = false;

  function dispatch(): void {
    while (!closed) {
      const at = waiting.findIndex(mayBegin);
      if (at < 0) return;
      const slot =
        [...slots].find(({ task, isEnding }) => !task && !isEnding) ?? (slots.size < size ? start() : undefined);
      if (!slot) return;
      run(slot, waiting.splice(at, 1)[0]!);
    }
  }

  const isBig = ({ job }: Task): boolean => job.sizeBytes > BIG_BYTES;
  const mayBegin = (task: Task): boolean =>
    !isBig(task) || ![...slots].some((slot) => slot.isEnding || (slot.task && isBig(slot.task)));

  function start(): Slot {
    const worker = startWorker(options.workerEntry);
    const slot: Slot = { worker, ready: false, isEnding: false, jobs: 0, text: '', chunks: [] };
    slots.add(slot);
    worker.on('message', (message: FromWorker) => receive(slot, message));
    worker.on('error', (error) => fail(slot, crashed(error)));
    worker.on('exit', () => fail(slot, crashed()));
    return slot;
  }

  function run(slot: Slot, task: Task): void {
    slot.task = task;
    slot.jobs++;
    slot.worker.ref();
    // A thread that has yet to load its modules does not do so at the file's cost.
    limit(slot, slot.ready ? timeoutMs : timeoutMs + START_MS);
    slot.worker.postMessage({ type: 'job', job: task.job } satisfies ToWorker);
  }

  function limit(slot: Slot, milliseconds: number): void {
    clearTimeout(slot.timer);
    slot.timer = setTimeout(() => fail(slot, timedOut(timeoutMs)), milliseconds);
  }

  function receive(slot: Slot, message: FromWorker): void {
    if (message.type === 'ready') {
      slot.ready = true;
      if (slot.task) limit(slot, timeoutMs);
      return;
    }
    const { task } = slot;
    if (!task) return;
    if (message.type === 'text' || message.type === 'chunks') {
      if (message.type === 'text') slot.text += message.text;
      else for (const chunk of message.chunks) slot.chunks.push(chunk);
      slot.worker.postMessage({ type: 'more' } satisfies ToWorker);
      return;
    }
    const { text, chunks } = slot;
    settle(slot);
    if (message.type === 'done') {
      const { format, title, parseMs, chunkMs } = message;
      task.resolve({ format, title, text, chunks, parseMs, chunkMs });
    } else task.reject(new ContentError(message.code, message.message, { cause: message.cause }));
    if (task.job.sizeBytes > RETIRE_AFTER_BYTES || slot.jobs >= RETIRE_AFTER_JOBS) retire(slot);
    dispatch();
  }

  /** Frees the slot for the next file. */
  function settle(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.task = undefined;
    slot.text = '';
    slot.chunks = [];
    slot.worker.unref();
  }

  /** Ends the worker and, if it was on a file, that file's promise. */
  function fail(slot: Slot, reason: unknown): void {
    const { task } = slot;
    settle(slot);
    retire(slot);
    task?.reject(reason);
    dispatch();
  }

  function retire(slot: Slot): void {
    if (slot.isEnding) return;
    slot.isEnding = true;
    // What waits for its place keeps the process alive.
    slot.worker.ref();
    void slot.worker.terminate().then(() => {
      slots.delete(slot);
      dispatch();
    });
  }

  return {
    parse(job, signal) {
      return new Promise<ParsedDocument>((resolve, reject) => {
        signal.throwIfAborted();
        if (closed) throw new Error('The pipeline is closed.');
        const onAbort = () => {
          const at = waiting.indexOf(task);
          if (at >= 0) waiting.splice(at, 1);
          const slot = [...slots].find((each) => each.task === task);
          // A parser cannot be interrupted from outside, so its thread ends with it.
          if (slot) fail(slot, signal.reason);
          else task.reject(signal.reason);
        };
        const task: Task = {
          job,
          resolve(document) {
            signal.removeEventListener('abort', onAbort);
            resolve(document);
          },
          reject(reason) {
            signal.removeEventListener('abort', onAbort);
            reject(reason instanceof Error ? reason : new Error('The import was stopped.', { cause: reason }));
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(task);
        dispatch();
      });
    },
    async close() {
      closed = true;
      const ending = [...slots].map(({ worker }) => worker.terminate());
      for (const task of waiting.splice(0)) task.reject(new Error('The pipeline is closed.'));
      for (const slot of [...slots]) fail(slot, new Error('The pipeline is closed.'));
      await Promise.all(ending);
    },
  };
}

function startWorker(entry?: URL): Worker {
  const compiled = new URL('./parse-worker.js', import.meta.url);
  const own = existsSync(compiled) ? compiled : new URL('./parse-worker.ts', import.meta.url);
  const worker = new Worker(new URL('../worker-boot.mjs', import.meta.url), {
    workerData: { entry: (entry ?? own).href },
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
  });
  worker.unref();
  return worker;
}

const timedOut = (timeoutMs: number): ContentError =>
  new ContentError(
    'timeout',
    `Reading the file took over ${Math.max(1, Math.round(timeoutMs / 1000))} seconds and was stopped; import a smaller or simpler version of it.`,
  );

function crashed(cause?: unknown): ContentError {
  const outOfMemory = (cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const message = outOfMemory
    ? 'Reading the file needs more memory than one file may use; split it, or save it in another format, and import that.'
    : 'The reader of this format broke down on the file; save it again or in another format, and import that.';
  return new ContentError('parser_crash', message, { cause });
}
