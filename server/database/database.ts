import type { Knex } from 'knex';
import type { Client } from 'pg';
import type { ChangeListener } from './changes.ts';

/** The one door to the database: every query, the queue's too, goes through this Knex pool. */
export type Database = {
  kind: 'postgres' | 'embedded';
  knex: Knex;
  /** Whether the pgvector extension is there; without it search is by keyword only. */
  hasVectors: boolean;
  /** Runs `work` in a transaction; a call inside another joins it. */
  transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
  /** The running transaction of this call chain, else the pool: with a pool of one, asking the pool inside a transaction would wait for ever. */
  current(): Knex;
  /** Calls `listener` with what each transaction of this process has changed (`noteChange`), once it has committed. */
  onChange(listener: ChangeListener): void;
  /** A connection beside the pool, not yet open: for what is heard on a connection of its own. Absent where several processes cannot share it. */
  connectAlone?: () => Client;
  close(): Promise<void>;
};
