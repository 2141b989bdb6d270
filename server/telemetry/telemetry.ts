import type { Metrics, Stage } from './metrics.ts';
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

export function createTelemetry(metrics: Metrics, tracing?: Tracing): Telemetry {
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
