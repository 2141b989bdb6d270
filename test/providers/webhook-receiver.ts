import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { WebhookCall, WebhookVerdict } from '../../providers/provider.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';

export type Receiver = {
  url: string;
  /** Every call that came, in order, with what was said to it. */
  heard: { call: WebhookCall; verdict: WebhookVerdict }[];
  close(): Promise<void>;
};

/** A place that vendors call, which answers as the hub does: handshakes with their text, the rest with 200 or 401. */
export async function startReceiver(judge: (call: WebhookCall) => Promise<WebhookVerdict>): Promise<Receiver> {
  const heard: Receiver['heard'] = [];
  const server = await listen((req, res) => {
    void toCall(req).then(async (call) => {
      const verdict = await judge(call);
      heard.push({ call, verdict });
      res.setHeader('content-type', 'text/plain; charset=utf-8');
      res.statusCode = verdict.kind === 'refused' ? 401 : 200;
      res.end(verdict.kind === 'handshake' ? verdict.text : undefined);
    });
  });
  return { ...server, heard };
}

async function toCall(req: IncomingMessage): Promise<WebhookCall> {
  const { searchParams } = new URL(req.url ?? '/', 'http://hub.example');
  return callWith(await buffer(req), {
    method: req.method as WebhookCall['method'],
    query: Object.fromEntries(searchParams),
    headers: req.headers as WebhookCall['headers'],
  });
}

/** A call with these bytes, or this data as JSON. */
export function callWith(body: Buffer | object | string, more: Partial<WebhookCall> = {}): WebhookCall {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { method: 'POST', query: {}, headers: {}, body: bytes, ...more };
}
