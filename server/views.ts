import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Request, RequestHandler, Response } from 'express';
import type { FieldError } from './forms/form.ts';
import { paths } from './paths.ts';
import type { AccountViews } from './routes/account-views.ts';
import type { BrowseViews } from './routes/browse-views.ts';
import type { DocumentViews } from './routes/document-views.ts';
import type { ImportViews } from './routes/import-views.ts';
import type { IntegrationViews } from './routes/integration-views.ts';
import type { NotificationViews } from './routes/notification-views.ts';
import type { OverviewViews } from './routes/overview-views.ts';
import type { PeopleViews } from './routes/people-views.ts';
import type { ReferenceViews } from './routes/reference-views.ts';
import type { SearchViews } from './routes/search-views.ts';
import type { SetupViews } from './routes/setup-views.ts';

/** Every view and the type of its locals; they arrive formatted, so that a view only lays them out. */
export type ViewLocals = AccountViews &
  BrowseViews &
  DocumentViews &
  ImportViews &
  IntegrationViews &
  NotificationViews &
  OverviewViews &
  PeopleViews &
  ReferenceViews &
  SearchViews &
  SetupViews & {
    error: {
      status: number;
      heading: string;
      message: string;
      requestId: string;
      action?: { href: string; label: string };
    };
  };

export type Flash = { kind: 'success' | 'notice' | 'error'; message: string };

/** What the shared partials need on every page. `errors` and `values` are those of the page's form. */
export type PageLocals = {
  title: string;
  /** The section marked in the navigation. */
  section?:
    | 'overview'
    | 'integrations'
    | 'browse'
    | 'imports'
    | 'documents'
    | 'search'
    | 'users'
    | 'tokens'
    | 'reference'
    | 'notifications'
    | 'profile'
    | 'audit';
  errors?: FieldError[];
  values?: Record<string, string>;
};

/** Renders a page. Express types locals loosely; this is the one place that hands them over. */
export function render<V extends keyof ViewLocals>(res: Response, view: V, locals: ViewLocals[V] & PageLocals): void {
  res.render(view, locals as object);
}

/** The same as text, for a part of a page. */
export function renderText<V extends keyof ViewLocals>(res: Response, view: V, locals: ViewLocals[V]): Promise<string> {
  return new Promise((resolve, reject) => {
    res.render(view, locals as object, (error: Error | null, html: string) => (error ? reject(error) : resolve(html)));
  });
}

/** Leaves a message for the next page that is shown. */
export function flash(req: Request, message: Flash): void {
  (req.session.flash ??= []).push(message);
}

/** Where views and static files lie: beside server/, in the source tree and in dist/. */
export const siteFolder = (name: 'views' | 'public'): string => path.join(import.meta.dirname, '..', name);

/** Comments that have whole lines of their own: what else looks like one may be part of a string. */
const COMMENTS: Record<string, RegExp> = {
  '.css': /\/\*.*?\*\//gs,
  '.js': /^ *(?:\/\*\*(?:(?!\*\/).)*\*\/|\/\/[^\n]*)$/gms,
};
const slimmed = new Map<string, string>();

/** A style sheet or script as it is sent: without its comments and the white space before each line. Undefined for other files. */
function slim(name: string): string | undefined {
  const comments = COMMENTS[path.extname(name)];
  if (!comments || !/^[\w-]+\.\w+$/.test(name)) return undefined;
  let text = slimmed.get(name);
  if (text === undefined) {
    const file = path.join(siteFolder('public'), name);
    if (!existsSync(file)) return undefined;
    text = readFileSync(file, 'utf8').replaceAll(comments, '').replaceAll(/\n\s+/g, '\n');
    slimmed.set(name, text);
  }
  return text;
}

export const sendStylesAndScripts: RequestHandler = (req, res, next) => {
  const text = slim(req.path.slice(1));
  if (text === undefined) return next();
  res.set('cache-control', 'public, max-age=31536000, immutable').type(path.extname(req.path)).send(text);
};

const hashes = new Map<string, string>();

/** Address of a file of public/, with its content's hash so that it can be cached for ever. */
export function asset(name: string): string {
  let hash = hashes.get(name);
  if (!hash) {
    const content = slim(name) ?? readFileSync(path.join(siteFolder('public'), name));
    hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
    hashes.set(name, hash);
  }
  return `/${name}?v=${hash}`;
}

/**
 * Gives every view what the shared partials use. It comes early in the stack, so that the error page has it whatever fails; who is signed
 * in and what was flashed is read when a page asks. The CSRF token starts a session, so only pages with a form ask for it.
 */
export function viewLocals(csrfToken: (req: Request) => string): RequestHandler {
  return (req, res, next) => {
    Object.assign(res.locals, {
      paths,
      asset,
      requestId: req.requestId,
      csrfToken: () => csrfToken(req),
      takeFlash: () => {
        const messages = req.session?.flash ?? [];
        if (messages.length > 0) delete req.session.flash;
        return messages;
      },
    });
    Object.defineProperty(res.locals, 'user', { enumerable: true, get: () => req.account });
    next();
  };
}
