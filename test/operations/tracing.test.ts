import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { ConfigError, parseConfig, type Env } from '../../server/config.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { startOtlpCollector, type CollectedSpan, type OtlpCollector } from '../helpers/otlp-collector.ts';
import { signInAs } from '../helpers/visitor.ts';

const KEY = 'key-of-the-collector';
const CALLER = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };

onOneDatabase('traces', (open) => {
  let collector: OtlpCollector;
  let filesDir: string;
  let integrationId: string;
  let accessToken: string;
  let apiToken: string;

  before(async () => {
    collector = await startOtlpCollector();
    filesDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-traces-'));
    await writeFile(path.join(filesDir, 'Confidential berths.md'), '# Berths\n\nThe doubled lines hold in winter.\n');
    const hub = await startHub({
      database: await open(),
      filesDir,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: `api-key=${KEY}`,
        OTEL_SERVICE_NAME: 'harbour hub',
      },
    });
    try {
      const integration = await connectGoogle(hub, hub.admin);
      integrationId = integration.id;
      apiToken = await hub.token(hub.admin);
      const { items } = await hub.context.browse.list(hub.admin, integration.id, {});
      const ref = items.find(({ name }) => name === 'My Drive')?.ref ?? '';
      const call = (address: string, body: object) =>
        fetch(`${hub.url}${address}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${apiToken}`,
            'content-type': 'application/json',
            traceparent: `00-${CALLER.trace}-${CALLER.span}-01`,
          },
          body: JSON.stringify(body),
        });
      const begun = await call(`/api/v1/integrations/${integration.id}/import`, { fileIds: [ref] });
      expect(begun.status).to.equal(202);
      const { importId } = (await begun.json()) as { importId: string };
      expect((await finishedImport(hub, importId)).counts).to.include({ indexed: 1 });
      expect((await call('/api/v1/search', { query: 'doubled lines' })).status).to.equal(200);
      expect((await call('/api/v1/ask', { question: 'what holds in winter?' })).status).to.equal(200);
      expect((await call('/api/v1/search', { query: '' })).status).to.equal(422);
      const visitor = await signInAs(hub.url, 'admin@example.com');
      await visitor.get(`/admin/integrations/${integration.id}?q=doubled`);
      accessToken = (await hub.context.credentials.read(integration.id))?.accessToken.reveal() ?? '';
    } finally {
      await hub.close();
    }
  });
  after(async () => {
    await collector.close();
    await rm(filesDir, { recursive: true, force: true });
  });

  const named = (name: string): CollectedSpan[] => collector.spans.filter((span) => span.name === name);
  const parentOf = (span: CollectedSpan | undefined) =>
    collector.spans.find(({ spanId, traceId }) => spanId === span?.parentId && traceId === span.traceId);

  it('come to the collector with its key and the name of the service', () => {
    expect(collector.requests.length).to.be.greaterThan(0);
    for (const { path: address, headers } of collector.requests) {
      expect(address).to.equal('/v1/traces');
      expect(headers['content-type']).to.equal('application/x-protobuf');
      expect(headers['api-key']).to.equal(KEY);
    }
    expect(new Set(collector.spans.map(({ service }) => service))).to.deep.equal(new Set(['harbour hub']));
  });

  it('name requests by their route, and go on with the trace of the caller', () => {
    const [begun] = named('POST /api/v1/integrations/:target/import');
    expect(begun).to.include({ kind: 2, traceId: CALLER.trace, parentId: CALLER.span });
    expect(begun?.attributes).to.deep.equal({
      'http.request.method': 'POST',
      'http.route': '/api/v1/integrations/:target/import',
      'http.response.status_code': '202',
    });
    const [page] = named('GET /admin/integrations/:id');
    expect(page?.parentId).to.equal('');
    expect(page?.traceId).not.to.equal(CALLER.trace);
    expect(
      named('POST /api/v1/search').map(({ attributes }) => attributes['http.response.status_code']),
    ).to.have.members(['200', '422']);
  });

  it('hang searches and questions below their request', () => {
    const [search] = named('search').filter((span) => parentOf(span)?.name === 'POST /api/v1/search');
    expect(search?.attributes).to.include({ 'tributary.mode': 'hybrid' });
    expect(Number(search?.attributes['tributary.results'])).to.be.at.least(1);
    const [ask] = named('ask');
    expect(parentOf(ask)?.name).to.equal('POST /api/v1/ask');
    expect(named('search').some((span) => parentOf(span) === ask)).to.equal(true);
  });

  it('have a trace for each job, which names the request that enqueued it', () => {
    const [begun] = named('POST /api/v1/integrations/:target/import');
    const jobs = collector.spans.filter(({ name }) => name.startsWith('job '));
    expect(jobs.map(({ name }) => name)).to.include.members(['job import-item', 'job expand-folder']);
    for (const { kind, parentId } of jobs) expect({ kind, parentId }).to.deep.equal({ kind: 5, parentId: '' });
    expect(jobs.filter(({ links }) => links.includes(begun?.spanId ?? '-')).length).to.be.at.least(1);
  });

  it('have the steps of a file and its requests to the vendor below the job', () => {
    for (const stage of ['download', 'parse', 'chunk', 'embed', 'index']) {
      expect(named(stage), stage).to.have.length(1);
      expect(parentOf(named(stage)[0])?.name, stage).to.equal('job import-item');
    }
    const calls = collector.spans.filter((span) => span.kind === 3 && parentOf(span)?.name === 'job import-item');
    expect(calls.length).to.be.at.least(1);
    for (const { name, attributes } of calls) {
      expect(name).to.match(/^GET 127\.0\.0\.1:\d+$/);
      expect(Object.keys(attributes)).to.have.members([
        'http.request.method',
        'server.address',
        'http.response.status_code',
      ]);
    }
  });

  it('hold nothing of people, documents, addresses or secrets', () => {
    const all = JSON.stringify(collector.spans).toLowerCase();
    expect(accessToken).not.to.equal('');
    for (const secret of [
      accessToken,
      apiToken,
      integrationId,
      KEY,
      'confidential',
      'doubled',
      'winter',
      'example.com',
    ])
      expect(all).not.to.include(secret.toLowerCase());
    expect(all).not.to.match(/https?:|\?/);
  });
});

