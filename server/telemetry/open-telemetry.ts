import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { Span as OtelSpan, SpanContext } from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace-node';
import type { Sampler, SpanExporter, TracerConfig } from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';
import type { TracingConfig } from '../tracing-config.ts';
import { within } from '../within.ts';
import type { Span, Tracing } from './tracing.ts';

/** A collector that does not answer must not hold up the stop. */
const CLOSE_MS = 1500;
/** Failures to send are logged once in so long. */
const SAY_EVERY_MS = 60_000;

/** Tracing by OpenTelemetry, sent to a collector by OTLP. Its packages are loaded here, and nowhere else; nothing is registered globally. */
export async function startTracing(config: TracingConfig, deps: { logger: Logger }): Promise<Tracing> {
  const { logger } = deps;
  const api = await import('@opentelemetry/api');
  const sdk = await import('@opentelemetry/sdk-trace-node');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  const headers = Object.fromEntries(Object.entries(config.headers).map(([name, value]) => [name, value.reveal()]));
  const exporter = saying(new OTLPTraceExporter({ url: config.url, headers }), logger);
  const provider = new sdk.NodeTracerProvider({
    resource: resourceOf(config),
    sampler: samplerOf(sdk, config),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('tributary');
  const running = new AsyncLocalStorage<OtelSpan>();
  const kinds = { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT, consumer: api.SpanKind.CONSUMER };

  const below = (parent: OtelSpan | undefined) =>
    parent ? api.trace.setSpan(api.ROOT_CONTEXT, parent) : api.ROOT_CONTEXT;
  const wrap = (span: OtelSpan): Span => ({
    set: (attributes) => void span.setAttributes(attributes),
    rename: (name) => void span.updateName(name),
    fail(type) {
      span.setAttribute('error.type', type);
      span.setStatus({ code: api.SpanStatusCode.ERROR });
    },
  });

  return {
    async span(name, { kind, attributes, parent, link }, work) {
      const cause = readTraceparent(parent);
      const linked = readTraceparent(link);
      // A job may be woken by whoever enqueued it, and is a piece of work of its own all the same.
      const above =
        kind === 'consumer'
          ? api.ROOT_CONTEXT
          : cause
            ? api.trace.setSpanContext(api.ROOT_CONTEXT, cause)
            : below(running.getStore());
      const links = linked ? [{ context: linked }] : [];
      const span = tracer.startSpan(name, { kind: kind && kinds[kind], attributes, links }, above);
      const face = wrap(span);
      try {
        return await running.run(span, () => work(face));
      } catch (error) {
        // Its message may quote what a vendor or a person said.
        face.fail(kindOf(error));
        throw error;
      } finally {
        span.end();
      }
    },
    ended(name, ms, attributes) {
      const now = Date.now();
      tracer.startSpan(name, { startTime: now - ms, attributes }, below(running.getStore())).end(now);
    },
    current() {
      const context = running.getStore()?.spanContext();
      return (
        context && `00-${context.traceId}-${context.spanId}-${(context.traceFlags & 1).toString().padStart(2, '0')}`
      );
    },
    follow(emitter: EventEmitter) {
      const span = running.getStore();
      if (!span) return;
      const emit = emitter.emit.bind(emitter);
      emitter.emit = (...args) => running.run(span, () => emit(...args));
    },
    async close() {
      await within(
        provider.shutdown().catch((error: unknown) => logger.warn({ err: error }, 'the last spans were not sent')),
        CLOSE_MS,
        () => logger.warn('the last spans were not sent in time'),
      );
    },
  };
}

/** Source: https://www.w3.org/TR/trace-context/#traceparent-header-field-values */
function readTraceparent(text: string | undefined): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/.exec(text ?? '') ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

function kindOf(error: unknown): string {
  const { kind, code, name } = error as { kind?: unknown; code?: unknown; name?: unknown };
  return [kind, code, name].find((word): word is string => typeof word === 'string') ?? 'error';
}

function samplerOf(sdk: typeof Sdk, { sampler, ratio }: TracingConfig): Sampler {
  const bases: Record<string, () => Sampler> = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratio),
  };
  const root = bases[sampler.replace('parentbased_', '')]!();
  return sampler.startsWith('parentbased_') ? new sdk.ParentBasedSampler({ root }) : root;
}

/** Who sends the spans. */
function resourceOf({ serviceName, attributes }: TracingConfig): NonNullable<TracerConfig['resource']> {
  const all: Record<string, string> = {
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    ...attributes,
    'service.name': serviceName,
  };
  const resource: NonNullable<TracerConfig['resource']> = {
    attributes: all,
    merge: () => resource,
    getRawAttributes: () => Object.entries(all),
  };
  return resource;
}

/** Sends by the given exporter, and says now and then that it does not work. */
function saying(exporter: SpanExporter, logger: Logger): SpanExporter {
  let saidAt = 0;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error && Date.now() - saidAt > SAY_EVERY_MS) {
          saidAt = Date.now();
          logger.warn({ err: result.error, spans: spans.length }, 'spans could not be sent to the collector');
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
