import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { Platform } from '../../providers/provider.ts';
import { beginGrant, connectGoogle, endGrant } from '../helpers/connect.ts';
import { mainKind, onOneDatabase, openTestDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { importDrive } from '../helpers/imports.ts';
import { apiRoutesOf, pageRoutesOf } from '../helpers/routes.ts';
import { signInAs } from '../helpers/visitor.ts';
import { readPage } from '../docs/markdown.ts';
import { waitFor } from '../helpers/wait.ts';

const TOKEN = 'a token for the scraper';
const TEXTS: Record<string, string> = {
  'Mooring lines of the confidential berth.md': '# Lines\n\nThe spring line is doubled in winter.\n',
  'tide table.txt': 'High water at noon, low water at six.\n',
  'broken.pdf': 'not a document at all',
};

type Sample = { name: string; labels: Record<string, string>; value: number };

const samplesOf = (text: string): Sample[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return {
        name,
        labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, word]) => [key, word])),
        value: Number(value),
      };
    });

/** The sum over all samples that have these labels. */
function sum(samples: Sample[], name: string, labels: Record<string, string> = {}): number {
  const found = samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, word]) => one.labels[key] === word),
  );
  if (found.length === 0) throw new Error(`there is no ${name} ${JSON.stringify(labels)}`);
  return found.reduce((total, { value }) => total + value, 0);
}

onOneDatabase('the metrics after an import', (open) => {
  let hub: TestHub;
  let filesDir: string;
  let text: string;
  let samples: Sample[];
  const scrape = async () => {
    const answer = await fetch(`${hub.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/);
    return answer.text();
  };

  before(async () => {
    filesDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-metrics-'));
    for (const [name, content] of Object.entries(TEXTS)) await writeFile(path.join(filesDir, name), content);
    hub = await startHub({ database: await open(), filesDir, env: { METRICS_TOKEN: TOKEN } });
    const { integration, detail } = await importDrive(hub);
    expect(detail.counts).to.include({ indexed: 2, total: 3 });
    // A grant that is refused, one of a service that nobody knows, and a token that is renewed.
    const { query } = await beginGrant(hub, hub.admin, 'google_drive');
    await endGrant(hub, hub.admin, 'google_drive', { state: query.state, error: 'access_denied' }).catch(
      () => undefined,
    );
    await endGrant(hub, hub.admin, '<script>' as Platform, {}).catch(() => undefined);
    const stored = await hub.context.credentials.read(integration.id);
    await hub.context.credentials.accessToken(integration, stored?.accessToken);
    // Pages, addresses that are not there, a call that is refused, in words that only this test knows.
    const visitor = await signInAs(hub.url, 'admin@example.com');
    await visitor.get(`/admin/integrations/${integration.id}`);
    await visitor.get('/admin/search?q=doubled+confidential');
    await visitor.get('/nowhere/confidential');
    await visitor.fetch('/api/v1/imports/confidential');
    await visitor.fetch('/api/v1/documents?platform=confidential', { method: 'GET' });
    await fetch(`${hub.url}/nowhere`, { method: 'PROPFIND' });
    await waitFor('the import to be counted', async () => /imports_ended_total\{/.test(await scrape()));
    text = await scrape();
    samples = samplesOf(text);
  });
  after(async () => {
    await hub.close();
    await rm(filesDir, { recursive: true, force: true });
  });

  it('have what came of grants and tokens, by service', () => {
    const google = { platform: 'google_drive' };
    expect(sum(samples, 'tributary_grants_total', { ...google, outcome: 'connected' })).to.equal(1);
    expect(sum(samples, 'tributary_grants_total', { ...google, outcome: 'access_denied' })).to.equal(1);
    expect(sum(samples, 'tributary_grants_total', { platform: 'unknown' })).to.equal(1);
    expect(sum(samples, 'tributary_token_refreshes_total', { ...google, outcome: 'refreshed' })).to.equal(1);
    expect(sum(samples, 'tributary_integrations', { ...google, status: 'active' })).to.equal(1);
    expect(sum(samples, 'tributary_vendor_requests_total', { ...google, outcome: 'answered' })).to.be.greaterThan(3);
  });

  it('have imports, their items by state and reason, bytes, and the time of each step', () => {
    expect(sum(samples, 'tributary_imports_started_total', { kind: 'import' })).to.equal(1);
    expect(sum(samples, 'tributary_imports_ended_total', { kind: 'import' })).to.equal(1);
    expect(sum(samples, 'tributary_import_items', { state: 'indexed', reason: '' })).to.equal(2);
    expect(sum(samples, 'tributary_import_items')).to.equal(3);
    const bytes = Object.entries(TEXTS).filter(([name]) => name !== 'broken.pdf');
    expect(sum(samples, 'tributary_imported_bytes_total')).to.equal(
      bytes.reduce((total, [, content]) => total + Buffer.byteLength(content), 0),
    );
    expect(sum(samples, 'tributary_documents_saved_total', { platform: 'google_drive' })).to.equal(2);
    for (const stage of ['parse', 'chunk', 'embed', 'index'])
      expect(sum(samples, 'tributary_stage_seconds_count', { stage }), stage).to.equal(2);
    expect(sum(samples, 'tributary_stage_seconds_count', { stage: 'download' })).to.be.at.least(3);
    expect(sum(samples, 'tributary_stage_seconds_sum')).to.be.greaterThan(0);
  });

  it('have jobs, the queue, models and the process', () => {
    expect(sum(samples, 'tributary_jobs_total', { queue: 'import-item', outcome: 'done' })).to.be.at.least(3);
    expect(sum(samples, 'tributary_queue_jobs', { queue: 'import-item', state: 'waiting' })).to.equal(0);
    expect(sum(samples, 'tributary_queue_oldest_job_seconds')).to.equal(0);
    expect(sum(samples, 'tributary_model_requests_total', { purpose: 'embedding' })).to.be.at.least(1);
    expect(sum(samples, 'tributary_part_ready', { part: 'database' })).to.equal(1);
    expect(sum(samples, 'nodejs_eventloop_lag_p99_seconds')).to.be.at.least(0);
    expect(sum(samples, 'process_resident_memory_bytes')).to.be.greaterThan(1_000_000);
  });

  it('count requests by patterns of routes, whatever was asked', () => {
    const count = (labels: Record<string, string>) => sum(samples, 'tributary_http_requests_total', labels);
    expect(count({ method: 'GET', route: '/admin/integrations/:id', status: '200' })).to.equal(1);
    expect(count({ method: 'GET', route: '/admin/search', status: '200' })).to.equal(1);
    expect(count({ method: 'POST', route: '/sign-in', status: '303' })).to.equal(1);
    // Both end as errors, outside of the router that took them.
    expect(count({ method: 'GET', route: '/api/v1/imports/:id', status: '404' })).to.equal(1);
    expect(count({ method: 'GET', route: '/api/v1/documents', status: '422' })).to.equal(1);
    expect(count({ method: 'GET', route: 'unknown', status: '404' })).to.equal(1);
    expect(count({ method: 'other', route: 'unknown' })).to.equal(1);
    expect(sum(samples, 'tributary_http_request_seconds_count', { route: '/admin/search' })).to.equal(1);
  });

  it('have few labels, of the hub’s own words', () => {
    const routes = new Set([...apiRoutesOf(hub.context), ...pageRoutesOf(hub.context)].map(({ pattern }) => pattern));
    for (const { name, labels } of samples) {
      if (labels.route !== undefined && !['none', 'unknown'].includes(labels.route))
        expect(routes.has(labels.route), labels.route).to.equal(true);
      for (const [key, word] of Object.entries(labels))
        if (name.startsWith('tributary_') && key !== 'route' && key !== 'model')
          expect(word, `${name} ${key}`).to.match(/^([a-z][a-z_-]*|\d+(\.\d+)?|[A-Z]+|\+Inf|)$/);
    }
    expect(samples.filter(({ name }) => name.startsWith('tributary_')).length).to.be.below(1000);
  });

  it('tell nothing of people, documents or secrets', async () => {
    const { knex } = hub.context.database;
    const secrets = [
      TOKEN,
      'confidential',
      'doubled',
      '<script',
      'example.com',
      hub.admin.id,
      ...((await knex('user_integrations').pluck('id')) as string[]),
      ...((await knex('imports').pluck('id')) as string[]),
      ...hub.context.config.sessionSecrets.map((secret) => secret.reveal()),
    ];
    for (const secret of secrets) expect(text.toLowerCase()).not.to.include(secret.toLowerCase());
  });

  it('are all told by the documentation, and no others', () => {
    const page = readPage('docs/operations.md');
    const told = page.tables.filter(({ header }) => header[0] === 'metric').flatMap(({ rows }) => rows);
    const registered = hub.context.telemetry.metrics.registry.getMetricsAsArray();
    const own = registered.filter(({ name }) => name.startsWith('tributary_')) as unknown as {
      name: string;
      labelNames: string[];
    }[];
    expect(told.map(([name, labels]) => `${name} ${labels}`.replaceAll('`', ''))).to.have.members(
      own.map(({ name, labelNames }) => `${name} ${labelNames.join(', ')}`),
    );
  });

  it('are read from the database once for many scrapes', async () => {
    const before = sum(samplesOf(await scrape()), 'tributary_integrations');
    await connectGoogle(hub, hub.member);
    expect(sum(samplesOf(await scrape()), 'tributary_integrations')).to.equal(before);
  });
});

