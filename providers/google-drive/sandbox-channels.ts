import { createHash } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import { mayBeCalled, type Bell } from '../sandbox/bell.ts';
import { invalid, one, Refusal } from './sandbox-request.ts';

const USUAL_LIFE_MS = 3_600_000;
const LONGEST_LIFE_MS = 7 * 24 * 3_600_000;

const wanted = z.strictObject({
  kind: z.literal('api#channel').optional(),
  id: z.string().regex(/^[A-Za-z0-9\-_+/=]{1,64}$/),
  type: z.enum(['web_hook', 'webhook']),
  address: z.string().min(1),
  token: z.string().max(256).optional(),
  expiration: z.string().regex(/^\d+$/).optional(),
  payload: z.boolean().optional(),
});
const stopped = z.object({ id: z.string().min(1), resourceId: z.string().min(1) });

/** A standing order to call. */
export type SandboxChannel = {
  id: string;
  resourceId: string;
  accountId: string;
  address: string;
  token?: string;
  expiresAt: number;
};

/** What a channel is made for: a log of changes, and how far it has come. */
export type WatchedLog = { accountId: string; key: string; knows(pageToken: string): boolean; position(): number };

/** Notification channels for the logs of changes: made by `changes/watch`, ended by `channels/stop`, each with its first call `sync`. */
export function createSandboxChannels(deps: {
  bell: Bell;
  baseUrl: () => string;
  logOf: (req: Request) => WatchedLog;
  accountOf: (req: Request) => string;
}): { router: Router; channels: Map<string, SandboxChannel> } {
  const { bell, logOf } = deps;
  const channels = new Map<string, SandboxChannel>();
  const ends = new Map<string, () => void>();

  const end = (id: string): void => {
    ends.get(id)?.();
    ends.delete(id);
    channels.delete(id);
  };

  const watch = async (req: Request, res: Response): Promise<void> => {
    const log = logOf(req);
    const pageToken = one(req, 'pageToken');
    if (pageToken === undefined) throw new Refusal(400, 'required', 'Required parameter: pageToken', 'pageToken');
    if (!log.knows(pageToken)) throw invalid('pageToken', pageToken);
    const asked = wanted.safeParse(req.body);
    if (!asked.success) throw invalid(asked.error.issues[0]?.path.join('.') || 'resource', '');
    const { id, address, token, expiration } = asked.data;
    if (!mayBeCalled(address))
      throw new Refusal(400, 'push.webhookUrlNotHttps', `WebHook callback must be HTTPS: ${address}`);
    if (channels.has(id)) throw new Refusal(400, 'channelIdNotUnique', `Channel id ${id} not unique`);
    const asksUntil = expiration === undefined ? Date.now() + USUAL_LIFE_MS : Number(expiration);
    if (asksUntil <= Date.now()) throw invalid('expiration', expiration ?? '');
    const expiresAt = Math.min(asksUntil, Date.now() + LONGEST_LIFE_MS);
    const resourceId = createHash('sha256').update(log.key).digest('base64url').slice(0, 27);
    const resourceUri = `${deps.baseUrl()}${req.originalUrl}`;
    const channel = { id, resourceId, accountId: log.accountId, address, token, expiresAt };
    channels.set(id, channel);
    let number = 0;
    const call = (state: 'sync' | 'change') => {
      if (Date.now() >= expiresAt) return Promise.resolve(end(id));
      number += 1;
      return bell.call(address, {
        headers: {
          'x-goog-channel-id': id,
          'x-goog-channel-expiration': new Date(expiresAt).toUTCString(),
          'x-goog-resource-id': resourceId,
          'x-goog-resource-uri': resourceUri,
          'x-goog-resource-state': state,
          'x-goog-message-number': String(number),
          ...(token === undefined ? {} : { 'x-goog-channel-token': token }),
        },
      });
    };
    ends.set(
      id,
      bell.watch(
        () => log.position(),
        () => call('change'),
      ),
    );
    // It comes before the answer as often as after it.
    await call('sync');
    res.json({ kind: 'api#channel', id, resourceId, resourceUri, expiration: String(expiresAt) });
  };

  const stop = (req: Request, res: Response): void => {
    const accountId = deps.accountOf(req);
    const asked = stopped.safeParse(req.body);
    if (!asked.success) throw new Refusal(400, 'required', 'Required');
    const { id, resourceId } = asked.data;
    const channel = channels.get(id);
    if (channel?.accountId !== accountId || channel.resourceId !== resourceId)
      throw new Refusal(404, 'notFound', `Channel '${id}' not found for project`);
    end(id);
    res.status(204).end();
  };

  const router = express.Router();
  router.post('/changes/watch', express.json(), watch);
  router.post('/channels/stop', express.json(), stop);
  return { router, channels };
}
