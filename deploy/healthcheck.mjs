// Asks the hub of this container or machine whether it answers. Exit code 0: it does.
import { get } from 'node:http';
import process from 'node:process';

const { ROLE, PORT = '3000', METRICS_PORT } = process.env;
const port = ROLE === 'worker' ? METRICS_PORT : PORT;
const asked = get({ host: '127.0.0.1', port, path: '/healthz', timeout: 4000 }, (answer) => {
  answer.resume();
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
});
asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
asked.on('error', () => (process.exitCode = 1));
