import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { expect } from 'chai';
import type { Router } from 'express';
import { createProviders } from '../../providers/registry.ts';
import { createApi } from '../../server/api/index.ts';
import { runCli } from '../../server/cli/run.ts';
import { parseConfig, type Env } from '../../server/config.ts';
import type { Context } from '../../server/context.ts';
import { mcpRoutes } from '../../server/mcp/router.ts';
import { paths } from '../../server/paths.ts';
import { healthRoutes } from '../../server/routes/health.ts';
import { metricsRoutes } from '../../server/routes/metrics.ts';
import { pageRoutes } from '../../server/routes/index.ts';
import { referenceRoutes } from '../../server/routes/reference.ts';
import { webhookRoutes } from '../../server/routes/webhooks.ts';
import { routesOf } from '../helpers/routes.ts';
import { anchorOf, literalsOf, projectFiles, readPage, root, type Page } from './markdown.ts';

const files = projectFiles();
const pages = files.filter((name) => /^(docs\/.*|[^/]+)\.md$/.test(name)).map(readPage);
const spans = pages.flatMap((page) => page.spans);
const pageNamed = (name: string): Page => pages.find((page) => page.name === name) ?? readPage(name);

/** Words in capitals that are no variable of the hub: methods, signals, cookie and key words; variables of the command line and the test run. */
const OTHER_CAPITALS = new Set(
  'GET POST PUT DELETE SIGTERM SIGINT GIN JSON CSV TRIBUTARY_TOKEN TEST_DATABASE_URL TEST_REDIS_URL TEST_AZURITE REQUIRE_ALL PROOFS KILL_SEED BENCH_FILES CHROMIUM POSTGRES_PASSWORD ORIGINALS_KEY FILE'.split(
    ' ',
  ),
);
/** Of the Atlassian variables, as other programs know them. */
const OAUTH_SPELLINGS = ['CONFLUENCE', 'JIRA'].flatMap((product) => [
  `${product}_OAUTH_CLIENT_ID`,
  `${product}_OAUTH_CLIENT_SECRET`,
]);
/** Names that belong to programs and services outside. */
const OTHER_NAMES = new Set(['pg_dump', 'pg_restore']);
const OTHER_PATHS = new Set([
  ...'/v1.0 /webhooks/ /developers/apps'.split(' '),
  '/data',
  '/opt/tributary',
  '/var/lib/tributary',
  '/etc/tributary/hub.env',
]);

/** The variables that the configuration asks for, whatever their values. */
function configVariables(): Set<string> {
  const asked = new Set<string>();
  const ask = (values: Env) =>
    parseConfig(
      new Proxy(values, {
        get(target, name) {
          asked.add(String(name));
          return target[String(name)];
        },
      }),
    );
  ask({});
  ask({ SANDBOX: '1' });
  return asked;
}

/** Command names and the whole text of `npm run hub`. */
async function usage(): Promise<{ commands: Set<string>; text: string }> {
  let text = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await runCli(['help'], { env: {}, stdin: Readable.from([]), stdout: sink, stderr: sink });
  return {
    commands: new Set([...text.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2}/gm)].map(([, name = '']) => name)),
    text,
  };
}

/** Every route below a router as `GET /path/{}`; parameters have no name. */
const namesOf = (router: Router, prefix?: string): string[] =>
  routesOf(router, prefix).map(({ method, pattern }) => `${method} ${pattern}`.replace(/:\w+/g, '{}'));

