import { randomUUID } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import { mayBeCalled, type Bell } from '../sandbox/bell.ts';
import type { DriveLogs } from './sandbox-delta.ts';
import { objectIdOf, tenantIdOf } from './sandbox-ids.ts';
import { badRequest, Refusal } from './sandbox-refusal.ts';
import type { SandboxDrive, View } from './sandbox-store.ts';

/** Source: https://learn.microsoft.com/en-us/graph/api/resources/subscription (2026). */
const LONGEST_LIFE_MS = 42_300 * 60_000;

const instant = z.iso.datetime({ offset: true });
const wanted = z.strictObject({
  changeType: z.string(),
  notificationUrl: z.string(),
  lifecycleNotificationUrl: z.string().optional(),
  resource: z.string(),
  expirationDateTime: instant,
  clientState: z.string().max(128).optional(),
});
const renewed = z.strictObject({ expirationDateTime: instant });

export type LifecycleEvent = 'reauthorizationRequired' | 'subscriptionRemoved' | 'missed';

/** A standing order to call; tests may change when it ends. */
export type SandboxSubscription = z.infer<typeof wanted> & { id: string; accountId: string; tenantId: string };

export type SandboxSubscriptions = {
  router: Router;
  all: Map<string, SandboxSubscription>;
  sendLifecycle: (id: string, event: LifecycleEvent) => Promise<void>;
};

/**
 * Subscriptions to whole drives. Both addresses have to echo a token before one is made, which is then called when something in its drive
 * changes, until it ends.
 */
export function createSandboxSubscriptions(deps: {
  clientId: string;
  bell: Bell;
  baseUrl: () => string;
  logOf: DriveLogs;
  viewOf: (req: Request) => View;
  /** Errors: Refusal for a drive that the account does not see, or not as a whole. */
  wholeDrive: (view: View, id: string) => SandboxDrive;
}): SandboxSubscriptions {
  const { bell } = deps;
  const all = new Map<string, SandboxSubscription>();
  const ends = new Map<string, () => void>();

  const end = (id: string): void => {
    ends.get(id)?.();
    ends.delete(id);
    all.delete(id);
  };

  const send = (url: string, value: object): Promise<unknown> =>
    bell.call(url, {
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ value: [value] }),
    });

  const said = ({ id, clientState, expirationDateTime, resource, tenantId }: SandboxSubscription) => ({
    subscriptionId: id,
    subscriptionExpirationDateTime: expirationDateTime,
    ...(clientState === undefined ? {} : { clientState }),
    resource: resource.replace(/^\//, ''),
    tenantId,
  });

  const ring = (id: string): Promise<unknown> => {
    const live = liveOf(all.get(id));
    if (!live) return Promise.resolve(end(id));
    return send(live.notificationUrl, { ...said(live), changeType: 'updated', resourceData: null });
  };

  /** The address has to answer with what it was sent, as plain text. */
  const prove = async (url: string): Promise<void> => {
    if (!mayBeCalled(url)) throw new Refusal(400, 'InvalidRequest', 'Notification URL must be a valid https URL.');
    const token = `Validation: Testing client application reachability for subscription Request-Id: ${randomUUID()} <&+%>`;
    const address = `${url}${url.includes('?') ? '&' : '?'}validationToken=${encodeURIComponent(token)}`;
    const { status, text, headers } = await bell.call(address, {
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
    const echoed = status === 200 && text === token && /^text\/plain\b/.test(headers.get('content-type') ?? '');
    if (!echoed)
      throw new Refusal(
        400,
        'ValidationError',
        'Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.',
      );
  };

  const wireOf = (req: Request, { accountId: _account, tenantId: _tenant, ...subscription }: SandboxSubscription) => ({
    '@odata.context': `${deps.baseUrl()}/v1.0/$metadata#subscriptions/$entity`,
    ...subscription,
    applicationId: deps.clientId,
    creatorId: objectIdOf(deps.viewOf(req).account),
    includeResourceData: null,
    encryptionCertificate: null,
    encryptionCertificateId: null,
    latestSupportedTlsVersion: 'v1_2',
    notificationQueryOptions: null,
    notificationUrlAppId: null,
  });

  const create = async (req: Request, res: Response): Promise<void> => {
    const view = deps.viewOf(req);
    const { account } = view;
    const asked = bodyOf(req, wanted);
    const driveId = /^\/?drives\/([^/]+)\/root$/.exec(asked.resource)?.[1];
    if (driveId === undefined) throw badRequest(`Unsupported resource: ${asked.resource}`);
    const drive = deps.wholeDrive(view, decodeURIComponent(driveId));
    if (asked.changeType !== 'updated') throw badRequest(`Unsupported change type: ${asked.changeType}`);
    checkEnd(asked.expirationDateTime);
    for (const url of [asked.notificationUrl, asked.lifecycleNotificationUrl]) if (url !== undefined) await prove(url);
    const id = randomUUID();
    const subscription = { ...asked, id, accountId: account.id, tenantId: tenantIdOf(account) };
    all.set(id, subscription);
    const log = deps.logOf(view, drive);
    ends.set(
      id,
      bell.watch(
        () => log.position(),
        () => ring(id),
      ),
    );
    res.status(201).json(wireOf(req, subscription));
  };

  const found = (req: Request): SandboxSubscription => {
    const live = liveOf(all.get(String(req.params.id)));
    if (live?.accountId !== deps.viewOf(req).account.id)
      throw new Refusal(404, 'ResourceNotFound', 'The object was not found.');
    return live;
  };

  const router = express.Router();
  router.post('/subscriptions', express.json(), create);
  router.patch('/subscriptions/:id', express.json(), (req, res) => {
    const subscription = found(req);
    const { expirationDateTime } = bodyOf(req, renewed);
    checkEnd(expirationDateTime);
    subscription.expirationDateTime = expirationDateTime;
    res.json(wireOf(req, subscription));
  });
  router.delete('/subscriptions/:id', (req, res) => {
    end(found(req).id);
    res.status(204).end();
  });

  return {
    router,
    all,
    async sendLifecycle(id, lifecycleEvent) {
      const live = liveOf(all.get(id));
      if (!live?.lifecycleNotificationUrl) throw new Error(`The stand-in has no subscription ${id} to tell of.`);
      if (lifecycleEvent === 'subscriptionRemoved') end(id);
      await send(live.lifecycleNotificationUrl, { ...said(live), lifecycleEvent });
    },
  };
}

function bodyOf<T>(req: Request, schema: z.ZodType<T>): T {
  const body = schema.safeParse(req.body);
  if (body.success) return body.data;
  throw badRequest(`Invalid value for property '${body.error.issues[0]?.path.join('.') ?? ''}'.`);
}

function checkEnd(expirationDateTime: string): void {
  const at = Date.parse(expirationDateTime);
  if (at <= Date.now()) throw badRequest('Subscription expiration must be in the future.');
  if (at > Date.now() + LONGEST_LIFE_MS)
    throw badRequest('Subscription expiration can only be 42300 minutes in the future.');
}

const liveOf = (subscription: SandboxSubscription | undefined): SandboxSubscription | undefined =>
  subscription && Date.parse(subscription.expirationDateTime) > Date.now() ? subscription : undefined;
