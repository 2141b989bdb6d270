import type { EventEmitter } from 'node:events';

/** Names and numbers of a span: never a secret, a text, a whole address or anything of a user. */
export type Attributes = Record<string, string | number | boolean>;

/** What is done with the span that runs. */
export type Span = {
  set(attributes: Attributes): void;
  rename(name: string): void;
  /** Marks it as failed; `type` is a code, or the kind of an error. */
  fail(type: string): void;
};

export type SpanOptions = {
  kind?: 'server' | 'client' | 'consumer';
  attributes?: Attributes;
  /** `traceparent` of who caused it elsewhere: this span goes on with that trace. Source: https://www.w3.org/TR/trace-context/ */
  parent?: string;
  /** `traceparent` of who caused it: this span begins a trace of its own and names that one. */
  link?: string;
};

/** The hub's seam to OpenTelemetry. Spans hang below the one that runs in the same chain of calls. */
export type Tracing = {
  /** Runs `work` in a span that ends with it. Errors: those of the work, after they were noted by their kind. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  /** A span that ended just now, after `ms`. */
  ended(name: string, ms: number, attributes?: Attributes): void;
  /** `traceparent` of the span that runs. */
  current(): string | undefined;
  /** The listeners of this emitter run in the span that runs now. */
  follow(emitter: EventEmitter): void;
  /** Sends what was not sent. */
  close(): Promise<void>;
};
