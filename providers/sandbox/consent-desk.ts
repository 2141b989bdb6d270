import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { parseUrl } from '../urls.ts';
import { consentPage, refusalPage, type ConsentChoice, type ConsentVendor } from './consent-page.ts';
import type { SandboxAccount } from './sandbox-files.ts';
import type { TokenMint } from './token-mint.ts';

const CODE_LIFETIME_MS = 600_000;

/** Parameters of a request, each given once. */
export type Asked = Record<string, string>;
/** Why something is refused: the vendor's word and a sentence. */
export type Fault = { code: string; text: string };

/** What a person agreed to; it lives in the code until that is redeemed. */
export type Consent = { accountId: string; scopes: string[]; asked: Asked; choices: string[] };

export type ConsentDesk = {
  /** The consent page, and the decision made on it. */
  page: RequestHandler;
  decision: RequestHandler[];
  /** The consent of a code, once; undefined for one that is unknown, spent or too old. */
  redeem(code: string | undefined): Consent | undefined;
};

/** Where people consent, at any vendor: shows the page, sends the browser back, and keeps what was agreed until its code is redeemed. */
export function createConsentDesk(deps: {
  accounts: SandboxAccount[];
  mint: TokenMint;
  vendor: ConsentVendor;
  /** Why a request is not answered with the consent page. */
  faultOf(asked: Asked, req: Request): Fault | undefined;
  /** What is said of a page that is too old. */
  staleCode: string;
  newCode(): string;
  /** What the person chooses from beside account and scopes. */
  choice?(): ConsentChoice;
  /** What goes back beside the state and the code, or the error. */
  more?: { granted?: (consent: Consent) => Asked; denied?: Asked };
}): ConsentDesk {
  const { accounts, mint, vendor } = deps;
  const codes = new Map<string, Consent & { expiresAt: number }>();
  const refuse = (res: Response, fault: Fault): void =>
    void res.status(400).type('html').send(refusalPage(vendor, fault));

  const page: RequestHandler = (req, res) => {
    const asked = stringsOf(req.query);
    const fault = deps.faultOf(asked, req);
    if (fault) return refuse(res, fault);
    const scopes = scopesOf(asked);
    const request = mint.sign({
      kind: 'consent',
      grantId: randomUUID(),
      accountId: '',
      scopes,
      expiresAt: Date.now() + CODE_LIFETIME_MS,
      data: asked,
    });
    res
      .type('html')
      .send(consentPage(vendor, { accounts, scopes, loginHint: asked.login_hint, request, choice: deps.choice?.() }));
  };

  const decide: RequestHandler = (req, res) => {
    const form = (req.body ?? {}) as Record<string, string | string[] | undefined>;
    const signed = mint.verify('consent', String(form.request ?? ''));
    if (!signed?.data)
      return refuse(res, { code: deps.staleCode, text: 'This page is out of date. Start again in the app.' });
    const asked = signed.data;
    const back = new URL(asked.redirect_uri ?? '');
    const send = (parameters: Asked): void => {
      if (asked.state !== undefined) back.searchParams.set('state', asked.state);
      for (const [name, value] of Object.entries(parameters)) back.searchParams.set(name, value);
      res.redirect(302, back.href);
    };
    const account = accounts.find(({ id }) => id === form.account);
    if (form.decision !== 'allow' || !account) return send({ error: 'access_denied', ...deps.more?.denied });
    const ticked = new Set([form.scope ?? []].flat());
    const scopes = signed.scopes.filter((scope) => !vendor.optional?.has(scope) || ticked.has(scope));
    const consent = { accountId: account.id, scopes, asked, choices: [form.choice ?? []].flat() };
    const code = deps.newCode();
    codes.set(code, { ...consent, expiresAt: Date.now() + CODE_LIFETIME_MS });
    send({ code, ...deps.more?.granted?.(consent) });
  };

  return {
    page,
    decision: [express.urlencoded({ extended: false }), decide],
    redeem(code = '') {
      const consent = codes.get(code);
      codes.delete(code);
      return consent && consent.expiresAt > Date.now() ? consent : undefined;
    },
  };
}

/** Headers that all pages and answers of a sign-in have: nobody frames them, and their addresses go nowhere. */
export const signInHeaders: RequestHandler = (_req, res, next) => {
  res.set('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  res.set('referrer-policy', 'no-referrer');
  next();
};

/** The faults that every vendor refuses alike; each has a word of its own for them. */
export function commonFault(
  asked: Asked,
  client: { id: string; knownScopes: ReadonlySet<string>; needsScope: boolean },
  words: Record<'client' | 'redirect' | 'responseType' | 'noScope' | 'scope' | 'challenge', string>,
): Fault | undefined {
  if (asked.client_id !== client.id) return { code: words.client, text: 'The OAuth client was not found.' };
  const redirect = parseUrl(asked.redirect_uri ?? '');
  if (!redirect || !/^https?:$/.test(redirect.protocol) || redirect.hash)
    return { code: words.redirect, text: 'The redirect URI in the request must be an http or https address.' };
  if (asked.response_type !== 'code') return { code: words.responseType, text: 'The response type must be "code".' };
  const scopes = scopesOf(asked);
  if (client.needsScope && scopes.length === 0)
    return { code: words.noScope, text: 'Missing required parameter: scope' };
  const unknown = scopes.filter((scope) => !client.knownScopes.has(scope));
  if (unknown.length > 0)
    return { code: words.scope, text: `Some requested scopes were invalid: ${unknown.join(', ')}` };
  if (asked.code_challenge_method !== 'S256' || !/^[\w-]{43}$/.test(asked.code_challenge ?? ''))
    return { code: words.challenge, text: 'A PKCE code challenge with the method S256 is needed.' };
  return undefined;
}

/** Whether a verifier is a sound one and that of the challenge which the consent was asked with. */
export function provesChallenge(verifier: string | undefined, { asked }: Consent): boolean {
  const challenge = createHash('sha256')
    .update(verifier ?? '')
    .digest('base64url');
  return /^[\w.~-]{43,128}$/.test(verifier ?? '') && sameText(challenge, asked.code_challenge ?? '');
}

export const scopesOf = ({ scope = '' }: Asked): string[] => scope.split(' ').filter(Boolean);

/** Parameters given once; repeated ones are left out, as if they were missing. */
export function stringsOf(values: Record<string, unknown>): Asked {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export const formOf = (req: Request): Asked => stringsOf((req.body ?? {}) as Record<string, unknown>);

/** The token of an Authorization header; '' where there is none. */
export const bearerOf = (req: Request): string => /^Bearer (.+)$/.exec(req.get('authorization') ?? '')?.[1] ?? '';

/** Compares in a time that tells nothing of where two texts differ. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
