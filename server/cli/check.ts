import { existsSync } from 'node:fs';
import path from 'node:path';
import { ConfigError, parseConfig, type Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { DataDirInUseError } from '../database/data-dir-lock.ts';
import { openDatabase } from '../database/open.ts';
import { describeDatabase } from '../checks/describe-database.ts';
import { checkKeys } from '../checks/check-keys.ts';
import { checkSessions } from '../checks/check-sessions.ts';
import { checkAddress } from '../checks/check-address.ts';
import { checkConnections } from '../checks/check-connections.ts';
import { checkServices } from '../checks/check-services.ts';
import { checkSso } from '../checks/check-sso.ts';
import { fail, ok, warn, type Finding } from '../checks/finding.ts';
import type { Io, Result } from './io.ts';
import { reasonOf } from '../checks/reason.ts';

/** `check`: one line each for configuration, database, sessions, keys, services, embedder, chat model, originals, index, mail and webhook. Fails when any of them does. */
export async function check(io: Io): Promise<Result> {
  const findings: Finding[] = [];
  try {
    findings.push(...(await checkConfig(parseConfig(io.env))));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) {
      const [about = '', ...rest] = problem.split(': ');
      findings.push(fail(about, rest.join(': ')));
    }
    findings.push(warn('the rest', 'is checked once the variables above are right'));
  }
  const failed = findings.some(({ level }) => level === 'fail');
  return {
    lines: findings.map(({ level, about, message }) => `${level.padEnd(4)}  ${about}: ${message}`),
    json: { ok: !failed, findings },
    note: failed ? FAILED : NEXT,
    failed,
  };
}

const FAILED = 'Put right what a line with “fail” names, in .env or the environment, and check again.';
const NEXT = `Nothing stands in the way of a start: npm run dev, or npm run build and then npm start. “warn” is what you may still want to see to.
A service that is off needs an app that you register at its vendor with the redirect URI above; docs/ has a page for each, step by step.
To look around without any of that: npm run demo`;

async function checkConfig(given: Config): Promise<Finding[]> {
  const found = checkAddress(given);
  const sealed: string[] = [];
  found.push(...(await checkDatabase(given, sealed)));
  found.push(await checkSessions(given));
  found.push(...checkKeys(given, sealed));
  found.push(...checkServices(given));
  found.push(...checkSso(given));
  found.push(...(await checkConnections(given)));
  return found;
}

/** Also gives, in `sealed`, the stored grants, so that the keys can be tried on them. */
async function checkDatabase(config: Config, sealed: string[]): Promise<Finding[]> {
  const embedded = config.database.kind === 'embedded';
  const folder = path.join(config.dataDir, 'postgres');
  // Opening would create it, and looking should change nothing.
  if (embedded && !existsSync(folder))
    return [
      ok('database', `embedded, in ${folder}; it is made at the first start`),
      ok('index', 'in that database, keywords and vectors'),
    ];
  let database: Database | undefined;
  try {
    database = await openDatabase(config);
    const { findings, sealed: grants } = await describeDatabase(database, config);
    sealed.push(...grants);
    return findings;
  } catch (error) {
    if (error instanceof DataDirInUseError)
      return [
        warn(
          'database',
          `embedded, in ${folder}: a running hub has it open, so it cannot be looked at from here. Ask that hub at ${config.baseUrl}/readyz, or stop it and check again`,
        ),
      ];
    return [
      fail(
        'database',
        `cannot be used: ${reasonOf(error)}. ${embedded ? `See that ${config.dataDir} can be written` : 'See that DATABASE_URL is right and the server runs'}`,
      ),
    ];
  } finally {
    await database?.close();
  }
}
