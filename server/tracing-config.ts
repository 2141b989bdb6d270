import { z } from 'zod';
import type { Env } from './config.ts';
import { Secret } from './secret.ts';

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Where spans are sent, by the variables that all programs with OpenTelemetry know. */
export type TracingConfig = {
  /** Of the collector, with the path. */
  url: string;
  /** May hold a key. */
  headers: Record<string, Secret>;
  serviceName: string;
  attributes: Record<string, string>;
  sampler: (typeof SAMPLERS)[number];
  /** Share of traces that are kept, where the sampler asks for one. */
  ratio: number;
};

type Readers = {
  problems: string[];
  take: <T>(name: string, schema: z.ZodType<T>, fallback: T, hint: string) => T;
  url: (name: string, fallback: string) => string;
};

/** Pairs as in a W3C baggage header: `key=value,key=value`, percent-encoded. */
const pairs = z.string().transform((text, context) => {
  const found: Record<string, string> = {};
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    try {
      if (key === undefined || value === undefined) throw new Error('a pair has no sign of equality');
      found[decodeURIComponent(key)] = decodeURIComponent(value);
    } catch {
      context.addIssue({ code: 'custom', message: 'not pairs' });
    }
  }
  return found;
});

/**
 * What the variables say of tracing. Undefined where it is off, as it is by default. Every problem is added to `problems`.
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function parseTracing(env: Env, { take, url }: Readers): TracingConfig | undefined {
  const isDisabled = take(
    'OTEL_SDK_DISABLED',
    z
      .string()
      .toLowerCase()
      .pipe(z.enum(['true', 'false']))
      .transform((value) => value === 'true'),
    false,
    'must be true or false',
  );
  const exporter = take(
    'OTEL_TRACES_EXPORTER',
    z.enum(['otlp', 'none']),
    undefined as 'otlp' | 'none' | undefined,
    'must be otlp or none',
  );
  const collector = url('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://localhost:4318');
  const endpoint = url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', `${collector}/v1/traces`);
  const hint = 'must be pairs such as key=value,key=value, percent-encoded';
  const headers = take('OTEL_EXPORTER_OTLP_HEADERS', pairs, {}, hint);
  const attributes = take('OTEL_RESOURCE_ATTRIBUTES', pairs, {}, hint);
  const serviceName = env.OTEL_SERVICE_NAME ?? attributes['service.name'] ?? 'tributary';
  const sampler = take(
    'OTEL_TRACES_SAMPLER',
    z.enum(SAMPLERS),
    'parentbased_always_on',
    `must be one of ${SAMPLERS.join(', ')}`,
  );
  const ratio = take(
    'OTEL_TRACES_SAMPLER_ARG',
    z
      .string()
      .regex(/^\d*\.?\d+$/)
      .transform(Number)
      .pipe(z.number().max(1)),
    1,
    'must be a share from 0 to 1, for example 0.1',
  );
  const isAsked =
    exporter === 'otlp' ||
    env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined ||
    env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined;
  if (isDisabled || exporter === 'none' || !isAsked) return undefined;
  return {
    url: endpoint,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, new Secret(value)])),
    serviceName,
    attributes,
    sampler,
    ratio,
  };
}
