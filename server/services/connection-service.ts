import { setTimeout as sleep } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Logger } from 'pino';
import { ProviderError } from '../../providers/errors.ts';
import type {
  AnswerVerdict,
  Connection,
  Fetch,
  Platform,
  Provider,
  TokenForm,
  TokenSet,
} from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { EgressError, type Egress } from '../egress/egress.ts';
import type { Secret } from '../secret.ts';
import { markMissingScope } from '../stores/integration-store.ts';
import { notePlatformProblem } from '../stores/platform-problem-store.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CredentialService } from './credential-service.ts';
import type { Integration } from './integration-service.ts';
import { SHORT_WAIT_MS, clock, type RateGovernor } from './rate-governor.ts';
import type { RequestCountService } from './request-count-service.ts';
import { parseRetryAfter } from './retry-after.ts';

/** Requests of one integration that wait for an answer at the same time, in this process. */
const CONCURRENCY = 8;
/** Tries after the first for what failed in passing: about 0.4, 0.8 and 1.6 s apart. */
const RETRIES = 3;
const FIRST_BACKOFF_MS = 400;
/** Refusals are short; what is longer is cut, and was not meant for us. */
const REFUSAL_BYTES = 65_536;
const REFUSALS = new Set([401, 403, 429, 503]);

/** Hands out connections: the one place where tokens meet requests. */
export type ConnectionService = {
  /**
   * A connection of a connected account; what goes over it is broken off when the signal fires. Errors of its `fetch`: ProviderError `reconnect`,
   * `rate_limited`; EgressError; the signal's reason.
   */
  open(integration: Integration, signal?: AbortSignal): Connection;
  /** A connection on tokens that belong to no integration yet. */
  openWith(tokens: Pick<TokenSet, 'accessToken' | 'accountId'>): Connection;
  /** Notes what a provider's failure says of the whole connection: a permission that is missing, a mistake of the operator's. */
  noteFailure(integration: Integration, error: unknown): Promise<void>;
};

