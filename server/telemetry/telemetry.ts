import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { createMetrics, type Metrics, type Stage } from './metrics.ts';
import type { Tracing } from './tracing.ts';

/** What the hub tells of its work: numbers always, spans where tracing is on. */
export type Telemetry = {
  metrics: Metrics;
  tracing?: Tracing;
  /** Does one step of a file's import. Its time counts when it succeeds. */
  stage<T>(stage: Stage, work: () => Promise<T>): Promise<T>;
  /** Notes a step that was done just now. */
  stageDone(stage: Stage, ms: number): void;
};

/** What the configuration asks for. The packages of tracing are loaded where it is on. */
export async function openTelemetry(
  { operations, tracing: config }: Pick<Config, 'operations' | 'tracing'>,
  deps: { logger: Logger },
): Promise<Telemetry> {
  const metrics = createMetrics({ withProcess: Boolean(operations.metrics.token ?? operations.metrics.listener) });
  const tracing = config && (await (await import('./open-telemetry.ts')).startTracing(config, deps));
  const took = (stage: Stage, ms: number) => metrics.stageSeconds.observe({ stage }, ms / 1000);
  return {
    metrics,
    tracing,
    async stage(stage, work) {
      const startedAt = performance.now();
      const result = await (tracing ? tracing.span(stage, {}, work) : work());
      took(stage, performance.now() - startedAt);
      return result;
    },
    stageDone(stage, ms) {
      took(stage, ms);
      tracing?.ended(stage, ms);
    },
  };
}
