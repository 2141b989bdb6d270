// Loaded into a hub before all else: the process dies, as if it were out of memory, whenever it begins to read a file of this name.
import process from 'node:process';
import { Worker } from 'node:worker_threads';

const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (message, ...rest) {
  if (message?.type === 'job' && /deadly/.test(message.job.name)) process.kill(process.pid, 'SIGKILL');
  return postMessage.call(this, message, ...rest);
};