describe('traces that nobody asked for', function () {
  this.timeout(120_000);

  it('are not made, and nothing is sent or loaded', async () => {
    const collector = await startOtlpCollector();
    const hub = await startHub({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SDK_DISABLED: 'true' } });
    try {
      expect(hub.context.telemetry.tracing).to.equal(undefined);
      expect((await fetch(`${hub.url}/sign-in`)).status).to.equal(200);
    } finally {
      await hub.close();
    }
    expect(collector.requests).to.deep.equal([]);
    await collector.close();
  });

  it('a collector that is away costs a line in the log, and the hub still ends', async () => {
    const collector = await startOtlpCollector();
    await collector.close();
    const hub = await startHub({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    expect((await fetch(`${hub.url}/sign-in`)).status).to.equal(200);
    const startedAt = Date.now();
    await hub.close();
    expect(Date.now() - startedAt).to.be.below(5000);
    expect(hub.logs()).to.match(/spans could not be sent|the last spans were not sent/);
  });

  it('are on exactly when the standard variables say so', () => {
    const url = (env: Env) => parseConfig(env).tracing?.url;
    expect(url({})).to.equal(undefined);
    expect(url({ OTEL_TRACES_EXPORTER: 'otlp' })).to.equal('http://localhost:4318/v1/traces');
    expect(url({ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' })).to.equal(undefined);
    expect(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c.example.com/otlp/' })).to.equal(
      'https://c.example.com/otlp/v1/traces',
    );
    expect(url({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.example.com/traces' })).to.equal(
      'https://c.example.com/traces',
    );
    const { tracing } = parseConfig({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=hub,deployment.environment.name=harbour%20side',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    });
    expect(tracing).to.deep.include({
      serviceName: 'hub',
      attributes: { 'service.name': 'hub', 'deployment.environment.name': 'harbour side' },
      sampler: 'parentbased_traceidratio',
      ratio: 0.25,
    });
    for (const [name, value] of [
      ['OTEL_SDK_DISABLED', 'maybe'],
      ['OTEL_TRACES_EXPORTER', 'zipkin'],
      ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4317'],
      ['OTEL_EXPORTER_OTLP_HEADERS', 'api-key'],
      ['OTEL_RESOURCE_ATTRIBUTES', 'a=%zz'],
      ['OTEL_TRACES_SAMPLER', 'sometimes'],
      ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ] as const)
      expect(() => parseConfig({ [name]: value }), name)
        .to.throw(ConfigError)
        .with.property('message')
        .that.includes(`${name}: `);
  });
});
