import { expect } from 'chai';
import type { ProviderError, ProviderErrorKind } from '../../providers/errors.ts';
import { createDropbox } from '../../providers/dropbox/index.ts';
import type { Connection, Fetch } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { EgressError } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import { failureOf } from './reading.ts';

const { dropbox } = parseConfig({ DROPBOX_APP_KEY: 'key', DROPBOX_APP_SECRET: 'hunter2-secret' });
const provider = createDropbox(dropbox);

const connectionTo = (fetch: Fetch): Connection => ({ integrationId: 'i', accountId: 'a', fetch });
const answering = (status: number, body?: unknown, headers: Record<string, string> = {}): Connection =>
  connectionTo(async () =>
    typeof body === 'string'
      ? new Response(body, { status, headers })
      : new Response(JSON.stringify(body), { status, headers: { ...headers, 'content-type': 'application/json' } }),
  );
const tagged = (...tags: string[]): object => ({
  error_summary: `${tags.join('/')}/..`,
  error: tags.reduceRight<object>(
    (inner, tag) => ({ '.tag': tag, ...('.tag' in inner ? { [tag]: inner } : inner) }),
    {},
  ),
});

/** The same answer to a call through the SDK and to a download without it. */
const failures = async (connection: Connection): Promise<ProviderError[]> => [
  await failureOf(provider.get(connection, 'item:home:x')),
  await failureOf(provider.open(connection, 'item:home:x', { signal: new AbortController().signal })),
];
const judged = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  provider.judge?.({
    status,
    headers: new Headers(headers),
    text: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('what Dropbox’s refusals mean', () => {
  const table: [ProviderErrorKind, number, string[]][] = [
    ['reconnect', 401, ['expired_access_token']],
    ['reconnect', 401, ['invalid_access_token']],
    ['denied', 401, ['user_suspended']],
    ['denied', 401, ['route_access_denied']],
    ['misconfigured', 401, ['invalid_select_user']],
    ['denied', 403, ['invalid_account_type', 'feature']],
    ['denied', 403, ['paper_access_denied', 'paper_disabled']],
    ['denied', 403, ['team_access_denied']],
    ['denied', 403, ['no_permission']],
    ['denied', 403, ['something_new']],
    ['gone', 409, ['path', 'not_found']],
    ['gone', 409, ['path', 'malformed_path']],
    ['gone', 409, ['path', 'not_folder']],
    ['denied', 409, ['path', 'locked']],
    ['transient', 409, ['retry_error']],
    ['transient', 409, ['internal_error']],
    ['cursor_expired', 409, ['reset']],
    ['rate_limited', 409, ['reason', 'too_many_write_operations']],
    ['rate_limited', 409, ['too_many_requests']],
    ['bad_response', 409, ['path', 'something_new']],
    ['denied', 422, ['no_permission']],
    ['gone', 422, ['something_new']],
  ];
  for (const [kind, status, tags] of table)
    it(`takes ${status} ${tags.join('/')} for “${kind}”`, async () => {
      for (const error of await failures(answering(status, tagged(...tags), { 'x-dropbox-request-id': 'r1' }))) {
        expect(error).to.include({ kind, status, provider: 'dropbox', requestId: 'r1' });
        expect(error.message).to.match(/^\p{Lu}.*\.$/u);
      }
    });

  it('calls what has no content not downloadable, which stays so', async () => {
    for (const tags of [
      ['path', 'restricted_content'],
      ['path', 'not_file'],
      ['path', 'unsupported_content_type'],
      ['unsupported_file'],
      ['non_exportable'],
      ['invalid_export_format'],
    ]) {
      const error = await failureOf(provider.get(answering(409, tagged(...tags)), 'item:home:x'));
      expect(error.kind, tags.join('/')).to.equal('not_downloadable');
    }
  });

  it('reads the summary where the tags are missing, whatever dots it ends in', async () => {
    for (const summary of ['path/not_found/', 'path/not_found/..', 'path/not_found/.....'])
      for (const error of await failures(answering(409, { error_summary: summary })))
        expect(error.kind).to.equal('gone');
  });

  it('names the permission that is missing', async () => {
    const body = {
      error_summary: 'missing_scope/..',
      error: { '.tag': 'missing_scope', required_scope: 'files.content.read' },
    };
    for (const error of await failures(answering(401, body))) {
      expect(error.kind).to.equal('scope');
      expect(error.message).to.contain('files.content.read');
    }
  });

  it('shows what Dropbox says in plain text of a request it does not understand', async () => {
    const text = 'Error in call to API function "files/get_metadata": request body: path: did not match pattern';
    for (const error of await failures(answering(400, text, { 'content-type': 'text/plain' }))) {
      expect(error).to.include({ kind: 'bad_response', status: 400 });
      expect(error.message).to.equal(`Dropbox did not understand the request: ${text}.`);
    }
  });

  it('never repeats a token that Dropbox quotes', async () => {
    const text = 'Invalid authorization value in HTTP header "Authorization": "Bearer sl.hunter2" (sl.hunter2)';
    for (const error of await failures(answering(400, text)))
      expect(JSON.stringify(error.message)).not.to.contain('hunter2');
  });

  it('asks to connect again when the token is malformed, and starts a list over when the cursor is', async () => {
    for (const error of await failures(answering(400, 'The given OAuth 2 access token is malformed.')))
      expect(error.kind).to.equal('reconnect');
    for (const error of await failures(answering(400, 'Error in call: Invalid "cursor" parameter')))
      expect(error.kind).to.equal('cursor_expired');
  });

  it('waits as long as the header or else the body says', async () => {
    const body = {
      error_summary: 'too_many_requests/..',
      error: { reason: { '.tag': 'too_many_requests' }, retry_after: 30 },
    };
    const waits: [Connection, number][] = [
      [answering(429, body), 30],
      [answering(429, body, { 'retry-after': '15' }), 15],
      [answering(429, 'slow down', { 'retry-after': '15' }), 15],
      [answering(429, ''), 5],
    ];
    for (const [connection, seconds] of waits)
      for (const error of await failures(connection)) {
        expect(error.kind).to.equal('rate_limited');
        expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(seconds * 1000 - 2000, seconds * 1000);
      }
  });

  it('keeps a server fault one, whatever its body says, and its hint when to come back', async () => {
    for (const error of await failures(answering(503, tagged('path', 'not_found'), { 'retry-after': '9' }))) {
      expect(error).to.include({ kind: 'transient', status: 503 });
      expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(7000, 9000);
    }
  });

  it('does not take a page of HTML for a file or for a folder without items', async () => {
    const page = answering(200, '<!doctype html><p>Sign in', { 'content-type': 'text/html' });
    for (const error of await failures(page)) expect(error.kind).to.equal('transient');
    expect((await failureOf(provider.list(page, 'home'))).kind).to.equal('transient');
    const bare = answering(200, 'bytes', { 'content-type': 'application/octet-stream' });
    expect((await failures(bare))[1]?.kind).to.equal('bad_response');
  });

  it('names the field that is wrong, never its value', async () => {
    const file = { '.tag': 'file', id: 'id:x', name: 'hunter2', rev: 'a1c10ce0dd78', size: 'many' };
    const error = await failureOf(provider.get(answering(200, file), 'item:home:x'));
    expect(error).to.include({ kind: 'bad_response' });
    expect(error.message).to.equal('Dropbox answered an item without a usable "size".');
  });

  it('reads the token endpoint’s words', async () => {
    const answers: [ProviderErrorKind, number, unknown][] = [
      ['reconnect', 400, { error: 'invalid_grant', error_description: 'refresh token is invalid or revoked' }],
      ['misconfigured', 400, { error: 'invalid_client: Invalid client_id or client_secret' }],
      ['misconfigured', 401, { error: 'invalid_client' }],
      ['bad_response', 400, { error: 'unsupported_grant_type' }],
      ['bad_response', 200, { token_type: 'bearer' }],
      ['transient', 200, '<p>Sign in'],
      ['transient', 502, '<p>Bad gateway'],
    ];
    for (const [kind, status, body] of answers) {
      const error = await failureOf(
        provider.auth.refresh(new Secret('hunter2-refresh'), answering(status, body).fetch),
      );
      expect(error.kind, JSON.stringify(body)).to.equal(kind);
      expect(JSON.stringify([error.message, error.cause])).not.to.contain('hunter2');
    }
  });

  it('says whose fault it is when a request does not leave', async () => {
    const kinds: [EgressError['code'], ProviderErrorKind][] = [
      ['blocked', 'misconfigured'],
      ['redirect', 'bad_response'],
      ['timeout', 'transient'],
      ['network', 'transient'],
    ];
    for (const [code, kind] of kinds)
      for (const error of await failures(
        connectionTo(() => Promise.reject(new EgressError(code, 'It did not leave.'))),
      ))
        expect(error.kind, code).to.equal(kind);
  });

  describe('as the connection judges them', () => {
    it('asks for a new token only where one can help', () => {
      expect(judged(401, tagged('expired_access_token'))).to.deep.equal({ kind: 'expired' });
      expect(judged(401, tagged('invalid_access_token'))).to.deep.equal({ kind: 'expired' });
      const scope = { error: { '.tag': 'missing_scope', required_scope: 'files.content.read' } };
      expect(judged(401, scope)).to.deep.equal({ kind: 'final' });
      expect(judged(401, tagged('user_suspended'))).to.deep.equal({ kind: 'final' });
      expect(judged(401, '')).to.equal(undefined);
    });

    it('finds the wait in the body where there is no header for it', () => {
      const body = { error: { reason: { '.tag': 'too_many_requests' }, retry_after: 30 } };
      expect(judged(429, body)).to.deep.equal({ kind: 'throttled', waitMs: 30_000 });
      expect(judged(429, { error: { reason: {}, retry_after: 0 } })).to.deep.equal({ kind: 'throttled', waitMs: 1000 });
      expect(judged(429, body, { 'retry-after': '15' })).to.equal(undefined);
      expect(judged(429, 'slow down')).to.equal(undefined);
      expect(judged(503, '<p>')).to.equal(undefined);
    });
  });
});