export function createConnectionService(deps: {
  database: Database;
  credentials: CredentialService;
  governor: RateGovernor;
  requestCounts: RequestCountService;
  metrics: Metrics;
  egress: Egress;
  providers: Map<Platform, Provider>;
  logger: Logger;
}): ConnectionService {
  const { database, credentials, governor, requestCounts, metrics, egress, providers, logger } = deps;
  const limits = new Map<string, LimitFunction>();

  const authorized = (
    scheme: TokenForm['scheme'],
    token: Secret,
    input: string | URL | Request,
    init: RequestInit = {},
    beforeRedirect?: () => Promise<void>,
  ): Promise<Response> => {
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
    headers.set('authorization', `${scheme} ${token.reveal()}`);
    return egress.fetch(input, { ...init, headers }, { beforeRedirect });
  };

  function providerOf(integration: Integration): Provider {
    const provider = providers.get(integration.platform);
    if (provider) return provider;
    throw new ProviderError(
      'misconfigured',
      integration.platform,
      'This service is switched off: its client id and secret are not set on the server.',
    );
  }

  /** A token to send. A vendor that asks the token endpoint's callers to wait is not asked by anybody until then. */
  async function tokenFor(integration: Integration, provider: Provider, refused?: Secret): Promise<Secret> {
    try {
      return await credentials.accessToken(integration, refused);
    } catch (error) {
      if (error instanceof ProviderError && error.kind === 'rate_limited' && error.retryAt)
        await governor.pause(integration, provider.definition, { waitMs: error.retryAt.getTime() - Date.now() });
      throw error;
    }
  }

  async function send(integration: Integration, input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const provider = providerOf(integration);
    const { definition } = provider;
    const { platform } = integration;
    const count = (outcome: 'answered' | 'throttled' | 'failed') => metrics.vendorRequests.inc({ platform, outcome });
    const scheme = definition.tokenForms?.find(({ id }) => id === integration.method)?.scheme ?? 'Bearer';
    // A refresh takes its time, and so does an answer that redirects: meanwhile the vendor may have asked for a pause.
    const hold = () => governor.hold(integration, definition, init?.signal);
    let refused: Secret | undefined;
    for (let failures = 0; ;) {
      await governor.admit(integration, definition, init?.signal);
      const token = await tokenFor(integration, provider, refused);
      await hold();
      const mayRepeat = failures < RETRIES && !(init?.body instanceof ReadableStream);
      let response: Response;
      requestCounts.sent(integration.id);
      try {
        response = await authorized(scheme, token, input, init, hold);
      } catch (error) {
        if (isPassing(error)) {
          requestCounts.failed(integration.id);
          count('failed');
        }
        if (!mayRepeat || !isPassing(error)) throw error;
        await backOff(failures++, init?.signal);
        continue;
      }
      if (response.ok || response.status < 400) {
        count('answered');
        return response;
      }
      const { verdict, answer } = await read(provider, response);
      if (verdict.kind === 'expired') {
        count('answered');
        if (refused)
          return credentials.giveUp(
            integration,
            `${definition.label} no longer accepts the access it gave. Reconnect the account.`,
          );
        refused = token;
        continue;
      }
      if (verdict.kind === 'throttled') {
        const { waitMs = FIRST_BACKOFF_MS * 2 ** (failures + 1), reach = 'account' } = verdict;
        const forMs =
          reach === 'request'
            ? waitMs
            : await governor.pause(integration, definition, { waitMs: verdict.waitMs, reach });
        requestCounts.throttled(integration.id, forMs);
        count('throttled');
        metrics.vendorPauses.inc({ platform }, forMs / 1000);
        logger.info(
          { integrationId: integration.id, forMs, reach, status: answer.status },
          'a vendor asks for a pause',
        );
        if (forMs <= SHORT_WAIT_MS && mayRepeat) {
          // A pause of the account or the app holds the next admission; one of this request alone is kept here.
          if (reach === 'request') await pause(forMs, init?.signal);
          failures++;
          continue;
        }
        const retryAt = new Date(Date.now() + forMs);
        throw new ProviderError(
          'rate_limited',
          integration.platform,
          `${definition.label} asks for a pause. Resumes at ${clock(retryAt)}.`,
          { retryAt, status: answer.status },
        );
      }
      if (answer.status < 500 && answer.status !== 408) {
        count('answered');
        return answer;
      }
      requestCounts.failed(integration.id);
      count('failed');
      if (!mayRepeat) return answer;
      await answer.body?.cancel();
      await backOff(failures++, init?.signal);
    }
  }

  return {
    open(integration, signal) {
      const limited: Fetch = (input, init) => {
        let limit = limits.get(integration.id);
        if (!limit) limits.set(integration.id, (limit = pLimit(CONCURRENCY)));
        return limit(() => send(integration, input, signal ? withSignal(input, init, signal) : init)).finally(() => {
          if (limit.activeCount + limit.pendingCount === 0) limits.delete(integration.id);
        });
      };
      const { id, accountId, site } = integration;
      return { integrationId: id, accountId, site, fetch: limited };
    },

    openWith: (tokens) => ({
      integrationId: '',
      accountId: tokens.accountId ?? '',
      fetch: (input, init) => authorized('Bearer', tokens.accessToken, input, init),
    }),

    async noteFailure(integration, error) {
      if (!(error instanceof ProviderError)) return;
      if (error.kind === 'scope') await markMissingScope(database.current(), integration.id, error.message);
      if (error.kind === 'misconfigured')
        await notePlatformProblem(database.current(), integration.platform, error.message);
    },
  };
}

/** The request's own signal, where it has another one, holds beside it. */
function withSignal(input: string | URL | Request, init: RequestInit = {}, signal: AbortSignal): RequestInit {
  const own = init.signal ?? (input instanceof Request ? input.signal : undefined);
  return { ...init, signal: own && own !== signal ? AbortSignal.any([own, signal]) : signal };
}

/** Asks the provider, then the common rules, what an answer wants. The body that was read for it is put back. */
async function read(provider: Provider, response: Response): Promise<{ verdict: AnswerVerdict; answer: Response }> {
  const { status, statusText, headers } = response;
  if (!REFUSALS.has(status)) return { verdict: { kind: 'final' }, answer: response };
  const text = await readText(response);
  const answer = new Response(text, { status, statusText, headers });
  return { verdict: provider.judge?.({ status, headers, text }) ?? commonVerdict(status, headers), answer };
}

function commonVerdict(status: number, headers: Headers): AnswerVerdict {
  const waitMs = parseRetryAfter(headers.get('retry-after'));
  if (status === 401) return { kind: 'expired' };
  if (status === 429 || (status === 503 && waitMs !== undefined)) return { kind: 'throttled', waitMs };
  return { kind: 'final' };
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= REFUSAL_BYTES) break;
    }
  } catch {
    // A refusal that breaks off is a refusal all the same.
  }
  return Buffer.concat(parts).toString('utf8');
}

const isPassing = (error: unknown): boolean =>
  error instanceof EgressError && (error.code === 'network' || error.code === 'timeout');

/** Twice as long each time, with a random half, so that many callers do not come back as one. */
const backOff = (failures: number, signal?: AbortSignal | null): Promise<void> =>
  pause(FIRST_BACKOFF_MS * 2 ** failures * (0.5 + Math.random()), signal);

const pause = (ms: number, signal?: AbortSignal | null): Promise<void> =>
  sleep(ms, undefined, { signal: signal ?? undefined });
