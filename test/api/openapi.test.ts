import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { apiRoutesOf } from '../helpers/routes.ts';

type Schema = { $ref?: string; properties?: Record<string, Schema>; [key: string]: unknown };
type Operation = {
  operationId: string;
  summary: string;
  parameters: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, Answer>;
};
type Answer = { $ref?: string; headers?: Record<string, object>; content?: Record<string, { schema?: Schema }> };
type Description = {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Answer>; headers: Record<string, object> };
};

onOneDatabase('the description of the API', (open) => {
  let hub: TestHub;
  let description: Description;
  before(async () => {
    hub = await startHub({ database: await open() });
    const response = await fetch(`${hub.url}/openapi.json`);
    expect([response.status, response.headers.get('content-type')]).to.deep.equal([
      200,
      'application/json; charset=utf-8',
    ]);
    description = (await response.json()) as Description;
  });
  after(() => hub.close());

  const operations = () => Object.values(description.paths).flatMap((methods) => Object.values(methods));

  it('is sound OpenAPI 3.1, and every reference in it leads somewhere', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(description));
    expect(valid, JSON.stringify(errors)).to.equal(true);
    expect(validator.version).to.equal('3.1');
    for (const [, name] of JSON.stringify(description).matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(description.components.schemas, name).to.have.property(name!);
  });

  it('has each call of the hub, and no other', () => {
    const described = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} /api/v1${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    const answered = apiRoutesOf(hub.context).map(({ method, pattern }) => `${method} ${pattern}`);
    expect(described.sort()).to.deep.equal([...new Set(answered)].sort());
    expect(description.servers).to.deep.equal([{ url: '/api/v1' }]);
  });

  it('names each call once, with its parameters, and what is refused as a problem', () => {
    const names = operations().map(({ operationId }) => operationId);
    expect(names).to.deep.equal([...new Set(names)]);
    for (const { summary, responses } of operations()) {
      expect(summary).to.match(/^[A-Z]/);
      expect(responses.default?.$ref).to.equal('#/components/responses/Problem');
    }
    const { get } = description.paths['/imports/{id}']!;
    expect(get?.parameters.map(({ name, in: place }) => `${place} ${name}`)).to.deep.equal([
      'path id',
      'query cursor',
      'query state',
      'query q',
    ]);
  });

  it('tells the headers of every answer, and the refusal of one call too many', () => {
    const every = ['X-Request-ID', 'RateLimit', 'RateLimit-Policy'];
    const { responses, headers } = description.components;
    for (const { operationId, responses: answers } of operations()) {
      expect(answers[429]?.$ref, operationId).to.equal('#/components/responses/TooManyCalls');
      for (const [status, answer] of Object.entries(answers))
        if (!answer.$ref) expect(answer.headers, `${operationId} ${status}`).to.include.keys(every);
    }
    expect(responses.Problem?.headers).to.have.all.keys(every);
    expect(responses.TooManyCalls?.headers).to.have.all.keys([...every, 'Retry-After']);
    expect(headers).to.have.all.keys([...every, 'Retry-After']);
    const started = description.paths['/integrations/{target}/sync']?.post;
    expect(started?.responses[202]?.headers).to.include.keys('Location', 'Preference-Applied', 'Idempotent-Replayed');
    expect(started?.parameters.map(({ name }) => name)).to.include.members(['Prefer', 'Idempotency-Key']);
    expect(description.paths['/documents/{id}']?.get?.responses[304]?.headers).to.include.keys('ETag');
  });

  it('tells requests as they are sent and answers as they come', () => {
    const { post } = description.paths['/search']!;
    expect(post?.requestBody?.content['application/json']?.schema).to.deep.equal({
      $ref: '#/components/schemas/SearchRequest',
    });
    const { SearchRequest, ImportSummary, Document } = description.components.schemas;
    // Sent as text, though the hub goes on with a time.
    expect(JSON.stringify(SearchRequest?.properties?.modifiedFrom)).to.contain('"format":"date-time"');
    expect(SearchRequest).to.include({ additionalProperties: false });
    expect(SearchRequest?.required).to.deep.equal(['query']);
    expect(ImportSummary?.properties?.held?.description).to.contain('waits to be told');
    // A member more in a later version breaks no client.
    expect(Document).not.to.have.property('additionalProperties');
    expect(JSON.stringify(description)).not.to.contain('$schema');
  });
});
