import type { TestHub } from './hub.ts';

/** Lets vendors be asked as fast as it goes, where how fast is not the question. Gives what ends that. */
export function liftPaces({ context }: TestHub): () => void {
  const unbounded = { perSecond: 10_000, burst: 10_000 };
  const before = context.definitions.map((definition) => ({ definition, pace: definition.pace }));
  for (const { definition } of before) definition.pace = { integration: unbounded, app: unbounded };
  return () => {
    for (const { definition, pace } of before) definition.pace = pace;
  };
}
