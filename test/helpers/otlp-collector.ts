import { buffer } from 'node:stream/consumers';
import { listen } from '../../providers/sandbox/stand-in.ts';

export type CollectedSpan = {
  service: string;
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  /** 1 internal, 2 server, 3 client, 5 consumer. */
  kind: number;
  attributes: Record<string, string>;
  /** Ids of the spans that it names, beside its parent. */
  links: string[];
};

/** Takes spans as a collector does: OTLP over HTTP, in protobuf. */
export type OtlpCollector = {
  url: string;
  spans: CollectedSpan[];
  /** Headers of the requests that came. */
  requests: { path: string; headers: Record<string, unknown> }[];
  close(): Promise<void>;
};

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const requests: OtlpCollector['requests'] = [];
  const collect = (body: Buffer) => {
    for (const resourceSpans of fieldsOf(body).all(1)) {
      const resource = fieldsOf(resourceSpans);
      const service = attributesOf(fieldsOf(resource.bytes(1)).all(1))['service.name'] ?? '';
      for (const scopeSpans of resource.all(2))
        for (const span of fieldsOf(scopeSpans).all(2)) spans.push({ service, ...spanOf(span) });
    }
  };
  const { url, close } = await listen((req, res) => {
    requests.push({ path: req.url ?? '', headers: req.headers });
    void buffer(req).then((body) => {
      collect(body);
      res.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  return { url, spans, requests, close };
}

/** Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
function spanOf(bytes: Buffer): Omit<CollectedSpan, 'service'> {
  const span = fieldsOf(bytes);
  return {
    traceId: span.bytes(1).toString('hex'),
    spanId: span.bytes(2).toString('hex'),
    parentId: span.bytes(4).toString('hex'),
    name: span.bytes(5).toString(),
    kind: span.number(6),
    attributes: attributesOf(span.all(9)),
    links: span.all(13).map((link) => fieldsOf(link).bytes(2).toString('hex')),
  };
}

/** Values as text: strings and whole numbers are all that the hub sends. */
const attributesOf = (pairs: Buffer[]): Record<string, string> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const value = fieldsOf(fieldsOf(pair).bytes(2));
      return [fieldsOf(pair).bytes(1).toString(), value.bytes(1).toString() || String(value.number(3))];
    }),
  );

/** The fields of a message. Source: https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(message: Buffer) {
  const found: { field: number; bytes: Buffer; number: number }[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => message.subarray(at, (at += length));
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const none = Buffer.alloc(0);
    if (tag % 8 === 0) found.push({ field, bytes: none, number: varint() });
    else if (tag % 8 === 1) found.push({ field, bytes: take(8), number: 0 });
    else if (tag % 8 === 2) found.push({ field, bytes: take(varint()), number: 0 });
    else if (tag % 8 === 5) found.push({ field, bytes: take(4), number: 0 });
    else throw new Error(`a field of an unknown type ${tag % 8}`);
  }
  return {
    all: (field: number) => found.filter((one) => one.field === field).map(({ bytes }) => bytes),
    bytes: (field: number) => found.find((one) => one.field === field)?.bytes ?? Buffer.alloc(0),
    number: (field: number) => found.find((one) => one.field === field)?.number ?? 0,
  };
}
