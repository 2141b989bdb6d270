import { PASSWORD } from './hub.ts';

export type Page = { status: number; html: string; headers: Headers; location?: string };

/** A browser without JavaScript: keeps cookies, sends the CSRF token of the last page that had one. Redirects are not followed. */
export type Visitor = {
  get(path: string): Promise<Page>;
  post(path: string, fields?: Record<string, string | string[]>): Promise<Page>;
  /** Any request with the visitor's cookies: for the API. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  csrf(): string;
  cookies(): string;
};

/** The words of a page, without its elements. */
export const textOf = (html: string): string => html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

export function openVisitor(origin: string): Visitor {
  const jar = new Map<string, string>();
  let token = '';
  const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');

  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (jar.size > 0) headers.set('cookie', cookies());
    const response = await fetch(new URL(path, origin), { redirect: 'manual', ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = cookie.split(';');
      const at = pair.indexOf('=');
      const expired = attributes.some((attribute) => /expires=thu, 01 jan 1970/i.test(attribute.trim()));
      if (expired) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  }

  async function toPage(response: Response): Promise<Page> {
    const html = await response.text();
    token =
      /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? /name="csrf-token" content="([^"]+)"/.exec(html)?.[1] ?? token;
    return {
      status: response.status,
      html,
      headers: response.headers,
      location: response.headers.get('location') ?? undefined,
    };
  }

  return {
    get: async (path) => toPage(await send(path, { headers: { accept: 'text/html' } })),
    async post(path, fields = {}) {
      const body = new URLSearchParams();
      for (const [name, value] of Object.entries({ _csrf: token, ...fields }))
        for (const one of [value].flat()) body.append(name, one);
      return toPage(await send(path, { method: 'POST', body, headers: { accept: 'text/html' } }));
    },
    fetch: send,
    csrf: () => token,
    cookies,
  };
}

/** A visitor who signed in through the form. */
export async function signInAs(origin: string, email: string, password = PASSWORD): Promise<Visitor> {
  const visitor = openVisitor(origin);
  await visitor.get('/sign-in');
  const page = await visitor.post('/sign-in', { email, password });
  if (page.status !== 303) throw new Error(`signing in as ${email} answered ${page.status}`);
  // The session is a new one, and so is its token.
  await visitor.get('/admin/integrations');
  return visitor;
}
