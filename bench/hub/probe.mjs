// Loaded into a process of the hub before its own code. At SIGUSR2 it prints what it saw since the last time, as one line.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  process.on('SIGUSR2', () => {
    const seen = {
      p99StallMs: delay.percentile(99) / 1e6,
      longestStallMs: delay.max / 1e6,
      peakMb: process.resourceUsage().maxRSS / 1024,
      cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
    };
    delay.reset();
    process.stdout.write(`probe ${JSON.stringify(seen)}\n`);
  });
}
