// A parser that does what the file's name says, for tests of the pool.
import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../../server/pipeline/parse-messages.ts';

const post = (message: FromWorker) => parentPort?.postMessage(message);

post({ type: 'ready' });
parentPort?.on('message', (message: ToWorker) => {
  if (message.type === 'more') return post({ type: 'done', format: 'txt', parseMs: 0, chunkMs: 0 });
  switch (message.job.name) {
    case 'hang.txt':
      for (;;);
    case 'throw.txt':
      setImmediate(() => {
        throw new Error('a bug in a parser');
      });
      return;
    case 'exit.txt':
      process.exit(3);
      return;
    case 'memory.txt': {
      const kept: number[][] = [];
      for (;;) kept.push(new Array<number>(100_000).fill(kept.length + 0.5));
    }
    default:
      post({ type: 'text', text: 'fine' });
  }
});
