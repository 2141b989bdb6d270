import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { Fetch } from '../../providers/provider.ts';
import { notRun, referencePath } from '../helpers/requirements.ts';

/** One request with its answer; bytes of downloads are not kept. */
export type Exchange = {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  status: number;
  answerHeaders: Record<string, string>;
  answer?: string;
};

export function addressOf(input: string | URL | Request): string {
  if (typeof input === 'string') return input;
  return input instanceof URL ? input.href : input.url;
}

/** A fetch that remembers what went through it; of the answers, those of these types. */
export function recording(into: Exchange[], kept = /json|text/): (fetch: Fetch) => Fetch {
  return (fetch) => async (input, init) => {
    const response = await fetch(input, init);
    const form = init?.body instanceof URLSearchParams ? init.body.toString() : undefined;
    into.push({
      method: init?.method ?? 'GET',
      url: addressOf(input),
      headers: {
        ...Object.fromEntries(new Headers(init?.headers)),
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: form ?? (typeof init?.body === 'string' ? init.body : undefined),
      status: response.status,
      answerHeaders: Object.fromEntries(response.headers),
      answer: kept.test(response.headers.get('content-type') ?? '') ? await response.clone().text() : undefined,
    });
    return response;
  };
}

type Verdict = { operationId?: string; errors: string[] };
type Call = { method: string; url: string; headers: Record<string, string>; body?: string };
/** A vendor's own description of its API. */
export type Contract = {
  checkRequest(request: Call): Verdict;
  checkResponse(answer: Call & { status: number }): Verdict;
  schema(name: string): (value: unknown) => string[];
};
type Options = { strict?: boolean | 'all'; annotations?: string; allowQuery?: RegExp };
type Load = (options?: Options) => Contract;

/** Ways to read the descriptions at these places of the reference material; undefined where one is not there. */
export async function openContracts<Name extends string>(
  places: Record<Name, string[]>,
): Promise<Record<Name, Load> | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const found = Object.entries<string[]>(places).map(([name, place]) => [name, referencePath('specs', ...place)]);
  if (!tools || found.some(([, spec]) => spec === undefined)) return undefined;
  const { loadContract } = (await import(pathToFileURL(tools).href)) as {
    loadContract: (spec: string, options?: Options) => Contract;
  };
  return Object.fromEntries(
    found.map(([name, spec]) => [name, (options?: Options) => loadContract(spec ?? '', options)]),
  ) as Record<Name, Load>;
}

/** What checks an exchange; without `sent` or `given`, that side of it is not checked. */
export type Checks = {
  sent?: Contract;
  /** The faults of the answer. */
  given?: (answer: Call & { status: number }) => string[];
};

export type Checked = { faults: string[]; requests: number; answers: number; operations: string[] };

/** Checks exchanges by what `checksOf` says of each. Answers that a test has planned are not the vendor's. */
export function checkAll(exchanges: Exchange[], checksOf: (exchange: Exchange, pathname: string) => Checks): Checked {
  const faults = new Set<string>();
  const operations = new Set<string>();
  let [requests, answers] = [0, 0];
  for (const exchange of exchanges) {
    const { method, url, headers, body, status, answer, answerHeaders } = exchange;
    const { pathname } = new URL(url);
    const { sent, given } = checksOf(exchange, pathname);
    if (sent) {
      const { operationId, errors } = sent.checkRequest({ method, url, headers, body });
      requests += 1;
      operations.add(operationId ?? `unknown ${method} ${pathname}`);
      for (const fault of errors) faults.add(`${method} ${pathname}: ${fault}`);
    }
    if (!given || answerHeaders['x-planned'] !== undefined) continue;
    answers += 1;
    for (const fault of given({ method, url, status, headers: answerHeaders, body: answer }))
      faults.add(`${status} of ${method} ${pathname}: ${fault}`);
  }
  return { faults: [...faults], requests, answers, operations: [...operations].sort() };
}

/** The last test of a file: `exchanges` are those of all tests before it. */
export function describeWire(
  title: string,
  exchanges: Exchange[],
  check: (exchanges: Exchange[]) => Promise<Checked | undefined>,
  expected: { requests: number; operations: string[] },
): void {
  describe(`${title}, on the wire`, () => {
    it('sends and gets only what the vendor’s own description of its API allows', async () => {
      const checked = await check(exchanges);
      if (!checked)
        return notRun(`the check of ${title} against the vendor’s description`, 'the description is not here');
      expect(checked.faults).to.deep.equal([]);
      expect(checked.operations).to.deep.equal(expected.operations);
      expect(checked.requests).to.be.greaterThan(expected.requests);
      expect(checked.answers).to.be.greaterThan(expected.requests / 2);
    });
  });
}
