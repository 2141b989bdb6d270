import cors from 'cors';
import type { Request, RequestHandler } from 'express';
import type { Config } from '../config.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
/** What a caller may send beside what every page may. */
const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Prefer',
  'Idempotency-Key',
  'If-None-Match',
  'Last-Event-ID',
  'X-Request-ID',
];
/** What a caller may read of an answer beside its body and type. */
const EXPOSED_HEADERS = [
  'Location',
  'ETag',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-ID',
  'Preference-Applied',
  'Idempotent-Replayed',
];
/** Browsers keep what a preflight said for two hours at most. */
const PREFLIGHT_SECONDS = 7200;

/**
 * Lets pages of the named origins call the JSON API with bearer tokens. It comes before whatever reads cookies: those that a browser sends along
 * from another origin count for nothing, and a preflight, which carries no token, is answered here.
 * Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function apiFromOtherOrigins(config: Config): RequestHandler[] {
  const withoutCookies: RequestHandler = (req, _res, next) => {
    if (isFromElsewhere(req, config)) delete req.headers.cookie;
    next();
  };
  return [
    withoutCookies,
    cors({
      origin: config.apiCorsOrigins,
      methods: METHODS,
      allowedHeaders: ALLOWED_HEADERS,
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: PREFLIGHT_SECONDS,
    }),
  ];
}

/** Lets pages of any origin read what is public anyway. */
export const fromAnyOrigin: RequestHandler = cors({ methods: ['GET', 'HEAD'] });

/** Whether a page of another origin asks. Somebody who follows a link, or is sent back by a vendor, is no page. */
function isFromElsewhere(req: Request, { baseUrl }: Config): boolean {
  const origin = req.get('origin');
  if (origin === undefined || origin === baseUrl || req.get('sec-fetch-mode') === 'navigate') return false;
  return !URL.canParse(origin) || new URL(origin).host !== req.get('host');
}
