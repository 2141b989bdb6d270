/** Rows of one insert: a statement takes at most 65,535 parameters, and no table here has more than 30 columns. */
const ROWS = 2000;

/** The rows in parts that one insert can take. */
export function* inBatches<T>(rows: T[]): Generator<T[]> {
  for (let from = 0; from < rows.length; from += ROWS) yield rows.slice(from, from + ROWS);
}