describe('who may read the metrics', function () {
  this.timeout(120_000);
  const statusOf = async (url: string, authorization?: string) =>
    (await fetch(`${url}/metrics`, { headers: authorization ? { authorization } : {} })).status;

  it('nobody, where nothing says who', async () => {
    const hub = await startHub();
    try {
      expect(await statusOf(hub.url)).to.equal(404);
      expect(await statusOf(hub.url, 'Bearer undefined')).to.equal(404);
    } finally {
      await hub.close();
    }
  });

  it('whoever has the token; a port of its own on this machine is open, and has health too', async () => {
    const hub = await startHub({
      database: await openTestDatabase(mainKind),
      env: { METRICS_PORT: '0' },
    });
    try {
      const own = hub.operationsUrl ?? '';
      expect(await statusOf(hub.url)).to.equal(404);
      expect(await statusOf(own)).to.equal(200);
      expect(await (await fetch(`${own}/readyz`)).text()).to.equal('ready\n');
      expect((await fetch(`${own}/admin`)).status).to.equal(404);
    } finally {
      await hub.close();
    }
    await fetch(hub.operationsUrl ?? '').then(
      () => expect.fail('the port is still open'),
      () => undefined,
    );
  });

  it('with a token, it is needed on either port', async () => {
    const hub = await startHub({ env: { METRICS_PORT: '0', METRICS_TOKEN: TOKEN } });
    try {
      for (const url of [hub.url, hub.operationsUrl ?? '']) {
        expect(await statusOf(url)).to.equal(401);
        expect(await statusOf(url, `Bearer ${TOKEN}x`)).to.equal(401);
        expect(await statusOf(url, `Basic ${TOKEN}`)).to.equal(401);
        expect(await statusOf(url, `Bearer ${TOKEN}`)).to.equal(200);
      }
      expect(hub.logs()).not.to.include(TOKEN);
    } finally {
      await hub.close();
    }
  });
});