describe('the documentation', () => {
  const nobody = {} as Context;
  const { router: apiRouter, aliases, calls } = createApi(nobody);
  const api = namesOf(apiRouter, '/api/v1');
  const routes = [
    ...namesOf(healthRoutes(nobody)),
    ...namesOf(metricsRoutes(nobody)),
    ...namesOf(
      pageRoutes(nobody, {
        middleware: [],
        verify: async () => undefined,
        signIn: async () => undefined,
        signOut: async () => undefined,
      }),
    ),
    ...namesOf(referenceRoutes(calls)),
    ...namesOf(webhookRoutes(nobody)),
    ...namesOf(aliases),
    ...namesOf(mcpRoutes(nobody)),
    ...api,
  ];
  const variables = configVariables();

  it('names files that exist', () => {
    const isThere = (name: string): boolean => {
      const source = name.replace(/^dist\/(.*)\.js$/, '$1.ts').replace(/\/$/, '');
      if (source.includes('<')) {
        const pattern = source
          .split(/<[^>]*>/)
          .map(escaped)
          .join('[^/]+');
        return files.some((file) => new RegExp(`^${pattern}$`).test(file));
      }
      if (existsSync(path.join(root, source))) return true;
      return source === '.env' || (!source.includes('/') && files.some((file) => path.posix.basename(file) === source));
    };
    const missing = spans.flatMap(({ text, at, inline }) =>
      text
        .split(/\s+/)
        .filter((word) =>
          inline
            ? // What begins with a slash is an address.
              /^(server|providers|test|docs|scripts|migrations|views|public|dist)(\/|$)/.test(word) ||
              /^[\w.<>-][\w.<>/-]*\.(ts|mjs|js|md|ejs|css|svg|json|example)$/.test(word)
            : /^(server|providers|test|docs|scripts|migrations|dist)\/\S+\.\w+$/.test(word),
        )
        .filter((name) => !isThere(name))
        .map((name) => `${at} ${name}`),
    );
    expect(missing).to.deep.equal([]);
  });

  it('quotes code as it stands in the source', () => {
    const quoted = pages.flatMap(({ name }) =>
      [...readFileSync(path.join(root, name), 'utf8').matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].flatMap(
        ([, file = '', code = '']) => code.split(/^\/\/ …\n/m).map((piece) => ({ name, file, piece: piece.trimEnd() })),
      ),
    );
    expect(quoted.length).to.be.greaterThan(10);
    const wrong = quoted.filter(({ file, piece }) => !readFileSync(path.join(root, file), 'utf8').includes(piece));
    expect(wrong).to.deep.equal([]);
  });

  it('links to pages and sections that exist', () => {
    const dead = pages.flatMap(({ name, links }) =>
      links
        .filter(({ target }) => !/^[a-z]+:/.test(target))
        .filter(({ target }) => {
          const [file = '', anchor] = target.split('#');
          const linked = file === '' ? name : path.posix.join(path.posix.dirname(name), file);
          if (!existsSync(path.join(root, linked))) return true;
          return anchor !== undefined && !pageNamed(linked).headings.map(anchorOf).includes(anchor);
        })
        .map(({ target, at }) => `${at} ${target}`),
    );
    expect(dead).to.deep.equal([]);
  });

  it('names scripts of package.json and commands of the hub that exist', async () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const { commands, text: help } = await usage();
    expect(commands.size).to.be.greaterThan(5);
    const wrong = spans.flatMap(({ text, at }) => {
      const found = [...text.matchAll(/\bnpm (?:run (\w+)|(test|start)\b)/g)].map(
        ([, run, short]) => run ?? short ?? '',
      );
      const unknown = found.filter((script) => !(script in scripts)).map((script) => `npm run ${script}`);
      const rest = /npm run hub -- (.*)/.exec(text)?.[1];
      const command = rest === undefined ? undefined : /^[a-z ]*[a-z]/.exec(rest)?.[0];
      if (command !== undefined && !commands.has(command)) unknown.push(`hub ${command}`);
      const options = /npm run hub/.test(text) || /^--\w/.test(text) ? (text.match(/--[a-z][a-z-]*/g) ?? []) : [];
      return [...unknown, ...options.filter((option) => !help.includes(option))].map((name) => `${at} ${name}`);
    });
    expect(wrong).to.deep.equal([]);
    const told = pageNamed('docs/operations.md').spans.map(({ text }) => text);
    for (const command of commands)
      if (command !== 'help')
        expect(
          told.some((text) => text.startsWith(`npm run hub -- ${command}`)),
          command,
        ).to.equal(true);
  });

  it('names variables that are read, and every one of them', () => {
    expect(variables.size).to.be.greaterThan(30);
    const unknown = spans.flatMap(({ text, at, inline }) =>
      [
        ...text.matchAll(
          inline ? /(?<![\w./-])[A-Z][A-Z_]{2,}(?![\w./-])/g : /(?<![\w./-])[A-Z]+(?:_[A-Z]+)+(?=[=\s]|$)/g,
        ),
      ]
        .map(([name]) => name)
        .filter((name) => !variables.has(name) && !OTHER_CAPITALS.has(name))
        .map((name) => `${at} ${name}`),
    );
    expect(unknown).to.deep.equal([]);

    const example = readFileSync(path.join(root, '.env.example'), 'utf8');
    const inExample = [...example.matchAll(/^([A-Z_]+)=$/gm)].map(([, name = '']) => name);
    const inTables = pageNamed('docs/configuration.md')
      .tables.flatMap(({ rows }) => rows)
      .map(([cell = '']) => cell.replaceAll('`', ''));
    expect(inExample).to.deep.equal(inTables);
    expect(example).to.include('LOGLEVEL');
    // Spellings that stand in for others.
    const others = ['LOGLEVEL', ...OAUTH_SPELLINGS];
    for (const name of others) expect(spans.map(({ text }) => text)).to.include(name);
    expect([...inExample, ...others]).to.have.members([...variables]);
  });

  it('gives the defaults that hold', () => {
    const { google, microsoft, dropbox, jira, ...rest } = parseConfig({});
    const defaults = new Map<string, unknown>([
      ['PORT', rest.port],
      ['DATA_DIR', rest.dataDir],
      ['ROLE', rest.role],
      ['LOG_LEVEL', rest.logLevel],
      ['AUDIT_RETENTION_DAYS', rest.auditRetentionDays],
      ['DRAIN_SECONDS', rest.operations.drainSeconds],
      ['MAX_FILE_BYTES', rest.maxFileBytes],
      ['IMPORT_CONCURRENCY', rest.importConcurrency],
      ['GOOGLE_AUTH_URL', google.authUrl],
      ['GOOGLE_TOKEN_URL', google.tokenUrl],
      ['GOOGLE_REVOKE_URL', google.revokeUrl],
      ['GOOGLE_USERINFO_URL', google.userinfoUrl],
      ['GOOGLE_API_URL', google.apiUrl],
      ['MICROSOFT_TENANT_ID', microsoft.tenantId],
      ['MICROSOFT_AUTHORITY_URL', microsoft.authorityUrl],
      ['MICROSOFT_GRAPH_URL', microsoft.graphUrl],
      ['DROPBOX_AUTH_URL', dropbox.authUrl],
      ['DROPBOX_TOKEN_URL', dropbox.tokenUrl],
      ['DROPBOX_API_URL', dropbox.apiUrl],
      ['DROPBOX_CONTENT_URL', dropbox.contentUrl],
      ['ATLASSIAN_AUTH_URL', jira.authUrl],
      ['ATLASSIAN_API_URL', jira.apiUrl],
    ]);
    const rows = pageNamed('docs/configuration.md').tables.flatMap((table) => table.rows);
    for (const [name, value] of defaults) {
      const told = rows.find(([cell]) => cell === `\`${name}\``)?.[1] ?? '';
      // PORT's is the default of the pages' address too, so only the first span counts.
      if (name !== 'LOG_LEVEL') expect(/`([^`]*)`/.exec(told)?.[1], name).to.equal(String(value));
      else expect(told).to.include(`\`${String(value)}\``);
    }
  });

  it('names pages and API calls that exist, and every API call', () => {
    expect(api.length).to.be.greaterThan(15);
    const addresses = new Set(routes.map((route) => route.replace(/^\w+ /, '')));
    const named = spans.flatMap(({ text, at, inline }) => {
      const [, method, address = ''] =
        /^(?:(GET|POST|DELETE) )?(?:<BASE_URL>|https?:\/\/localhost:\d+)?(\/[a-z][\w/.{}<>-]*)(?:\?\S*)?$/.exec(text) ??
        [];
      return inline && address !== '' && !OTHER_PATHS.has(address) ? [{ method, address, at }] : [];
    });
    const patternOf = (address: string) => address.replace(/\{\w*\}|<\w+>/g, '{}');
    // A concrete address may have a value where a route has a parameter.
    const fits = (address: string, route: string) =>
      new RegExp(`^${route.replaceAll('{}', '[^/]+')}$`).test(address) || route === patternOf(address);
    const wrong = named
      .filter(({ method, address }) =>
        method === undefined
          ? ![...addresses].some((route) => fits(address, route)) && address !== '/api/v1'
          : !routes.some((route) => route.startsWith(`${method} `) && fits(address, route.slice(method.length + 1))),
      )
      .map(({ method, address, at }) => `${at} ${method ?? ''} ${address}`);
    expect(wrong).to.deep.equal([]);

    const described = pageNamed('docs/api.md')
      .headings.filter((heading) => /^[A-Z]+ \//.test(heading))
      .map(patternOf);
    expect(described).to.have.members([...new Set(api)]);
  });

  it('names codes, tables and services as the code spells them', () => {
    const sources = files
      .filter((name) => /^(server|providers|migrations)\/.*\.ts$/.test(name))
      .map((name) => readFileSync(path.join(root, name), 'utf8'))
      .join('\n');
    const words = new Set(sources.match(/\w+/g));
    const unknown = spans
      .filter(({ inline }) => inline)
      .flatMap(({ text, at }) => (/^[a-z]+(?:_[a-z]+)+$/.test(text) ? [{ text, at }] : []))
      .filter(({ text }) => !words.has(text) && !OTHER_NAMES.has(text))
      .map(({ text, at }) => `${at} ${text}`);
    expect(unknown).to.deep.equal([]);
  });

  it('tells every code that a call or a row of the ledger may give', () => {
    const told = new Set(pageNamed('docs/api.md').spans.map(({ text }) => text));
    const textOf = (name: string) => readFileSync(path.join(root, name), 'utf8');
    const thrown = files
      .filter((name) => /^server\/.*\.ts$/.test(name))
      .flatMap((name) => [
        ...textOf(name).matchAll(/new (?:AppError\(\s*\d+,|BadRequestError\(|ConflictError\()\s*'(\w+)'/g),
      ]);
    const outcomes = [...textOf('server/jobs/outcomes.ts').matchAll(/^ {2}(\w+): '(?:retry|skipped|failed)'/gm)];
    expect(thrown.length).to.be.greaterThan(20);
    expect(outcomes.length).to.be.greaterThan(15);
    // The form of the first set-up gives one, and what the API hands on as a position is checked before.
    const others = new Set(['setup_done', 'invalid_cursor']);
    const codes = new Set([...thrown, ...outcomes].map(([, code = '']) => code));
    expect([...codes].filter((code) => !told.has(code) && !others.has(code))).to.deep.equal([]);
  });

  describe('of each service', () => {
    const folders: Record<string, string> = {
      google_drive: 'google-drive',
      microsoft: 'microsoft-365',
      dropbox: 'dropbox',
    };
    const shared: Record<string, string[]> = { confluence: ['atlassian'], jira: ['atlassian'] };
    for (const { definition } of createProviders(parseConfig({})).definitions) {
      const folder = folders[definition.id] ?? definition.id;
      const name = `docs/${folder}.md`;

      it(`tells permissions, variables, redirect URI and the way out of ${definition.label}`, () => {
        const page = pageNamed(name);
        const told = page.spans.map(({ text }) => text);
        for (const { scope } of definition.scopes) expect(told).to.include(scope);
        for (const setting of Object.values(definition.settings)) expect(told).to.include(`${setting}=`);
        expect(told.some((text) => text.endsWith(paths.callback(definition.id)))).to.equal(true);
        expect(readFileSync(path.join(root, name), 'utf8')).to.include(definition.manualRevokeUrl);
        expect(pageNamed('README.md').spans.map(({ text }) => text)).to.include(
          `<BASE_URL>${paths.callback(definition.id)}`,
        );
      });

      it(`quotes messages of ${definition.label} as the hub says them`, () => {
        const sources = [folder, ...(shared[definition.id] ?? [])].map((source) => `providers/${source}/`);
        const said = [
          ...files.filter((file) => sources.some((source) => file.startsWith(source)) && !file.includes('sandbox')),
          'providers/vendor-failures.ts',
          'server/services/grant-service.ts',
          'server/services/refused-consent.ts',
          'server/services/credential-service.ts',
        ].flatMap(literalsOf);
        const sentences = said
          .flatMap((text) => text.split(/(?<=\.) /))
          .filter((text) => text.replaceAll('\0', '').length > 10)
          .map((text) => new RegExp(`^${text.split('\0').map(escaped).join('.+')}$`));
        const isSaid = (message: string) => {
          const longest = (message.split('…').sort((a, b) => b.length - a.length)[0] ?? '').trim();
          return said.some((text) => text.includes(longest)) || sentences.some((sentence) => sentence.test(message));
        };
        const quoted = pageNamed(name)
          .tables.filter(({ header }) => ['message', 'the ledger says'].includes(header[0] ?? ''))
          .flatMap(({ rows }) => rows.map(([message = '']) => message));
        expect(quoted.length).to.be.greaterThan(10);
        expect(quoted.filter((message) => !isSaid(message))).to.deep.equal([]);
      });
    }
  });
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
