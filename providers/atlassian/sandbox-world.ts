import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { ConfluenceState } from '../confluence/sandbox-state.ts';
import type { JiraState } from '../jira/sandbox-state.ts';

export type AtlassianPerson = {
  accountId: string;
  name: string;
  /** Absent where the person's privacy settings hide it. */
  email?: string;
  /** As in the person's profile; CQL and JQL read dates in it. */
  timeZone: string;
  accountType: 'atlassian' | 'app';
};

/**
 * A customer's site. Each is an origin of its own, on a port of its own, as `https://acme.atlassian.net` is one: what is sent to the wrong
 * one is seen. A server (Data Center) is installed below the path `/dc`.
 */
export type AtlassianSite = {
  kind: 'cloud' | 'server';
  cloudId: string;
  name: string;
  /** Ends in no slash; '' until the site listens. */
  url: string;
  /** Account ids of those who may use it. */
  members: Set<string>;
  /** Absent: the site has no such product. */
  confluence?: ConfluenceState;
  jira?: JiraState;
};

/** Who makes a request, and at which site. */
export type Caller = {
  site: AtlassianSite;
  /** Absent for somebody who is not signed in. */
  person?: AtlassianPerson;
  /** An app asks, by a consent, and not the person. */
  isApp?: boolean;
  /** Tokens without scopes of their own may do everything. Errors: AtlassianRefusal 401 for one that has none of these. */
  requireScope: (...anyOf: string[]) => void;
};

/** `id` is the media service's own; bytes that are not at hand are read when somebody comes for them. */
export type MediaFile = { id: string; name: string; mediaType: string; bytes: Buffer | (() => Promise<Buffer>) };

/** What the products' routers know of the stand-in around them. */
export type AtlassianWorld = {
  callerOf: (req: Request) => Caller;
  /** Where the media host gives out a file to everybody who has the address, for a few minutes. */
  mediaUrl: (file: MediaFile) => string;
  /** How the bytes of a file go out. */
  send: (req: Request, res: Response, bytes: Buffer) => void;
};

/** A refusal of the gateway, or of the sites' sign-in; the products have words of their own. */
export class AtlassianRefusal extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;

  /** `message` alone makes the gateway's usual body. */
  constructor(status: number, message: string, answer: { body?: unknown; headers?: Record<string, string> } = {}) {
    super(message);
    this.status = status;
    this.body = answer.body ?? { code: status, message };
    this.headers = answer.headers ?? {};
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** An id in the shape of a UUID that is the same at every start. */
export const stableUuid = (key: string): string =>
  digest(key).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');

/** Account id of a person by name, in the shape of Atlassian's. */
export const accountIdOfName = (name: string): string => `712020:${stableUuid(`person ${name}`)}`;

/** Somebody by name; who is not among the people yet, joins them: one who writes and is mentioned, but cannot sign in. */
export function personIn(people: AtlassianPerson[], name: string): AtlassianPerson {
  const known = people.find((person) => person.name === name);
  if (known) return known;
  const accountId = accountIdOfName(name);
  const person: AtlassianPerson = { accountId, name, timeZone: 'Europe/London', accountType: 'atlassian' };
  people.push(person);
  return person;
}
