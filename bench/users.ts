import autocannon from 'autocannon';
import { paths } from '../server/paths.ts';
import { signInAs } from '../test/helpers/visitor.ts';
import type { Bench } from './bench.ts';
import { benchFolder } from './files.ts';
import { ADMIN, layouts, startLayout, type Layout, type RunningHub } from './hub/layout.ts';
import { buildHub } from './hub/processes.ts';

const USERS = 200;
const SECONDS = 30;
/** Seconds that somebody looks at a page. */
const READING = 5;
const TIMEOUT_SECONDS = 30;
const SIGN_INS_AT_ONCE = 4;

/** `overallRate`: pages a second of all users together; as many as come where nothing is said. */
const PACES: { pace: string; overallRate?: number }[] = [
  { pace: `a page in ${READING} s each`, overallRate: USERS / READING },
  { pace: 'without a pause' },
];

type Found = { layout: Layout; pace: string; result: autocannon.Result };

/** Many people who look at pages at the same time, each signed in by themselves, all served by one process. */
export const users: Bench = {
  name: 'users',
  about: `${USERS} signed-in users who browse at the same time, for ${SECONDS} seconds, served by one process`,
  async run(say) {
    buildHub(say);
    const found: Found[] = [];
    for (const layout of layouts) {
      const hub = await startLayout(layout, benchFolder());
      try {
        say(`${layout}: importing, so that there is something to see`);
        const importId = await hub.beginImport();
        await hub.importEnded(importId);
        const cookies = await signInAll(hub);
        for (const { pace, overallRate } of PACES) {
          const result = await browse(hub, importId, cookies, overallRate);
          found.push({ layout, pace, result });
          say(`${layout}, ${pace}: ${result.requests.total} pages, ${failuresOf(result)} failed`);
        }
      } finally {
        await hub.close();
      }
    }
    const ms = (value: number): string => `${value.toFixed(0)} ms`;
    return {
      columns: ['layout', 'pace', 'pages', 'pages a second', 'median', '99 of 100 within', 'failed'],
      rows: found.map(({ layout, pace, result }) => [
        layout,
        pace,
        String(result.requests.total),
        (result.requests.total / result.duration).toFixed(0),
        ms(result.latency.p50),
        ms(result.latency.p99),
        String(failuresOf(result)),
      ]),
      samples: found,
    };
  },
};

/** Answers that are no page, connections that broke and answers that did not come in time. */
const failuresOf = ({ non2xx, errors }: autocannon.Result): number => non2xx + errors;

/** A session for each user. */
async function signInAll({ url }: RunningHub): Promise<string[]> {
  const cookies: string[] = [];
  while (cookies.length < USERS) {
    const visitors = await Promise.all(Array.from({ length: SIGN_INS_AT_ONCE }, () => signInAs(url, ADMIN)));
    cookies.push(...visitors.map((visitor) => visitor.cookies()));
  }
  return cookies;
}

function browse(
  { url, integrationId }: RunningHub,
  importId: string,
  cookies: string[],
  overallRate?: number,
): Promise<autocannon.Result> {
  const pages = [
    paths.overview,
    paths.integrations,
    paths.browse({ integration: integrationId }),
    paths.import(importId),
    paths.documents(),
    paths.search({ q: 'annual report' }),
    paths.search({ q: 'privacy policy', mode: 'keyword' }),
  ];
  let next = 0;
  return autocannon({
    url,
    connections: USERS,
    duration: SECONDS,
    timeout: TIMEOUT_SECONDS,
    overallRate,
    setupClient(client) {
      const headers = { accept: 'text/html', cookie: cookies[next++ % cookies.length] };
      client.setRequests(pages.map((path) => ({ path, headers })));
    },
  });
}
