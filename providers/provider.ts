import type { Readable } from 'node:stream';
import type { ChecksumAlgorithm } from './checksums.ts';
import type { Secret } from '../server/secret.ts';

/** Names of the kinds of service; the values stand in URLs, rows and the API. */
export const PLATFORMS = ['google_drive', 'microsoft', 'dropbox', 'confluence', 'jira'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** The guarded `fetch` of `server/egress`: allow-listed hosts, timeouts, credentials never to another origin. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * What provider code is handed to talk to one connected account: its `fetch` carries a fresh access token, refreshes once when the vendor
 * refuses it, keeps to the vendor's pace, repeats what failed in passing and obeys the egress rules. The hub only reads, so every request
 * through it may be repeated, POST included. Provider code never sees a token.
 */
export type Connection = {
  integrationId: string;
  /** The account's stable id at the vendor; while it is being identified, what the token's answer said of it, or nothing. */
  accountId: string;
  /** The one site that an account connected with a token of its own belongs to. */
  site?: Site;
  fetch: Fetch;
};

/** Where a vendor's service runs for one customer: `url` is the address people know, `apiUrl` the one to ask. Neither ends in a slash. */
export type Site = { url: string; apiUrl: string };

/** One thing a provider lists. `ref` is opaque outside the provider and carries all that is needed to open it again. */
export type Item = {
  ref: string;
  name: string;
  kind: 'folder' | 'file';
  /** Of the bytes that `open` will give (native documents: of their export). Folders: `inode/directory`. */
  mediaType: string;
  /** Bytes, where the vendor knows it; never that of a native document. */
  sizeBytes?: number;
  modifiedAt?: Date;
  /** Changes whenever the content may have changed; compared for equality only. */
  version?: string;
  /** Page at the vendor, for people. */
  webUrl?: string;
  /** Whose it is, as people are called there; where the vendor tells. */
  owner?: string;
  /** Ref of the containing folder or root; absent for roots. */
  parentRef?: string;
  /** What a change feed calls it: an id, or a path, below which everything goes with it. Compared as it is. */
  address?: string;
  /** False: `reason` says in a sentence why it cannot be imported. */
  importable: boolean;
  reason?: string;
  /** A file that also holds items, as a page holds sub-pages: it can be opened in the browser, and `list` takes its ref. */
  hasChildren?: boolean;
  /**
   * Names of the levels between the listed place and this item, outermost first; only in listings that skip levels (`deep`). In changes: names
   * of what `within` names, as far as they are known, outermost first as well.
   */
  between?: string[];
  /** What `open` would otherwise have to ask the vendor again; opaque outside the provider, and no secret. */
  hint?: string;
};

/** One page of a listing. An empty page with `next` is not the end. */
export type ItemPage = {
  items: Item[];
  next?: string;
  /** What is below the items is in this listing too: none of them is to be listed again. */
  deep?: boolean;
  /** Address of the listed place itself, where there is a change feed. */
  address?: string;
};

export type ListOptions = {
  /** A wish: vendors have limits of their own. */
  pageSize?: number;
  /**
   * Present where the items are to be imported. Vendors that can send contents along with a listing do, in `hint`. Of a file that holds
   * items, its own contents are never listed.
   */
  forImport?: {
    /** All that is below at any depth is wanted; a vendor that can list it at once does, and says so with `deep`. For a file: false wants none of its sub-items. */
    deep: boolean;
    /** What hangs on the listed files (attachments, comments) is wanted too, as items of its own. Absent from listings otherwise. */
    attachments: boolean;
  };
};

/** What a change feed says. Later ones of the same item replace earlier ones. */
export type Change =
  /**
   * It is there, and its content, name or place may be new. `within`: addresses of what holds it, as far as the vendor says, nearest first.
   * `hangs`: it hangs on a file, as attachments and comments do.
   */
  | { kind: 'present'; item: Item; within: string[]; hangs?: boolean }
  /** It was deleted, thrown away, or is out of reach; what is in it likewise. */
  | { kind: 'gone'; address: string };

/** `cursor` is where to go on; with `done` there is nothing more for now. */
export type ChangePage = { changes: Change[]; cursor: string; done: boolean };

/** A vendor's own account of what changed, by feeds: one may tell of a whole account, another of one drive. */
export type ChangeFeeds = {
  /** The feed that tells of what is in this folder, or of this file; undefined where none does. Asks nobody. */
  feedOf(ref: string, connection: Connection): string | undefined;
  /** The feed of the account's own space, to be followed from the start. */
  own(connection: Connection): Promise<string | undefined>;
  /** The cursor of now: what changes after this call is in the feed behind it. */
  start(connection: Connection, feed: string): Promise<string>;
  /** The changes behind a cursor, in order. Errors: ProviderError `cursor_expired`: all has to be listed again. */
  read(connection: Connection, feed: string, cursor: string): Promise<ChangePage>;
};

/** A standing order at the vendor to call the hub when a feed has news. */
export type Watch = {
  /** The vendor's id of it, or the one it was given. */
  id: string;
  /** What ending or prolonging it takes beside the id; no secret. */
  data?: Record<string, string>;
  /** Absent: it stands until it is ended. */
  expiresAt?: Date;
};

/** An order that stands, with what the vendor was told to prove itself by. */
export type StandingWatch = Watch & { feed: string; secret: Secret };

/** A call at the hub's webhook address, before anything of it is believed. Names of headers are in lower case. */
export type WebhookCall = {
  method: 'GET' | 'POST';
  /** Parameters that came once; decoded. */
  query: Record<string, string>;
  headers: Record<string, string | undefined>;
  /** As it came: signatures are over these bytes. Valid UTF-8, and 1 MB at most. */
  body: Buffer;
};

/** What a call at the webhook address says. */
export type WebhookVerdict =
  /** The vendor makes sure that the address is ours: answered 200 with this text, as `text/plain`. */
  | { kind: 'handshake'; text: string }
  /** Not from the vendor, or not for us. Answered alike whatever was wrong with it. */
  | { kind: 'refused' }
  | {
      kind: 'news';
      /** Ids of the watches whose feeds have news. */
      watches?: string[];
      /** Ids of the accounts that have news, where the vendor calls one address for all of them. */
      accounts?: string[];
      /** Ids of the watches that the vendor wants to be made anew or prolonged now. */
      renew?: string[];
      /** Same for repetitions of the same call: it is heard once. */
      once?: string;
    };

/** How a vendor says by itself that something has changed. It only says so: what changed is read from the feeds. */
export type Webhooks = {
  /**
   * Whom the vendor calls: an address for each account (`/webhooks/{platform}/{integrationId}`), or one for the hub's whole app
   * (`/webhooks/{platform}`).
   */
  address: 'account' | 'app';
  /** What the operator has to do at the vendor's console before it works: a sentence or two. Absent: nothing. */
  setUp?: string;
  /**
   * Orders calls for a feed. Several feeds may be served by one order: then the same `id` comes back. Undefined: this feed cannot be watched.
   * Absent where the operator registers the address by hand. Errors: ProviderError; `scope` where the grant does not allow it.
   */
  watch?(
    connection: Connection,
    feed: string,
    request: { address: string; secret: Secret; id: string },
  ): Promise<Watch | undefined>;
  /** Prolongs an order. Absent: a new one is made before the old one is ended. Undefined: the vendor no longer knows it. */
  prolong?(connection: Connection, watch: StandingWatch): Promise<Watch | undefined>;
  /** Ends an order; one that the vendor no longer knows counts as ended. */
  unwatch?(connection: Connection, watch: StandingWatch): Promise<void>;
  /**
   * Reads a call. `watches`: those of the account that the address names; of all accounts where the address is the app's. One that is just being
   * ordered is among them, under the id it was given: vendors call before they answer. An address that names nobody comes with none, so that it is
   * answered as any other. Never throws.
   */
  receive(call: WebhookCall, watches: StandingWatch[]): Promise<WebhookVerdict>;
};

export type OpenedFile = {
  stream: Readable;
  /** File name with the extension of the bytes given (an exported document ends in `.docx`, say). */
  name: string;
  mediaType: string;
  /** Announced bytes; compared with what arrives. Absent for exports. */
  sizeBytes?: number;
  version?: string;
  /** The vendor's own checksum, lower-case hex, to be compared with the bytes. */
  hash?: { algorithm: ChecksumAlgorithm; hex: string };
  /** What people want to know of the document beside its text, under the words they read: "Space", "Author", "Labels". */
  details?: Record<string, string | string[]>;
};

export type TokenSet = {
  accessToken: Secret;
  /** Absent where the vendor sent none: the stored one stays valid. */
  refreshToken?: Secret;
  /** Computed from `expires_in` at receipt. */
  expiresAt: Date;
  /** Scopes granted, as the vendor spells them. */
  scopes: string[];
  /** Id of the account, where the token's answer alone says it; `identify` finds it in the connection. */
  accountId?: string;
};

export type Account = { id: string; email?: string; name?: string };

export type AuthorizationRequest = {
  state: string;
  codeVerifier: string;
  redirectUri: string;
  loginHint?: string;
};

export type ProviderAuth = {
  /** The vendor's consent page, with `state` and an S256 PKCE challenge of `codeVerifier`. */
  authorizationUrl(request: AuthorizationRequest): Promise<string>;
  /** Errors: ProviderError `reconnect` (code refused), `misconfigured` (client refused), `transient`. */
  exchange(request: { code: string; codeVerifier: string; redirectUri: string }, fetch: Fetch): Promise<TokenSet>;
  /** Errors: ProviderError `reconnect` (grant dead), `misconfigured`, `rate_limited`, `transient`. */
  refresh(refreshToken: Secret, fetch: Fetch): Promise<TokenSet>;
  identify(connection: Connection): Promise<Account>;
  /** Ends the grant at the vendor. A grant that is already dead counts as revoked. */
  revoke?(tokens: { accessToken: Secret; refreshToken?: Secret }, fetch: Fetch): Promise<void>;
};

/** A way to connect without a consent page: what people type, where they find it, and how the token is sent. */
export type TokenForm = {
  /** Stands in rows and the API: `api_token`, `personal_access_token`. */
  id: string;
  /** The tab's name: "API token". */
  label: string;
  /** A sentence or two: for whom this is, and what the token may do. */
  help: string;
  /** The vendor's page where a token is made. */
  helpUrl: string;
  /** `Basic`: the stored token is the base64 of `user:token`. */
  scheme: 'Bearer' | 'Basic';
  fields: {
    /** As in the API's body: `baseUrl`, `email`, `apiToken`. */
    name: string;
    label: string;
    hint?: string;
    kind: 'url' | 'email' | 'secret';
  }[];
};

/** Requests a second on average, and how many may leave at once after a rest. */
export type Pace = { perSecond: number; burst: number };

/**
 * What an answer asks of the connection, before the provider reads it: to wait and repeat (with `waitMs` where the vendor said how long;
 * `reach` says who is to wait: this request alone, all of the account, which is meant where nothing is said, or every account), to refresh
 * the token and repeat, or nothing: the provider's own table knows what it means.
 */
export type AnswerVerdict =
  | { kind: 'throttled'; waitMs?: number; reach?: 'request' | 'account' | 'app' }
  | { kind: 'expired' }
  | { kind: 'final' };

export type ProviderDefinition = {
  id: Platform;
  /** As people call the service: "Google Drive". */
  label: string;
  /** One sentence for the integrations page: what connecting it brings. */
  summary: string;
  /** `optional`: an account is connected without it too, and lacks only what it is for. */
  scopes: { scope: string; reason: string; optional?: true }[];
  /** Environment variables that switch connecting by consent on. */
  settings: { clientId: string; clientSecret: string };
  /** Ways to connect that need no settings; the first is shown first. */
  tokenForms?: TokenForm[];
  /** The vendor's own hosts, as `host` or `*.suffix`: reached over https at public addresses only. */
  hosts: string[];
  /** How fast the vendor lets itself be asked by one account, and by the hub's app as a whole. */
  pace: { integration: Pace; app: Pace };
  /** What an import of this service can be told to bring beside what is selected: the items below a file, what hangs on files. */
  importChoices?: ('children' | 'attachments')[];
  /** Days after which the vendor lets a grant lapse that nobody used. Absent: never. */
  idleDays?: number;
  /** Page where a person ends the grant by hand. */
  manualRevokeUrl: string;
  /** For the operator: the vendor's page where the hub's app is registered, and the file of these docs that tells how. */
  help?: { consoleUrl: string; guide: string };
};

/** One kind of service behind one face. An optional method that is absent means the vendor has no such thing. */
export type Provider = {
  definition: ProviderDefinition;
  auth: ProviderAuth;
  /**
   * Turns what was typed into one of `definition.tokenForms` into a grant, by a real request that only the token's owner may make. The account's
   * id names the site too: the same person at two sites is two accounts. Errors: TypedError; ProviderError `transient`, `rate_limited`, `denied`.
   */
  connectWithToken?(
    form: string,
    typed: Record<string, string>,
    fetch: Fetch,
  ): Promise<{ accessToken: Secret; account: Account; site: Site }>;
  /**
   * Reads a refusal (401, 403, 429, 503) where the vendor departs from the common rules: 401 is an expired token, 429 and 503 with
   * `Retry-After` ask for a pause. `text` is the body. Undefined: the common rules hold.
   */
  judge?(answer: { status: number; headers: Headers; text: string }): AnswerVerdict | undefined;
  /** Items with no parent in the browser. */
  roots(connection: Connection): Promise<Item[]>;
  /** What is in a folder, or in a file that holds items. A cursor goes on with the same options only. */
  list(connection: Connection, ref: string, cursor?: string, options?: ListOptions): Promise<ItemPage>;
  /** Items that can be imported; a query in the vendor's own language may come as a folder of all it finds. */
  search?(connection: Connection, query: string, cursor?: string): Promise<ItemPage>;
  get(connection: Connection, ref: string): Promise<Item>;
  /** With the `hint` of a recent listing one request less is made where the vendor allows; a stale one is no error. */
  open(connection: Connection, ref: string, options: { signal: AbortSignal; hint?: string }): Promise<OpenedFile>;
  /** Absent: only listing everything again tells what changed. */
  changes?: ChangeFeeds;
  /** Absent: what changed is only learned by asking. */
  webhooks?: Webhooks;
};
