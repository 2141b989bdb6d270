import { expect } from 'chai';
import express from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { streamImport } from '../../server/api/import-events.ts';
import type { Database } from '../../server/database/database.ts';
import { createLogger } from '../../server/logger.ts';
import type { ImportItem, ImportService, ImportSummary, ItemState } from '../../server/services/import-service.ts';
import { createSignals } from '../../server/signals/signals.ts';
import { waitFor } from '../helpers/wait.ts';

const IMPORT = '11111111-1111-4111-8111-111111111111';
const logger = createLogger({ logLevel: 'silent' });
/** Nothing but this process. */
const signals = createSignals({ database: { onChange: () => undefined } as unknown as Database, logger });

describe('the events of an import', () => {
  let server: Server;
  let url: string;
  /** Rows by id, as the ledger has them. */
  let rows: Map<number, ImportItem>;
  let finished: boolean;
  let asked: (string | undefined)[];
  let sequence: number;
  let ended: boolean;

  function settle(id: number, state: ItemState): void {
    rows.set(id, {
      id: `22222222-2222-4222-8222-${String(id).padStart(12, '0')}`,
      name: `file ${id}`,
      path: `folder/file ${id}`,
      state,
      attempts: 1,
      retryable: false,
      changed: String(++sequence),
    });
    signals.publish('import', IMPORT);
  }

  const changes: ImportService['changes'] = async (_user, id, since = '0') => {
    asked.push(since);
    const all = [...rows.values()];
    const count = (state: ItemState) => all.filter((row) => row.state === state).length;
    const summary: ImportSummary = {
      id,
      status: finished ? 'finished' : 'running',
      kind: 'import',
      held: false,
      recursive: true,
      includeChildren: false,
      includeAttachments: false,
      counts: {
        total: all.length,
        waiting: count('waiting'),
        running: count('running'),
        indexed: count('indexed'),
        unchanged: 0,
        skipped: 0,
        failed: 0,
        removed: 0,
      },
      mayGrow: false,
      foldersWaiting: 0,
      startedAt: new Date(0),
      finishedAt: finished ? new Date(1000) : null,
    };
    const changedItems = all
      .filter((row) => Number(row.changed) > Number(since))
      .sort((a, b) => Number(a.changed) - Number(b.changed))
      .slice(0, 200);
    return { ...summary, changedItems };
  };

  beforeEach(async () => {
    rows = new Map();
    finished = false;
    asked = [];
    sequence = 0;
    ended = false;
    const app = express();
    app.get('/:id', (req, res) => {
      req.account = { id: 'u', email: 'ada@example.com', name: 'Ada', role: 'member' };
      const context = { imports: { changes } as ImportService, signals, logger };
      return streamImport(context, req, res).finally(() => {
        ended = true;
      });
    });
    await new Promise<void>((resolve) => {
      server = app.listen(0, '127.0.0.1', () => resolve());
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${IMPORT}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  type Event = { id?: string; event: string; data: { id: string; status: string; name?: string } };

  function parse(text: string): Event[] {
    return text
      .split('\n\n')
      .filter((block) => block.includes('data: '))
      .map((block) => {
        const field = (name: string) =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2);
        return { id: field('id'), event: field('event') ?? '', data: JSON.parse(field('data') ?? '') as Event['data'] };
      });
  }

  it('tell every change in order, then the end, over many pages', async () => {
    for (let id = 1; id <= 450; id++) settle(id, 'indexed');
    finished = true;
    const response = await fetch(url);
    expect(response.headers.get('content-type')).to.match(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).to.include('no-transform');
    const events = parse(await response.text());
    expect(events.filter(({ event }) => event === 'item').map(({ id }) => id)).to.deep.equal(
      Array.from({ length: 450 }, (_, index) => String(index + 1)),
    );
    const last = events.at(-1);
    expect(last).to.include({ event: 'done', id: '450.done' });
    expect(last?.data).to.include({ id: IMPORT, status: 'finished' });
  });

  it('follow a running import until it is done', async () => {
    settle(1, 'waiting');
    const response = await fetch(url);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    const decoder = new TextDecoder();
    const readUntil = async (part: string) => {
      while (!text.includes(part)) {
        const { value, done } = await reader.read();
        if (done) break;
        text += decoder.decode(value, { stream: true });
      }
    };
    await readUntil('event: progress');
    settle(1, 'running');
    await readUntil('"status":"running","attempts"');
    finished = true;
    settle(1, 'indexed');
    await readUntil('event: done');
    expect((await reader.read()).done).to.equal(true);
    const events = parse(text);
    expect(events.filter(({ event }) => event === 'item').map(({ data }) => data.status)).to.deep.equal([
      'waiting',
      'running',
      'indexed',
    ]);
    expect(events.filter(({ event }) => event === 'progress').length).to.be.within(2, 3);
  });

  it('go on where a client left off, and end its attempts when it has seen everything', async () => {
    for (let id = 1; id <= 3; id++) settle(id, 'indexed');
    finished = true;
    const resumed = await fetch(url, { headers: { 'last-event-id': '2' } });
    const events = parse(await resumed.text());
    expect(events.map(({ id, event }) => [event, id])).to.deep.equal([
      ['item', '3'],
      ['progress', undefined],
      ['done', '3.done'],
    ]);
    expect((await fetch(url, { headers: { 'last-event-id': '3.done' } })).status).to.equal(204);
    const missedTheEnd = await fetch(url, { headers: { 'last-event-id': '3' } });
    expect(parse(await missedTheEnd.text()).map(({ event }) => event)).to.deep.equal(['done']);
    const nonsense = await fetch(url, { headers: { 'last-event-id': "1' or 1=1" } });
    expect(parse(await nonsense.text())).to.have.length(5);
  });

  it('begin where a client says that it has rows already', async () => {
    for (let id = 1; id <= 3; id++) settle(id, 'indexed');
    finished = true;
    const events = parse(await (await fetch(`${url}?since=2`)).text());
    expect(events.filter(({ event }) => event === 'item').map(({ id }) => id)).to.deep.equal(['3']);
    // What a connection that broke had heard counts more than where it once began.
    const resumed = parse(await (await fetch(`${url}?since=1`, { headers: { 'last-event-id': '3' } })).text());
    expect(resumed.map(({ event }) => event)).to.deep.equal(['done']);
  });

  it('look once for each change', async () => {
    settle(1, 'running');
    const response = await fetch(url);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await waitFor('the first look', () => asked.length === 1);
    finished = true;
    settle(1, 'indexed');
    let text = '';
    const decoder = new TextDecoder();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += decoder.decode(part.value);
    expect(text).to.contain('event: done');
    // At the start, for the change, and to make sure that nothing came behind it.
    expect(asked).to.deep.equal(['0', '1', '2']);
  });

  it('stop asking the database when the client leaves', async () => {
    settle(1, 'running');
    const leaving = new AbortController();
    const response = await fetch(url, { signal: leaving.signal });
    expect(response.status).to.equal(200);
    settle(1, 'indexed');
    await waitFor('a second look', () => asked.length > 1);
    leaving.abort();
    await waitFor('the stream to end', () => ended);
  });
});
