import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect } from 'chai';
import type { z } from 'zod';

/** The official client, connected with a token. */
export async function connectMcp(url: string, token: string, fetchBy?: typeof fetch): Promise<Client> {
  const client = new Client({ name: 'a test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: fetchBy,
  });
  await client.connect(transport);
  return client;
}

type Called = { isError?: boolean; structuredContent?: unknown; content: { type: string; text?: string }[] };

/** What a tool gives: the structured result, which fits its schema and stands in the text too. */
export async function called<S extends z.ZodType>(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  schema: S,
): Promise<z.output<S>> {
  const { isError, structuredContent, content } = (await client.callTool({ name, arguments: args })) as Called;
  expect(isError, JSON.stringify(content)).to.equal(undefined);
  expect(content).to.have.length(1);
  expect(JSON.parse(content[0]?.text ?? '')).to.deep.equal(structuredContent);
  return schema.parse(structuredContent);
}

/** The sentence with which a tool refuses. */
export async function refused(client: Client, name: string, args: Record<string, unknown>): Promise<string> {
  const { isError, structuredContent, content } = (await client.callTool({ name, arguments: args })) as Called;
  expect(isError).to.equal(true);
  expect(structuredContent).to.equal(undefined);
  return content.map(({ text }) => text).join();
}

/** A request as any program may send it. */
export const post = (url: string, token: string | undefined, body: unknown, headers: Record<string, string> = {}) =>
  fetch(new URL('/mcp', url), {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
