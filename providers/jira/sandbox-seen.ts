import type { Request } from 'express';
import type { AtlassianWorld } from '../atlassian/sandbox-world.ts';
import { Refusal } from './sandbox-refusal.ts';
import { viewOf, type JiraState, type View } from './sandbox-state.ts';
import { createWire, type Wire } from './sandbox-wire.ts';

/** What a request is about: the site, and what the one who asks sees of it. `url` is the site's own address. */
export type Seen = { state: JiraState; view: View; wire: Wire; url: string };
/** `scope` is the one of the classic scopes that the call needs. Errors: AtlassianRefusal 401 without it. */
export type SeenBy = (req: Request, scope?: 'read:jira-work' | 'read:jira-user') => Seen;

export const createSeenBy =
  (world: AtlassianWorld): SeenBy =>
  (req, scope = 'read:jira-work') => {
    const caller = world.callerOf(req);
    caller.requireScope(scope);
    const { url, jira: state } = caller.site;
    if (!state) throw new Refusal(404, 'This site has no Jira.');
    const view = viewOf(state, caller.person);
    return { state, view, url, wire: createWire({ siteUrl: url, state, view }) };
  };
