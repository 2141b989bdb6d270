import type { Knex } from 'knex';
import type { Db } from 'pg-boss';

type Result = { rows?: unknown[] };
type Connection = { query(sql: string, values?: unknown[]): Promise<Result | Result[]> };
type Client = {
  acquireConnection(): Promise<Connection>;
  releaseConnection(connection: Connection): Promise<void>;
};

/**
 * Lets pg-boss run its statements through our Knex pool, the only door to the database. Each call takes a connection and gives it back;
 * a script that failed half-way leaves the connection in an aborted transaction, so it is rolled back first.
 */
export function bossDatabase(knex: Knex): Db {
  const client = knex.client as Client;
  return {
    async executeSql(text, values) {
      const connection = await client.acquireConnection();
      try {
        const result = await connection.query(text, values && values.length > 0 ? values : undefined);
        // A script of several statements gives one result each; the rows of a RETURNING in the middle count.
        const rows = Array.isArray(result) ? result.flatMap((part) => part.rows ?? []) : (result.rows ?? []);
        return { rows };
      } catch (error) {
        await connection.query('ROLLBACK').catch(() => undefined);
        throw error;
      } finally {
        await client.releaseConnection(connection);
      }
    },
  };
}
