// Entry of every worker thread: Node 20 cannot start a thread from a .ts file, so this registers the loader first.
import { workerData } from 'node:worker_threads';

if (workerData.entry.endsWith('.ts')) (await import('tsx/esm/api')).register();
await import(workerData.entry);
